"""The plots of the results page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

COLOURS = {"ours": "#4269d0", "naive": "#ff725c", "offline": "#9498a0"}
BAR: dict[str, Any] = {"color": "#444444", "linewidth": 1, "linestyle": ":"}
Results = Sequence[dict[str, Any]]


def draw(results: Results, folder: Path) -> dict[str, Path]:
    """Draw what the results hold, a column for each model; return the file of each measure."""
    matplotlib.rcParams.update({"svg.hashsalt": "auricle", "svg.fonttype": "none", "font.size": 9})
    topics = {"capacity": _sessions, "padding": _padding, "solo": _cost}
    drawn: dict[str, Path] = {}
    for measure, panel in topics.items():
        having = [result for result in results if _usable(result, measure)]
        if not having:
            continue
        figure, panels = pyplot.subplots(
            1, len(having), figsize=(max(5.0, 4.0 * len(having)), 3.0), layout="constrained", squeeze=False
        )
        for axes, result in zip(panels[0], having, strict=True):
            axes.set_title(result["meta"]["model"], fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
            panel(axes, result["measures"][measure])
        path = folder / f"bench-streaming-{measure}.svg"
        figure.savefig(path, format="svg", metadata={"Date": None})
        pyplot.close(figure)
        drawn[measure] = path
    return drawn


def _usable(result: dict[str, Any], measure: str) -> bool:
    found = result["measures"].get(measure)
    return found is not None and not {"failed", "skipped"} & set(found)


def _sessions(axes: Axes, capacity: dict[str, Any]) -> None:
    """Draw the 95th percentile of the delay over the sessions."""
    for name in ("ours", "naive"):
        trials = sorted(capacity[name]["trials"], key=lambda trial: trial["sessions"])
        told = [(t["sessions"], t["after_speech_s"]["p95"]) for t in trials if t["after_speech_s"]["p95"] is not None]
        axes.plot(*zip(*told, strict=True), marker="o", markersize=4, color=COLOURS[name], label=name)
    axes.axhline(capacity["bar_s"], **BAR)
    axes.set(xlabel="sessions", ylabel="final − end of speech, p95, s")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False)


def _padding(axes: Axes, padding: dict[str, Any]) -> None:
    """Draw the errors and the cost over the silence behind the words."""
    pads = [row["pad_s"] for row in padding["pads"]]
    axes.plot(pads, [100 * row["wer"] for row in padding["pads"]], marker="o", markersize=4, color=COLOURS["ours"])
    axes.set(xscale="log", xlabel="silence behind the words, s", ylabel="WER, %")
    axes.set_ylim(0, max(1.0, *(110 * row["wer"] for row in padding["pads"])))
    axes.xaxis.set_major_formatter("{x:g}")
    cost = axes.twinx()
    costs = [1000 * row["cpu_per_audio_s"] for row in padding["pads"]]
    cost.plot(pads, costs, marker="s", markersize=3, color=COLOURS["offline"], linestyle="--")
    cost.set(ylabel="CPU, ms a second of audio (dashed)", ylim=(0, None))
    cost.spines["top"].set_visible(False)


def _cost(axes: Axes, solo: dict[str, Any]) -> None:
    """Draw the CPU time of one session, as multiples of the offline short-window decode."""
    offline = solo["offline"]
    rows = {
        "naive": (solo["naive"]["cpu_over_short"], COLOURS["naive"]),
        "ours": (solo["ours"]["cpu_over_short"], COLOURS["ours"]),
        "offline, 30 s": (offline["padded_cpu_s"] / offline["short_cpu_s"], COLOURS["offline"]),
        "offline, short": (1.0, COLOURS["offline"]),
    }
    drawn = axes.barh(list(rows), [value for value, _ in rows.values()], color=[colour for _, colour in rows.values()])
    axes.bar_label(drawn, fmt="%.1f", padding=2, fontsize=8)
    axes.axvline(4, **BAR)
    axes.set(xscale="log", xlabel="CPU time / offline short-window decode")
    axes.margins(x=0.2)
