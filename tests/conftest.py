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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are processors: many tests wait for servers, proxies and browsers."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1
