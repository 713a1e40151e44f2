"""What the table of the agents' bench says of talks, counted by hand."""

from agents.conversation import Talk
from agents.table import HEAD, Named, row, share_of_one_turn

TEXTS = ("one two", "three four")
TALKS = (
    Talk(clip="a", end_s=2.0, turns=[(2.5, "one two")], starts=[(2.3, "one two")], finals=[(2.4, "one two")]),
    Talk(
        clip="b",
        end_s=4.0,
        turns=[(3.0, "three"), (4.6, "four")],
        starts=[(2.9, "three"), (3.5, "three four"), (4.4, "four")],
        finals=[(2.9, "three"), (4.4, "four")],
    ),
)


def test_a_row_has_a_cell_for_each_column_and_counts_turns_and_starts():
    cells = [cell.strip() for cell in row("off", Named("stt", "on"), TALKS, TEXTS, {"a", "b"}).split("|")[1:-1]]
    assert len(cells) == HEAD.splitlines()[0].count("|") - 1
    assert cells[:9] == ["off", "stt", "on", "2", "1.50", "50 % of 2", "1", "1.33", "1"]
    assert cells[9] == "0.55/0.60 s"
    assert cells[-1] == "0.0"


def test_only_sentences_with_breaths_can_be_broken_by_one():
    assert share_of_one_turn(TALKS, {"b"}) == "0 % of 1"
    assert share_of_one_turn(TALKS, ()) == "-"
