"""Speech with known words, and the tapes that sessions hear: clips with pauses between them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from auricle.engines.protocol import ENGINE_RATE, Samples

TURN_PAUSE = 4 / 3
"""Of a voice agent's traffic: 3 s of speech, 4 s of pause."""
LONGEST_S = 28.0
"""Longest clip: an offline decode is one of a whole clip."""
SHORTEST_PAUSE_S = 0.8
LEAD_S = 0.3
"""Silence before the first clip of a tape: a microphone is open before somebody speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of the reference, in seconds."""

    text: str
    start_s: float
    end_s: float

    def at(self, offset_s: float) -> "Word":
        """Return the same word later."""
        return Word(text=self.text, start_s=self.start_s + offset_s, end_s=self.end_s + offset_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """One utterance."""

    name: str
    samples: Samples
    text: str
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / ENGINE_RATE

    @property
    def speech_end_s(self) -> float:
        """Where its last word ends."""
        return min(self.seconds, self.words[-1].end_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tape:
    """What one session hears, and the words in it at their places."""

    samples: Samples
    clips: tuple[Clip, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / ENGINE_RATE

    @property
    def text(self) -> str:
        """Everything that is said."""
        return " ".join(clip.text for clip in self.clips)

    @property
    def pcm(self) -> bytes:
        """The audio as clients send it: 16-bit little-endian, 16 kHz, mono."""
        return (np.clip(self.samples, -1, 1) * 32767).astype("<i2").tobytes()


def load(manifest: Path, language: str) -> tuple[Clip, ...]:
    """Return the clips of a ``manifest.jsonl`` in one language that have text and word times, and fit into a window."""
    entries = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines() if line.strip()]
    chosen = [
        entry
        for entry in entries
        if entry.get("text") and entry.get("words") and entry.get("language", language) == language
    ]
    if not chosen:
        raise SystemExit(f"No clip of {manifest} in {language!r} has text and word times.")
    clips = (_clip(manifest.parent, entry) for entry in chosen)
    return tuple(clip for clip in clips if clip.seconds <= LONGEST_S)


def name_of(entry: Mapping[str, object]) -> str:
    """Return what a clip is called."""
    return str(entry.get("id") or Path(str(entry["path"])).stem)


def _clip(folder: Path, entry: dict[str, object]) -> Clip:
    samples, rate = soundfile.read(folder / str(entry["path"]), dtype="float32")
    if rate != ENGINE_RATE or samples.ndim != 1:
        raise SystemExit(f"{entry['path']} is not mono audio at {ENGINE_RATE} Hz.")
    words = entry["words"]
    assert isinstance(words, list)
    return Clip(
        name=name_of(entry),
        samples=samples,
        text=str(entry["text"]),
        words=tuple(Word(text=w["word"], start_s=w["start"], end_s=w["end"]) for w in words),
    )


def within(clips: Sequence[Clip], seconds: float) -> tuple[Clip, ...]:
    """Return the clips that fit into so many seconds, first come, first served; the shortest where none does."""
    chosen: list[Clip] = []
    left_s = seconds
    for clip in clips:
        if clip.seconds <= left_s:
            chosen.append(clip)
            left_s -= clip.seconds
    return tuple(chosen) or (min(clips, key=lambda clip: clip.seconds),)


Quiet = Callable[[Clip, int], Samples]
"""Returns so many samples of a pause behind a clip."""


def silence(clip: Clip, count: int) -> Samples:
    """Return digital silence, whatever was heard before it."""
    return np.zeros(count, dtype=np.float32)


def lay(clips: Iterable[Clip], pause_s: Callable[[Clip], float], quiet: Quiet = silence) -> Tape:
    """Put clips on a tape, each with a pause behind it."""
    pieces: list[Samples] = [np.zeros(round(LEAD_S * ENGINE_RATE), dtype=np.float32)]
    words: list[Word] = []
    laid: list[Clip] = []
    position = len(pieces[0])
    for clip in clips:
        words += [word.at(position / ENGINE_RATE) for word in clip.words]
        pause = quiet(clip, round(pause_s(clip) * ENGINE_RATE))
        pieces += [clip.samples, pause]
        position += len(clip.samples) + len(pause)
        laid.append(clip)
    return Tape(samples=np.concatenate(pieces), clips=tuple(laid), words=tuple(words))


def with_pauses(clips: Iterable[Clip]) -> Tape:
    """Return a tape of somebody who hardly pauses."""
    return lay(clips, lambda _: SHORTEST_PAUSE_S)


def conversation(clips: Sequence[Clip], seconds: float, first: int) -> Tape:
    """Return a tape of somebody who talks to an agent, at most ``seconds`` long, beginning about clip ``first``.

    Clips come again where there are too few, and those that do not fit any more are left out; one is always there.
    """
    fitting = [clip for clip in clips if _turn_s(clip) <= seconds] or [min(clips, key=_turn_s)]
    laid: list[Clip] = []
    left_s, index = seconds, first
    while not laid or any(_turn_s(clip) <= left_s for clip in fitting):
        clip = fitting[index % len(fitting)]
        index += 1
        if not laid or _turn_s(clip) <= left_s:
            laid.append(clip)
            left_s -= _turn_s(clip)
    return lay(laid, turn_pause_s)


def mean_turn_s(clips: Sequence[Clip]) -> float:
    """Return how many seconds a turn in a `conversation` takes: a clip, and the pause behind it."""
    return sum(map(_turn_s, clips)) / len(clips)


def _turn_s(clip: Clip) -> float:
    return clip.seconds + turn_pause_s(clip)


def turn_pause_s(clip: Clip) -> float:
    """Return how long an agent's answer to a clip takes."""
    return max(SHORTEST_PAUSE_S, clip.seconds * TURN_PAUSE)
