"""How counter-examples are looked for (new ones at every run here), what is counted, and logging put back."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from private_folders import NotCounted
from server.logs.restored import logging_restored

settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Count the tests of the public suite alone."""
    config.pluginmanager.register(NotCounted())


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that runs in the test's process configures logging; the tests behind it read what is logged."""
    with logging_restored():
        yield
