"""Make the sample recordings beside this script again: ``python examples/audio/make_samples.py``.

The project made them itself, with flite (Debian: ``apt install flite``) and its voices ``rms`` and ``slt``, which
Carnegie Mellon University gives away under a BSD-like licence; nobody's voice was recorded for them. The same flite
and libsndfile give the same bytes.

The sentences are ones that both a small acoustic model and a large one get right, so that what a transcript lacks is
the fault of the program under test.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

HERE: Final = Path(__file__).parent
FLITE_RATE: Final = 16_000
MEETING_RATE: Final = 44_100

HELLO: Final = ("hello and welcome", "every word that you say is written down")
MEETING: Final = (
    ("slt", "good morning everyone and welcome to the meeting", 0.75),
    ("rms", "let us begin with the report from last week", 0.25),
)
"""Voice, words, and how far to the left it sits (1: wholly)."""

Samples = NDArray[np.float32]


def say(voice: str, words: str) -> Samples:
    """Return ``words`` as mono float32 at 16 kHz, full scale ±1. Raises `subprocess.CalledProcessError`."""
    made = subprocess.run(["flite", "-voice", voice, "-t", words, "-o", "/dev/stdout"], check=True, capture_output=True)
    samples: Samples
    samples, rate = soundfile.read(io.BytesIO(made.stdout), dtype="float32")
    if rate != FLITE_RATE:
        raise ValueError(f"flite's voice {voice} speaks at {rate} Hz, not at {FLITE_RATE}")
    return samples


def silence(seconds: float) -> Samples:
    """Return ``seconds`` of digital silence at 16 kHz."""
    return np.zeros(round(seconds * FLITE_RATE), np.float32)


def hello() -> None:
    """One voice, mono 16 kHz FLAC: two short sentences."""
    first, second = (say("rms", words) for words in HELLO)
    samples = np.concatenate([silence(0.2), first, silence(0.3), second, silence(0.3)])
    soundfile.write(HERE / "hello.flac", samples, FLITE_RATE, subtype="PCM_16")


def meeting() -> None:
    """Two voices, stereo 44.1 kHz MP3, with a pause between them that ends an utterance."""
    parts = [np.zeros((round(0.3 * FLITE_RATE), 2), np.float32)]
    for voice, words, left in MEETING:
        spoken = np.concatenate([say(voice, words), silence(1.2)])
        sides = np.stack([spoken * left, spoken * (1 - left)], axis=1) * 1.3
        parts.append(sides.astype(np.float32))
    resampled = soxr.resample(np.concatenate(parts), FLITE_RATE, MEETING_RATE)
    soundfile.write(HERE / "meeting.mp3", np.clip(resampled, -1, 1), MEETING_RATE, compression_level=0.6)


def main() -> int:
    """Write both files; return 1, with a sentence, where flite is not installed."""
    if shutil.which("flite") is None:
        print("The samples are made with flite: install it with `apt install flite`.", file=sys.stderr)
        return 1
    hello()
    meeting()
    return 0


if __name__ == "__main__":
    sys.exit(main())
