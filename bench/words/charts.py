"""The plots of the page."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from words.scores import ALL
from words.systems import OFFLINE

COLOURS = {"plain": "#8a8f98", "files": "#2a9d8f", "live": "#d1495b"}
DECODERS = {"bare": "#8a8f98", "ours": "#d1495b"}
WIDTH = 4.5
"""Of one panel, in inches."""


def draw(results: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, Path]:
    """Write the plots that the results have values for, a panel for each model; return them by their titles."""
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "auricle", "svg.fonttype": "none", "font.size": 9})
    topics: list[tuple[str, str, str, Callable[[Axes, Mapping[str, Any]], None]]] = [
        ("Word error rate of each system", "wer", "columns", _rates),
        ("Word error rate over the length of the window", "windows", "sweep", _windows),
    ]
    drawn: dict[str, Path] = {}
    for title, name, part, panel in topics:
        having = [one for one in results if one.get(part)]
        if not having:
            continue
        figure, panels = pyplot.subplots(
            1, len(having), figsize=(WIDTH * len(having), 3.4), layout="constrained", squeeze=False
        )
        for axes, one in zip(panels[0], having, strict=True):
            axes.set_title(one["meta"]["model"], fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
            panel(axes, one[part])
        drawn[title] = folder / f"bench-words-{name}.svg"
        figure.savefig(drawn[title], format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return drawn


def _rates(axes: Axes, columns: Mapping[str, Any]) -> None:
    """Draw the word error rate of each column, and a line at that of plain faster-whisper with beam 5."""
    rates = {name: 100 * (one["wer"].get(ALL, {}).get("rate") or 0.0) for name, one in [*columns.items()][::-1]}
    colours = [COLOURS[name.partition("-")[0]] for name in rates]
    bars = axes.barh(list(rates), list(rates.values()), color=colours)
    axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
    if OFFLINE in rates:
        axes.axvline(rates[OFFLINE], color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="WER, %")
    axes.margins(x=0.12)


def _windows(axes: Axes, sweep: Mapping[str, Any]) -> None:
    """Draw the word error rate over the frames, and dashed that of the same utterances in the longest window."""
    for decoder, colour in DECODERS.items():
        rows = [row for row in sweep["rows"] if row["decoder"] == decoder and row["wer"] is not None]
        frames = [row["frames"] for row in rows]
        axes.plot(frames, [100 * row["wer"] for row in rows], marker="o", markersize=4, color=colour, label=decoder)
        same = [100 * row["wer_of_the_same_at_the_longest"] for row in rows]
        axes.plot(frames, same, color=colour, linewidth=0.8, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="frames of 10 ms", ylabel="WER, %")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.legend(frameon=False)
