"""What is cheap of `tools/abuse`, on a real server: each attack is answered as it must be, and the witness hears all.

The whole of it, with what takes minutes: docs/abuse.md.
"""

from functools import partial
from pathlib import Path

import pytest
import trio
from abuse.attacks import bodies, frames, fuzz, heads, wyoming
from abuse.catalogue import ATTACKS, Attack
from abuse.fates import Fates
from abuse.report import ATTACKS as MARKS
from abuse.report import table, write
from abuse.run import Row, run
from abuse.target import Target, Vitals, running_target
from abuse.wire import answer_in
from abuse.witness import Statement

EXAMPLES = 40
QUICK: tuple[Attack, ...] = (
    heads.break_ins,
    heads.endless_head,
    frames.giant_message,
    frames.compressed,
    frames.malformed,
    frames.many_messages,
    bodies.gzip_bomb,
    bodies.many_parts,
    bodies.endless_headers,
    bodies.large_fields,
    wyoming.lines,
    partial(fuzz.requests, examples=EXAMPLES),
    partial(fuzz.frames, examples=EXAMPLES),
)
FAR_S = 120.0


async def all_at_once(target: Target) -> Fates:
    """Attacks that are over soon, side by side."""
    fates = Fates()

    async def one(attack: Attack) -> None:
        made = await attack(target)
        fates.answers += made.answers
        fates.faults += made.faults

    async with trio.open_nursery() as nursery:
        for attack in QUICK:
            nursery.start_soon(one, attack)
    return fates


def test_attacks_are_answered_as_they_must_be_and_the_witness_hears_every_word() -> None:
    async def attacked() -> None:
        with trio.fail_after(FAR_S):
            async with running_target() as target:
                (row,) = await run(target, {"all at once": all_at_once}, lambda row: None)
                assert row.faults == []
                assert row.statement.words >= 5
                assert target.trouble() == []

    trio.run(attacked)


def row(**changed: object) -> Row:
    fates = Fates()
    fates.add("408", 5.0)
    parts = {
        "name": "slow loris",
        "what": "A byte a second.",
        "fates": fates,
        "seconds": 6.0,
        "statement": Statement(words=5, seconds=3.0, is_exact=True, worst_s=0.25),
        "before": Vitals(80 << 20, 11),
        "after": Vitals(81 << 20, 11),
    }
    return Row(**{**parts, **changed})  # type: ignore[arg-type]


def test_what_must_not_be_is_a_fault() -> None:
    assert row().faults == []
    assert "did not hear" in row(statement=Statement(words=4, is_exact=False)).faults[0]
    assert "lost its connection" in row(statement=Statement(is_exact=True, interrupted=1)).faults[0]
    assert row(after=Vitals(0, 13)).faults == ["2 files are still open."]
    let_in = Fates()
    let_in.add("200")
    let_in.expect("403")
    assert row(fates=let_in).faults == ["1 × 200, which is none of 403."]


def test_the_page_has_a_row_for_each_attack(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{MARKS[0]}\nold\n{MARKS[1]}\nBehind.\n", encoding="utf-8")
    write(page, MARKS, table([row()], "Today."))
    text = page.read_text(encoding="utf-8")
    expected = "| **slow loris**: A byte a second. | 408 | 5.0 s | 5 of 5 | 0.25 s | 80 → 81 MiB | 11 → 11 |"
    assert expected in text.splitlines()
    assert text.startswith("Before.\n")
    assert text.endswith("\nBehind.\n")
    assert "old" not in text
    with pytest.raises(ValueError, match="no place"):
        write(page, ("<!-- other -->", MARKS[1]), "")


def test_every_attack_of_the_tool_is_on_the_page_and_the_other_way_round() -> None:
    text = (Path(__file__).parents[2] / "docs" / "abuse.md").read_text(encoding="utf-8")
    names = [line.split("**")[1] for line in text.splitlines() if line.startswith("| **")]
    assert names == ["nobody", *ATTACKS]


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (b"", None),
        (b"HTTP/1.1 408 Request Timeout\r\n\r\n", "408"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02{}", None),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02{}\x88\x05\x03\xf1bad", "Close 1009"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}HTTP/1.1 400 Bad Request\r\n\r\n", "400"),
    ],
)
def test_an_answer_is_read_from_what_was_received(received: bytes, answer: str | None) -> None:
    assert answer_in(received) == answer
