"""Recordings and models that cannot be part of the repository, and lie beside it where somebody has them.

A test that needs them is no test of the public suite: without them it is neither run nor counted, so that a closing
line without a skipped test means what it says.
"""

from pathlib import Path
from typing import Final

import pytest

PRIVATE: Final = Path(__file__).resolve().parents[2] / "shared"
NOT_HERE: Final = "it needs what is not part of the repository"


def private(*parts: str) -> Path:
    """Return what lies there; without it the test that asks is not counted."""
    path = PRIVATE.joinpath(*parts)
    if not path.exists():
        pytest.skip(NOT_HERE)
    return path


class NotCounted:
    """A plugin of pytest that leaves those tests out of the closing line."""

    def __init__(self) -> None:
        self._left_out = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
        """Put a test that was skipped for want of them into no category."""
        if report.skipped and isinstance(report.longrepr, tuple | list) and report.longrepr[2].endswith(NOT_HERE):
            self._left_out += 1
            return "", "", ""
        return None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many they are."""
        if self._left_out:
            terminalreporter.write_line(
                f"{self._left_out} more tests need recordings that cannot be part of the repository; they were not run."
            )
