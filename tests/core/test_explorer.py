"""The explorer over the real core: every joint state of small conversations, and the explorer itself."""

from pathlib import Path

import pytest

from auricle.core.testing.explorer import report
from auricle.core.testing.explorer.liveness import prove
from auricle.core.testing.explorer.search import Explored
from auricle.core.testing.explorer.settings import SMALL, Settings
from core.mutants import forgets_its_questions, planted, second_ending

MOST = 400_000


def told(explored: Explored) -> str:
    return "\n".join(report.conversation(explored, explored.found)) if explored.found else ""


@pytest.mark.parametrize("settings", SMALL, ids=lambda settings: settings.name)
def test_nothing_breaks_and_everything_ends(settings: Settings) -> None:
    explored = prove(settings, most=MOST)
    assert explored.found is None, told(explored)
    assert explored.complete, "the search was cut short"
    assert explored.ended, "nothing ever ends"


def test_a_trace_is_the_shortest_and_reads_as_a_conversation() -> None:
    with planted(second_ending):
        explored = prove(Settings(name="leaving", audio=0, abort=True), most=MOST)
    assert explored.found is not None
    assert explored.found.invariant == "I3"
    whole = ["connect", "abort", "deliver up 0", "deliver up 0", "deliver down"]
    assert [step.move.what for step in explored.found.trace] == whole
    assert "I3" in told(explored)
    assert len(list(report.as_json(explored, explored.found))) == len(explored.found.trace) + 1


def test_a_second_run_finds_the_same() -> None:
    settings = Settings(name="a cut", audio=1, flushes=("f1",), resume=True, cuts=1)
    with planted(forgets_its_questions):
        first, second = prove(settings, most=MOST), prove(settings, most=MOST)
    assert told(first) == told(second)
    assert first.keys == second.keys


def test_every_outcome_of_the_table_is_searched_or_left_out_for_a_reason() -> None:
    """What the large search used is on the page; nothing may be missing there without a reason."""
    page = (Path(__file__).parents[2] / "docs" / "proof.md").read_text(encoding="utf-8")
    assert "- 0 were not chosen for no reason that is known." in page
    assert "- 0 were chosen although no correct peer leads to them." in page
