"""The section about batches on a GPU, from the results files of gpu.py. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

NOT_YET = "`gpu.py` has not run on a GPU: none was at hand. It is ready: `python bench/streaming/gpu.py --out FILE`."


def batch_lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the section; it says so where nothing ran on a GPU."""
    lines = ["## Batches on a GPU", ""]
    if not any(one["meta"]["device"] == "cuda" for one in results):
        lines += [NOT_YET, ""]
    for one in results:
        lines += [*batch_table(one), ""]
    return lines


def batch_table(result: Mapping[str, Any]) -> list[str]:
    """Return the table of one run."""
    meta = result["meta"]
    lines = [
        f"Random weights of the {meta['shape']} shape on {meta['device_name']} ({meta['compute_type']}), "
        f"{meta['tokens']} tokens a window, {meta['date']}:",
        "",
        "| window | batch | a batch, p50 / most | windows a second | … of 30 s, at the same batch |",
        "|---|--:|--:|--:|--:|",
    ]
    padded = {row["batch"]: row["windows_per_s"] for row in result["rows"] if row["window_s"] == 30}
    for row in result["rows"]:
        base = padded.get(row["batch"])
        times = f"{row['windows_per_s'] / base:.1f} ×" if base else "—"
        took = f"{1000 * row['batch_s']['p50']:.1f} / {1000 * row['batch_s']['most']:.1f} ms"
        lines.append(f"| {row['window_s']:g} s | {row['batch']} | {took} | {row['windows_per_s']:,.1f} | {times} |")
    return lines
