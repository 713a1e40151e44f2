"""Recordings to order, and what comes out of them."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.server.recordings.recording import Recording, RecordingError

RATE = 16_000
EXAMPLES = Path(__file__).parents[3] / "examples" / "audio"


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    mono = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.tile(mono[:, None], (1, channels)).astype(np.float32)


def written(samples: np.ndarray, rate: int = RATE, form: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def saved(tmp_path: Path, data: bytes, name: str = "it.wav") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def samples_of(path: str | Path, stdin: io.RawIOBase | None = None) -> np.ndarray:
    with Recording.open(path, stdin=stdin) as recording:  # type: ignore[arg-type]
        return np.frombuffer(b"".join(recording.chunks()), "<i2")


def read_until_error(path: str | Path, stdin: io.RawIOBase | None = None) -> tuple[int, str]:
    """Return how many samples came out before the error, and the error."""
    with Recording.open(path, stdin=stdin) as recording:  # type: ignore[arg-type]
        heard, error = drained(recording)
    return len(heard), one_sentence(error, recording.name)


def drained(recording: Recording) -> tuple[np.ndarray, RecordingError]:
    """Return the samples that came out before the error, and the error."""
    data = bytearray()
    try:
        for chunk in recording.chunks():
            data += chunk
    except RecordingError as error:
        return np.frombuffer(data, "<i2"), error
    pytest.fail("the recording ended without an error")


def one_sentence(error: RecordingError, name: str) -> str:
    text = str(error)
    assert text.startswith(f"Cannot read {name}: ")
    assert text.endswith(".")
    assert ". " not in text
    assert "; " in text
    assert "\n" not in text
    assert len(text) < 300
    return text


def refused(path: str | Path, stdin: io.RawIOBase | None = None) -> str:
    with pytest.raises(RecordingError) as caught:
        Recording.open(path, stdin=stdin)  # type: ignore[arg-type]
    return one_sentence(caught.value, "standard input" if path == "-" else str(path))


class Pipe(io.RawIOBase):
    """Bytes that can only be read forwards, and never as many at once as were asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._data.read(min(len(buffer), 777))
        buffer[: len(part)] = part
        return len(part)


def with_data_size(wav: bytes, size: int) -> bytes:
    at = wav.index(b"data")
    return (
        wav[:4]
        + struct.pack("<I", min(size + at, 0xFFFF_FFFF))
        + wav[8 : at + 4]
        + struct.pack("<I", size)
        + wav[at + 8 :]
    )
