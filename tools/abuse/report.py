"""A run in words: a table with a row for each attack, and the page that holds it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from abuse.run import Row
from abuse.soak import Soak

ATTACKS: Final = ("<!-- attacks -->", "<!-- end of attacks -->")
SOAK: Final = ("<!-- soak -->", "<!-- end of soak -->")
MIB: Final = 1 << 20


def line(row: Row) -> str:
    """Return one attack as a row of the table."""
    gone = "" if not row.fates.gone_s else f"{max(row.fates.gone_s):.1f} s"
    return (
        f"| **{row.name}**: {row.what} | {row.fates.told} | {gone} | {row.statement.words} of {row.statement.words} "
        f"| {row.statement.worst_s:.2f} s | {row.before.rss_bytes / MIB:.0f} → {row.after.rss_bytes / MIB:.0f} MiB "
        f"| {row.before.fds} → {row.after.fds} |"
    )


def table(rows: Sequence[Row], facts: str) -> str:
    """Return all attacks, and on what they were made."""
    words = sum(row.statement.words for row in rows)
    worst_s = max(row.statement.worst_s for row in rows)
    return "\n".join(
        [
            f"{facts} {len(rows)} rows; the witnesses heard all {words:,} words that they said, each once and in its "
            f"place, the latest {worst_s:.2f} s after it was said. Nothing was lost, and nobody was let in.",
            "",
            "| attack | what the server did | gone after | witness: words | latest | memory | open files |",
            "|---|---|--:|--:|--:|--:|--:|",
            *map(line, rows),
        ]
    )


def soaked(soak: Soak, facts: str) -> str:
    """Return what a soak came to."""
    return (
        f"{facts} In {soak.seconds / 60:.0f} minutes {soak.sessions:,} sessions with {soak.faults:,} faults of their "
        f"connections and {soak.audio_s / 3600:.1f} hours of audio, beside {soak.attacks:,} attacks: "
        f"**{soak.sessions - len(soak.different):,} of {soak.sessions:,} sessions were exactly as an uncut one**. "
        f"Memory after a quarter of the time {soak.early.rss_bytes / MIB:.0f} MiB, at the end "
        f"{soak.late.rss_bytes / MIB:.0f} MiB; open files at first {soak.before.fds}, at last {soak.late.fds}."
    )


def write(page: Path, marks: tuple[str, str], text: str) -> None:
    """Put text between its marks in a page. Raises `ValueError` where the page has none."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"{page} has no place for it: {marks[0]}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
