"""The tables of ``docs/metrics.md``, from the catalogue of metrics and the sets of labels."""

from collections.abc import Mapping, Sequence
from typing import Final

from auricle.server.metrics.catalogue import (
    AUDIO,
    ENGINES,
    LABELS,
    PROCESS,
    RESULTS,
    SERVER,
    SESSIONS,
    Metric,
)

GROUPS: Final[Mapping[str, Sequence[Metric]]] = {
    "Sessions": SESSIONS,
    "Audio": AUDIO,
    "Results": RESULTS,
    "Engines": ENGINES,
    "Server": SERVER,
    "Process": PROCESS,
}
BEGIN: Final = "<!-- tables: tools/render_operations.py writes them -->"
END: Final = "<!-- end of the tables -->"
FREE: Final = "as the operator names it"


def with_tables(page: str) -> str:
    """Return the page with the tables as they are now. Raises `ValueError` where it has no place for them."""
    before, _, rest = page.partition(BEGIN)
    _, found, behind = rest.partition(END)
    if not found:
        raise ValueError(f"The page has no place for the tables: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{behind}"


def tables() -> str:
    """Return one table a group, and one of the labels."""
    groups = "\n".join(f"### {title}\n\n{_table(metrics)}" for title, metrics in GROUPS.items())
    return f"{groups}\n### Labels\n\n{_labels()}"


def _table(metrics: Sequence[Metric]) -> str:
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.help} |"
        for metric in metrics
    )
    return "\n".join(("| metric | kind | labels | what it is |", "|---|---|---|---|", *rows, ""))


def _labels() -> str:
    rows = (f"| `{label}` | {_values(values)} |" for label, values in LABELS.items())
    return "\n".join(("| label | values |", "|---|---|", *rows, ""))


def _values(values: Sequence[str] | None) -> str:
    return FREE if values is None else ", ".join(f"`{value}`" for value in values)
