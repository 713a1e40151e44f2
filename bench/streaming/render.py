"""Renders docs/bench-streaming.md and its plots from results files, those of several models too; needs matplotlib.

python bench/streaming/render.py bench/streaming/results/*.json
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from page import page
from plots import draw

DOCS = Path(__file__).parents[2] / "docs"
TOPICS = {
    "capacity": "Delay of finals over the number of sessions",
    "padding": "Errors and cost over the silence behind the words",
    "solo": "CPU time of one session",
}


def write(files: Sequence[Path], folder: Path = DOCS) -> None:
    """Write the page and its plots."""
    everything = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    results = [one for one in everything if one["kind"] == "streaming"]
    images = [f"![{TOPICS[topic]}]({path.name})" for topic, path in draw(results, folder).items()]
    text = page(results, [one for one in everything if one["kind"] == "batches"], images)
    (folder / "bench-streaming.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write([Path(name) for name in sys.argv[1:]])
