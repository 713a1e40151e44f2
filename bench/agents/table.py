"""The table of the agents' bench: one row for each detector and mode of turns, with preflight on and off."""

from collections.abc import Collection, Sequence
from statistics import median
from typing import NamedTuple

from normal import Errors, align, normal

from agents.conversation import Talk

HEAD = (
    "| detector | turns | preflight | clips | turns a clip | one turn, of those with breaths | cut in mid-sentence "
    "| starts a turn | never used | end to commit p50/p95 | end to first token p50/p95 | WER % |\n"
    "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


class Named(NamedTuple):
    """What a row is of: the framework's mode of turn detection, and whether preflights are offered."""

    detection: str
    preflight: str


def row(detector: str, name: Named, talks: Sequence[Talk], texts: Sequence[str], with_breaths: Collection[str]) -> str:
    """Return one row. ``texts`` are what was really said, in the order of ``talks``; ``with_breaths`` names clips."""
    turns = sum(len(talk.turns) for talk in talks)
    starts = sum(len(talk.starts) for talk in talks)
    early = sum(talk.early for talk in talks)
    errors = Errors()
    for talk, text in zip(talks, texts, strict=True):
        errors += align(normal(text), normal(" ".join(final for _, final in talk.finals))).errors
    return (
        f"| {detector} | {name.detection} | {name.preflight} | {len(talks)} | {turns / len(talks):.2f} "
        f"| {share_of_one_turn(talks, with_breaths)} | {early} | {starts / max(1, turns):.2f} | {starts - turns} "
        f"| {_percentiles([talk.commit_s for talk in talks])} "
        f"| {_percentiles([talk.answer_s for talk in talks])} | {100 * (errors.rate or 0.0):.1f} |"
    )


def share_of_one_turn(talks: Sequence[Talk], with_breaths: Collection[str]) -> str:
    """Return the share of the sentences with breaths in them that came out as one turn, and how many there are."""
    breathing = [talk for talk in talks if talk.clip in with_breaths]
    whole = sum(len(talk.turns) == 1 for talk in breathing)
    return f"{100 * whole / len(breathing):.0f} % of {len(breathing)}" if breathing else "-"


def _percentiles(seconds: Sequence[float | None]) -> str:
    known = sorted(value for value in seconds if value is not None)
    if not known:
        return "-"
    missing = f" ({len(seconds) - len(known)} never)" if len(known) < len(seconds) else ""
    return f"{median(known):.2f}/{known[min(len(known) - 1, round(0.95 * (len(known) - 1)))]:.2f} s{missing}"
