"""Cases: small recordings on which a product has failed, each with its words and the errors it may make.

A manifest has one JSON object a line: ``file, text, kind, feed, allowed_errors``. Each is transcribed as a file, opened
the way ``auricle transcribe`` opens it, and on virtual time as if it were spoken.
"""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from clips import Clip, lay
from normal import align, normal
from words.files import transcribe_file
from words.virtual import AFTER_S, Delay, play_virtually

from auricle.engines.protocol import FinalResult, Samples, StreamConfig, WindowEngine
from auricle.server.recordings.recording import STDIN, Recording, RecordingError

LIVE_SILENCE_S = 0.5
REPEATED = "six times"
"""In ``feed``: the words must be the same every time."""
FROM_STDIN = "transcribe - <"


class _OneWay(io.BufferedReader):
    """A file that, like a pipe, cannot be read twice."""

    def seekable(self) -> bool:
        """Never."""
        return False


def check_cases(manifest: Path, engine: WindowEngine, *, frame_s: float, delay: Delay) -> list[dict[str, Any]]:
    """Return for each case what came of it."""
    lines = [line for line in manifest.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [_check(manifest.parent, json.loads(line), engine, frame_s, delay) for line in lines]


def _check(folder: Path, case: dict[str, Any], engine: WindowEngine, frame_s: float, delay: Delay) -> dict[str, Any]:
    found: dict[str, Any] = {"case": Path(case["file"]).stem, "kind": case["kind"], "allowed": case["allowed_errors"]}
    try:
        pcm = b"".join(_pcm(folder / case["file"], from_stdin=FROM_STDIN in case["feed"]))
    except RecordingError as error:
        return found | {"problem": f"{error.__cause__ or 'it cannot be read'}", "passed": False}
    texts = [_as_file(engine, pcm) for _ in range(6 if REPEATED in case["feed"] else 1)]
    live = _live(engine, pcm, frame_s, delay)
    errors = max(_errors(case["text"], text) for text in texts)
    return found | {
        "file_errors": errors,
        "file_text": texts[0],
        "repeatable": len(set(texts)) == 1,
        "live_errors": _errors(case["text"], live),
        "live_text": live,
        "passed": errors <= case["allowed_errors"]
        and len(set(texts)) == 1
        and _errors(case["text"], live) <= case["allowed_errors"],
    }


def _pcm(path: Path, *, from_stdin: bool) -> Iterator[bytes]:
    with ExitStack() as files:
        piped = files.enter_context(_OneWay(io.FileIO(path))) if from_stdin else None
        with Recording.open(STDIN if from_stdin else path, stdin=piped) as recording:
            yield from recording.chunks()


def _as_file(engine: WindowEngine, pcm: bytes) -> str:
    said = transcribe_file(engine, [pcm], "en")
    return " ".join(one.result.text for one in said if isinstance(one.result, FinalResult))


def _live(engine: WindowEngine, pcm: bytes, frame_s: float, delay: Delay) -> str:
    samples: Samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768)
    tape = lay([Clip(name="case", samples=samples, text="", words=())], lambda _: LIVE_SILENCE_S + AFTER_S)
    config = StreamConfig(language="en", silence_s=LIVE_SILENCE_S)
    said = play_virtually(engine, tape, config, frame_s=frame_s, delay=delay)
    return " ".join(one.result.text for one in said if isinstance(one.result, FinalResult))


def _errors(text: str, heard: str) -> int:
    return align(normal(text), normal(heard)).errors.count
