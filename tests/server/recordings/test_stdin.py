"""A WAV stream on a pipe is as good as a file, whatever its header claims."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from auricle.server.recordings.recording import Recording
from server.recordings.recording_helpers import (
    EXAMPLES,
    RATE,
    Pipe,
    read_until_error,
    refused,
    samples_of,
    saved,
    tone,
    with_data_size,
    written,
)

# -------------------------------------------------------------------------------------------- standard input


@pytest.mark.parametrize("size", [None, 0, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFFF])
def test_a_wav_stream_on_a_pipe_is_read_to_its_end(size: int | None) -> None:
    wav = written(tone(1.25))
    pipe = Pipe(wav if size is None else with_data_size(wav, size))
    with Recording.open("-", stdin=pipe) as recording:  # type: ignore[arg-type]
        assert recording.name == "standard input"
        assert recording.duration_s == (1.25 if size is None else None)
        heard = np.frombuffer(b"".join(recording.chunks()), "<i2")
    assert np.array_equal(heard, samples_of("-", io.BytesIO(wav)))  # type: ignore[arg-type]
    assert not pipe.closed, "standard input is not ours to close"


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_streamed_header_in_a_file_is_no_error_and_its_length_is_known(tmp_path: Path, size: int) -> None:
    path = saved(tmp_path, with_data_size(written(tone(1.25)), size))
    with Recording.open(path) as recording:
        assert recording.duration_s == 1.25
        assert sum(map(len, recording.chunks())) == 40_000


def test_chunks_before_and_after_the_audio_are_no_audio(tmp_path: Path) -> None:
    wav = written(np.full(1_000, 99, np.int16))
    at = wav.index(b"data")
    extra = b"LIST" + struct.pack("<I", 5) + b"hello\0"
    data = wav[:at] + extra + wav[at:] + extra
    assert set(samples_of(saved(tmp_path, data))) == {99}
    assert set(samples_of("-", Pipe(data))) == {99}


def test_a_path_that_is_a_pipe_works_too(tmp_path: Path) -> None:
    wav = written(tone(0.5))
    reader, writer = os.pipe()
    os.write(writer, wav)
    os.close(writer)
    assert len(samples_of(f"/dev/fd/{reader}")) == 8_000
    os.close(reader)


def test_any_file_can_be_redirected_to_standard_input() -> None:
    with (EXAMPLES / "hello.flac").open("rb") as file:
        assert len(samples_of("-", file)) > 4 * RATE  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"fLaC" + bytes(100), bytes(32_000)])
def test_a_pipe_without_audio_says_what_to_give(data: bytes) -> None:
    assert "it is not audio, or it has no header or a damaged one; give a recording" in refused("-", Pipe(data))


def test_a_pipe_and_a_file_that_are_something_else_are_told_alike(tmp_path: Path) -> None:
    page = saved(tmp_path, b"<!DOCTYPE html><title>Not found</title>")
    with page.open("rb") as file:
        told = refused(page).removeprefix(f"Cannot read {page}")
        assert refused("-", Pipe(file.read())).removeprefix("Cannot read standard input") == told
    assert told == ": it is not audio but a web page; give a recording, such as WAV, MP3, M4A or MP4."


def test_a_pipe_from_a_program_that_failed() -> None:
    assert "nothing came; look at what the program before the pipe says" in refused("-", Pipe(b""))


def test_a_pipe_with_block_coded_wav_is_read_too() -> None:
    assert len(samples_of("-", Pipe(written(tone(0.5), subtype="IMA_ADPCM")))) == pytest.approx(8_000, abs=505)


@pytest.mark.parametrize("size", [None, 0, 2**64 - 1])
def test_rf64_on_a_pipe(size: int | None) -> None:
    rf64 = bytearray(written(tone(1.25), form="RF64"))
    assert rf64[12:16] == b"ds64"
    if size is not None:
        rf64[28:36] = size.to_bytes(8, "little")
    with Recording.open("-", stdin=Pipe(bytes(rf64))) as recording:  # type: ignore[arg-type]
        assert recording.duration_s == (1.25 if size is None else None)
        assert sum(map(len, recording.chunks())) == 40_000


def test_a_pipe_that_is_cut_gives_its_audio_first() -> None:
    heard, why = read_until_error("-", Pipe(written(tone(2.0))[: 44 + RATE]))
    assert heard == RATE // 2
    assert "promises 2.00 s of audio, and only 0.50 s are there" in why


def test_a_pipe_without_samples_is_an_error_at_its_end() -> None:
    heard, why = read_until_error("-", Pipe(with_data_size(written(tone(0.0)), 0xFFFF_FFFF)))
    assert heard == 0
    assert "no audio" in why


def test_a_header_without_end_is_given_up() -> None:
    head = b"RIFF\0\0\0\0WAVE"
    assert "ends before any audio" in refused("-", Pipe(head + b"JUNK" + struct.pack("<I", 50) + bytes(10)))
    tiny = b"JUNK" + struct.pack("<I", 100_000) + bytes(100_000)
    assert "ends before any audio" in refused("-", io.BytesIO(head + tiny * 200))  # type: ignore[arg-type]


def test_a_terminal_is_no_recording() -> None:
    class Terminal(Pipe):
        def isatty(self) -> bool:
            return True

    assert "it is a terminal" in refused("-", Terminal(b""))
