"""The small plot on the results page."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from report import AUDIO_BAR_US, COLOURS, TITLES
from timing import Measured


def draw(measured: Sequence[Measured], path: Path) -> None:
    """Draw a bar for each line of the tables."""
    matplotlib.rcParams.update({"svg.hashsalt": "auricle", "svg.fonttype": "none", "font.size": 9})
    figure, panels = pyplot.subplots(1, len(TITLES), figsize=(11, 2.6), layout="constrained")
    for axes, (family, title) in zip(panels, TITLES.items(), strict=True):
        rows = [m for m in measured if m.workload.family == family][::-1]
        labels = [f"{m.workload.name} ({m.workload.party})" for m in rows]
        bars = axes.barh(labels, [m.typical for m in rows], color=[COLOURS[m.workload.party] for m in rows])
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
        axes.set_title(f"{title}, µs", fontsize=9)
        axes.margins(x=0.15)
        axes.spines[["top", "right"]].set_visible(False)
        if family == "audio":
            axes.axvline(AUDIO_BAR_US, color="#444444", linewidth=1, linestyle=":")
    figure.savefig(path, format="svg", metadata={"Date": None})
