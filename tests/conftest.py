"""How counter-examples are looked for (new ones at every run here), what is counted, and logging put back."""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from private_folders import NotCounted

settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Count the tests of the public suite alone."""
    config.pluginmanager.register(NotCounted())


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that runs in the test's process configures logging; the tests behind it read what is logged."""
    root, ours = logging.getLogger(), logging.getLogger("auricle")
    handlers, root_level, level = root.handlers[:], root.level, ours.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(root_level)  # which forgets what loggers remember of it, as an assignment does not
    ours.setLevel(level)
