"""The tests of the LiveKit plugin need LiveKit Agents; where it is missing, this says so."""

import pytest


def test_livekit_agents_is_installed() -> None:
    pytest.importorskip("livekit.agents", reason="the plugin is not tested: pip install -e plugin")
