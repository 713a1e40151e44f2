"""The page of the bench of speakers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).parent / "page.template.md"


def page(rows: Sequence[str], names: Sequence[str], sweep: Sequence[str], people: int, cpu: float) -> str:
    """Return the page. ``cpu``: seconds of a processor for a second of audio."""
    return TEMPLATE.read_text(encoding="utf-8").format(
        people=people, rows="\n".join(rows), names=" | ".join(names), lines="--:|" * len(names),
        sweep="\n".join(sweep), cpu=cpu,
    )  # fmt: skip
