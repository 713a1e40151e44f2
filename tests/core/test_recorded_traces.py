"""A bug fix starts as a trace: each file in ``tests/traces`` replays exactly. See docs/traces.md."""

from pathlib import Path

import pytest

from auricle.core.trace import replay

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.jsonl"))


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_recorded_trace_replays_exactly(path: Path) -> None:
    result = replay(path.read_text(encoding="utf-8"))
    assert not result.divergences, result.divergences[0]
    assert not result.truncated


def test_there_are_traces() -> None:
    assert len(TRACES) >= 3
