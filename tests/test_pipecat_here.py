"""The tests of the Pipecat service, and of Pipecat's own services, need Pipecat; where it is missing, this says so."""

import pytest


def test_pipecat_is_installed() -> None:
    pytest.importorskip("pipecat", reason="its services are tested with AURICLE_INSTALL=1, or: pip install pipecat-ai")
