"""Results files: one a model, to which each run adds its columns, so that the page needs no new measurement."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SAME_CLIPS = ("clips", "audio_s")
"""Of the meta data: where these differ, columns cannot stand beside each other."""

GROUPS = ("plain", "files", "live-virtual", "live")
"""How the names of columns begin, in the order of the page."""


def merged(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """Return the results of before with those of now in their place; columns of other clips are gone."""
    if before is None:
        return now
    same = not now["columns"] or _same_clips(before["meta"], now["meta"])
    kept = before["columns"] if same else {}
    whole = {"kind": "words", "meta": now["meta"] if now["columns"] else before["meta"]}
    whole["columns"] = dict(sorted({**kept, **now["columns"]}.items(), key=_place))
    for part in ("cases", "sweep"):
        if part in now or part in before:
            whole[part] = now.get(part) or before.get(part)
    if "repeats" in now or (same and "repeats" in before):
        whole["repeats"] = (before.get("repeats", {}) if same else {}) | now.get("repeats", {})
    return whole


def _same_clips(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether columns of both can stand beside each other; those of before there were tapes can."""
    tapes_s = now.get("tapes_s")
    return all(before.get(key) == now.get(key) for key in SAME_CLIPS) and before.get("tapes_s", tapes_s) == tapes_s


def _place(column: tuple[str, object]) -> tuple[int, str]:
    name = column[0]
    return next((place for place, group in enumerate(GROUPS) if name.startswith(group)), len(GROUPS)), name


def keep(now: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write the results beside those of before; return the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{now['meta']['model']}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    write(path, merged(before, now))
    return path


def write(path: Path, results: dict[str, Any]) -> None:
    """Write a results file."""
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
