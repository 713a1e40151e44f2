"""The table of the agents' bench: one row for each mode of turns, with preflight on and off."""

from collections.abc import Sequence
from statistics import median

from normal import Errors, align, normal

from agents.conversation import Talk

HEAD = (
    "| turns | preflight | clips | turns a clip | cut in mid-sentence | starts a turn | never used "
    "| end to commit p50/p95 | end to first token p50/p95 | WER % |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def row(detection: str, preflight: str, talks: Sequence[Talk], texts: Sequence[str]) -> str:
    """Return one row. ``texts`` are what was really said, in the order of ``talks``."""
    turns = sum(len(talk.turns) for talk in talks)
    starts = sum(len(talk.starts) for talk in talks)
    early = sum(talk.early for talk in talks)
    errors = Errors()
    for talk, text in zip(talks, texts, strict=True):
        errors += align(normal(text), normal(" ".join(final for _, final in talk.finals))).errors
    return (
        f"| {detection} | {preflight} | {len(talks)} | {turns / len(talks):.2f} | {early} "
        f"| {starts / max(1, turns):.2f} | {starts - turns} "
        f"| {_percentiles([talk.commit_s for talk in talks])} "
        f"| {_percentiles([talk.answer_s for talk in talks])} | {100 * (errors.rate or 0.0):.1f} |"
    )


def _percentiles(seconds: Sequence[float | None]) -> str:
    known = sorted(value for value in seconds if value is not None)
    if not known:
        return "-"
    missing = f" ({len(seconds) - len(known)} never)" if len(known) < len(seconds) else ""
    return f"{median(known):.2f}/{known[min(len(known) - 1, round(0.95 * (len(known) - 1)))]:.2f} s{missing}"
