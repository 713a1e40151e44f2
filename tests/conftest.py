"""How counter-examples are looked for, new ones at every run here and the same ones in CI, and what is counted."""

import os

import pytest
from hypothesis import settings
from private_folders import NotCounted

settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Count the tests of the public suite alone."""
    config.pluginmanager.register(NotCounted())
