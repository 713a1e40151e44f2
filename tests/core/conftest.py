"""A test of the core that fails leaves traces of its last conversation: what fails once can be replayed for ever."""

from collections.abc import Generator
from typing import Any

import pytest

from core.tapes import Tape, keep, rolling

TAPES = pytest.StashKey[list[Tape]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    with rolling() as item.stash[TAPES]:
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    tapes = item.stash.get(TAPES, None)
    if report.failed and call.when == "call" and tapes and item.config.cache is not None:
        paths = keep(tapes, item.config.cache.mkdir("traces"), item.name.replace("/", "_"), test=item.nodeid)
        report.sections.append(("traces of the last conversation", "\n".join(f"auricle replay {p}" for p in paths)))
    return report
