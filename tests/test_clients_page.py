"""docs/clients.md: every row names the test that runs the official package."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
ROWS = [
    row
    for row in (DOCS / "clients.md").read_text(encoding="utf-8").splitlines()
    if row.startswith("| ") and not row.startswith("| client |")
]


def test_there_are_rows() -> None:
    assert len(ROWS) >= 6


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_version_and_a_test_that_is_there(row: str) -> None:
    _, version, *_, test = (cell.strip() for cell in row.strip("|").split("|"))
    assert re.fullmatch(r"\d+(\.\d+)+", version)
    named = re.search(r"\]\((.+?)\)", test)
    assert named is not None
    assert "def test_" in (DOCS / named[1]).read_text(encoding="utf-8")
