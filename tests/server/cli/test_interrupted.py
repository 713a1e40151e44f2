"""Ctrl-C in the middle of the work: the last words come, what is finished stays, what is partial says so."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.recordings.recording_helpers import EXAMPLES, RATE, written

COMMAND = [sys.executable, "-c", "from auricle.server.cli.entry import main; main()", "transcribe"]
FAR_S = 60.0


@contextmanager
def transcribing(*arguments: str | Path, stdin: int | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "AURICLE_ENGINE": "scripted"},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def silence(path: Path, seconds: float) -> Path:
    soundfile.write(path, np.zeros(round(seconds * RATE), np.int16), RATE)
    return path


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=lambda each: str(each),
)
def test_the_words_so_far_are_shown_and_marked(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with transcribing(silence(tmp_path / "long.wav", 600), "--realtime") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=FAR_S)
    assert first == "one two three four five\n"
    assert rest.splitlines()[-1].startswith("# partial: interrupted after ")
    assert process.returncode == status
    assert "long.wav (interrupted): " in complaints
    assert "(complete)" in complaints, "what was sent is accounted for"
    assert "Traceback" not in complaints


def test_finished_transcripts_stay_and_the_open_one_is_kept_as_partial(tmp_path: Path) -> None:
    files = [silence(tmp_path / "1.wav", 1), silence(tmp_path / "2.wav", 600), silence(tmp_path / "3.wav", 1)]
    with transcribing(*files, "--realtime", "-o", f"{tmp_path}/out/") as process:
        assert process.stderr is not None
        assert "1.wav: 1.00 s in" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 130
    made = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert made["1.txt"] == "one two\n"
    assert made.keys() <= {"1.txt", "2.partial.txt"}, "Ctrl-C may come between the two"
    if "2.partial.txt" in made:
        assert "# partial: interrupted" in made["2.partial.txt"]
        assert "2.partial.txt" in complaints


def test_a_pipe_that_says_nothing_does_not_hold_the_command(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with transcribing("-", stdin=reader) as process, os.fdopen(writer, "wb", buffering=0) as pipe:
        os.close(reader)
        pipe.write(written(np.zeros(600 * RATE, np.int16))[: 44 + 3 * RATE * 2])
        assert process.stdout is not None
        assert process.stdout.readline() == "one two three four five\n"
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 130
    assert rest.splitlines()[-1].startswith("# partial: interrupted after ")
    assert "Fatal" not in complaints
    assert "Traceback" not in complaints


def test_twice_leaves_at_once_even_where_the_engine_hangs(tmp_path: Path) -> None:
    script = tmp_path / "hangs.json"
    script.write_text(json.dumps({"words": [{"text": "one", "start": 0, "end": 0.4}], "period": 1, "call_s": 3_600}))
    reader, writer = os.pipe()
    arguments = ("-", EXAMPLES / "hello.flac", "-f", "json", "--model", script)
    with transcribing(*arguments, stdin=reader) as process, os.fdopen(writer, "wb", buffering=0) as pipe:
        os.close(reader)
        pipe.write(written(np.zeros(20 * RATE, np.int16)))  # more than a pipe holds: the session is open
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Stopping")
        process.send_signal(signal.SIGINT)
        documents, sums = process.communicate(timeout=FAR_S)
    assert process.returncode == 130
    assert [(each["file"], each["partial"]) for each in json.loads(documents)] == [("-", True)]
    assert "2 recordings: 0 done, 1 failed, 1 not begun" in sums


def test_an_engine_that_is_left_in_native_code_does_not_abort_the_process() -> None:
    """Python's own end would stop its thread there, which C++ takes for a crash: status 134, and words about it."""
    program = """if True:
        import atexit, threading, time, trio
        from auricle.engines.scheduling.native_calls import Threads, is_one_under_way
        from auricle.server.cli.running import leave_engine

        inside = threading.Event()
        forever = lambda: inside.set() or time.sleep(3600)

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Threads(1), forever)
                await trio.to_thread.run_sync(inside.wait)
                nursery.cancel_scope.cancel()

        atexit.register(print, "the end of Python")
        leave_engine(5)
        print("nothing was left")
        trio.run(main)
        assert is_one_under_way()
        print("said before")
        leave_engine(7)
    """
    left = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=FAR_S)
    assert (left.returncode, left.stdout) == (7, "nothing was left\nsaid before\n")


def test_while_the_model_loads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.json")
    model = tmp_path / "model.json"
    with transcribing(EXAMPLES / "hello.flac", "--model", model) as process, model.open("w"):
        # The pipe opens when the engine reads it, and gives it nothing.
        process.send_signal(signal.SIGINT)
        assert process.wait(FAR_S) == 130


def test_while_nothing_comes_from_a_pipe(tmp_path: Path) -> None:
    """The header of a recording on a pipe has not come yet: a named pipe tells when it is waited for."""
    os.mkfifo(tmp_path / "pipe")
    with transcribing(tmp_path / "pipe") as process, (tmp_path / "pipe").open("wb"):
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=FAR_S)
    assert process.returncode == 130
    assert complaints == ""
