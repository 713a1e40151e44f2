"""Results are kept as soon as there are any, and the page is made of those that are kept."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from kept_results import measure_or_render, read_all


def told(results: Sequence[Mapping[str, Any]]) -> str:
    return f"{results}"


def options(action: str, **more: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"action": action, "model": "tiny", "write": False, **more})


def test_what_has_been_measured_is_kept_although_the_rest_fails(tmp_path: Path) -> None:
    def measured() -> Iterator[dict[str, Any]]:
        yield {"first": 1}
        raise RuntimeError("the second did not start")

    with pytest.raises(RuntimeError):
        measure_or_render(options("measure", write=True), measured(), tmp_path / "kept", tmp_path / "page.md", told)
    assert read_all(tmp_path / "kept") == [{"first": 1}]
    assert not (tmp_path / "page.md").exists()


def test_nothing_is_written_unless_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure_or_render(options("measure"), iter([{"first": 1}, {"first": 1, "second": 2}]), tmp_path, tmp_path, told)
    assert capsys.readouterr().out == "[{'first': 1, 'second': 2}]\n"
    assert list(tmp_path.iterdir()) == []


def test_rendering_measures_nothing(tmp_path: Path) -> None:
    def never() -> Iterator[dict[str, Any]]:
        raise AssertionError("it measures")
        yield {}

    kept, page = tmp_path / "kept", tmp_path / "page.md"
    kept.mkdir()
    (kept / "tiny.json").write_text(json.dumps({"first": 1}))
    measure_or_render(options("render"), never(), kept, page, told)
    assert page.read_text() == "[{'first': 1}]"
