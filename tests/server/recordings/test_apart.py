"""Recordings of strangers are decoded apart: they sound the same, and what breaks a decoder breaks nothing else."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pytest
from abuse.mp4_bombs import BOMBS

from auricle.server.recordings.apart import ApartRecording, live_pcm_apart
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.recordings.live_container import NoLiveContainer
from auricle.server.recordings.recording import Recording, RecordingError
from server.recordings.recording_helpers import EXAMPLES, Pipe, tone, written
from server.recordings.test_containers import encoded

MOST_STORED = 1 << 20
MOST_PEAK = 200 << 20
"""Bytes of the decoder's memory, at the most that it ever had: FFmpeg may ask for 128 MiB in one piece."""


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderProcess]:
    with DecoderProcess(most_stored_bytes=MOST_STORED) as process:
        yield process


def peak(process: DecoderProcess) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def heard(decoders: DecoderProcess, file: BinaryIO, channel: int | None = None) -> bytes:
    with ApartRecording.open(decoders, file, "it", channel=channel) as recording:
        return b"".join(recording.chunks(chunk_ms=500))


RECORDINGS = {
    "wav": written(tone(3.0, 48_000, 2), 48_000),
    "flac": (EXAMPLES / "hello.flac").read_bytes(),
    "m4a": encoded("ipod", "aac", 44_100),
}


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("channel", [None, 1])
def test_it_sounds_as_it_does_here(decoders: DecoderProcess, name: str, channel: int | None) -> None:
    data = RECORDINGS[name]
    with Recording.read(io.BytesIO(data), "it", channel=channel) as recording:
        here = b"".join(recording.chunks())
    assert heard(decoders, io.BytesIO(data), channel) == here
    assert heard(decoders, cast(BinaryIO, Pipe(data)), channel) == here


def test_one_process_decodes_them_all(decoders: DecoderProcess) -> None:
    told: list[bytes] = []
    file = RECORDINGS["flac"]
    threads = [threading.Thread(target=lambda: told.append(heard(decoders, io.BytesIO(file)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert len(set(told)) == 1


@pytest.mark.parametrize("data", [b"no audio", b"", RECORDINGS["flac"][:5_000]], ids=["text", "nothing", "cut"])
def test_what_is_wrong_is_told_as_it_is_here(decoders: DecoderProcess, data: bytes) -> None:
    with pytest.raises(RecordingError) as here:
        list(Recording.read(io.BytesIO(data), "it").chunks())
    with pytest.raises(RecordingError) as apart:
        heard(decoders, io.BytesIO(data))
    assert str(apart.value) == str(here.value)


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_index_that_promises_too_much_costs_its_sender_an_answer(bomb: str) -> None:
    with DecoderProcess(most_stored_bytes=MOST_STORED) as decoders:
        for file in (io.BytesIO(BOMBS[bomb]), Pipe(BOMBS[bomb])):
            with pytest.raises(RecordingError):
                heard(decoders, cast(BinaryIO, file))
        with suppress(NoLiveContainer):
            assert not b"".join(live_pcm_apart(decoders, io.BytesIO(BOMBS[bomb])))
        assert peak(decoders) < MOST_PEAK
        pid = decoders.pid
        assert heard(decoders, io.BytesIO(RECORDINGS["flac"]))
        assert decoders.pid == pid


def test_a_decoder_that_dies_is_told_of_and_the_next_recording_has_another(decoders: DecoderProcess) -> None:
    first = decoders.pid

    class Deadly(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert decoders.pid is not None
            os.kill(decoders.pid, signal.SIGKILL)
            return super().read(size)

    with pytest.raises(RecordingError, match="its decoder broke on it"):
        heard(decoders, Deadly(RECORDINGS["flac"]))
    with pytest.raises(NoLiveContainer, match="broke on it"):
        list(live_pcm_apart(decoders, Deadly(RECORDINGS["flac"])))
    assert heard(decoders, io.BytesIO(RECORDINGS["flac"]))
    assert decoders.pid != first


def test_a_decoder_that_stands_still_is_ended(decoders: DecoderProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auricle.server.recordings.decoder_process.STILL_S", 0.2)

    class Still(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert decoders.pid is not None
            os.kill(decoders.pid, signal.SIGSTOP)
            return super().read(size)

    assert heard(decoders, io.BytesIO(RECORDINGS["flac"])), "it has started"
    with pytest.raises(RecordingError, match="its decoder broke on it"):
        heard(decoders, Still(RECORDINGS["flac"]))
    monkeypatch.undo()
    assert heard(decoders, io.BytesIO(RECORDINGS["flac"]))


def test_a_recording_whose_index_comes_last_is_stored_up_to_a_bound(decoders: DecoderProcess) -> None:
    noise = np.random.default_rng(1).integers(0, 256, 2 * MOST_STORED, np.uint8).tobytes()
    endless = b"\0\0\0\x14ftypisom\0\0\0\0isom" + (1 << 31).to_bytes(4) + b"mdat" + noise
    with pytest.raises(RecordingError, match="the system says file too large"):
        heard(decoders, cast(BinaryIO, Pipe(endless)))
    assert heard(decoders, cast(BinaryIO, Pipe(RECORDINGS["m4a"])))


def test_it_is_let_go_before_its_end(decoders: DecoderProcess) -> None:
    with ApartRecording.open(decoders, io.BytesIO(written(tone(60.0))), "it") as recording:
        assert next(recording.chunks(chunk_ms=500))
    assert heard(decoders, io.BytesIO(RECORDINGS["wav"]))
