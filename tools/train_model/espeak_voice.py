"""espeak-ng through its library: a waveform, and where each word of it lies."""

import ctypes
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from train_model.speech import Speech, SpokenWord, from_pcm

_SYNCHRONOUS: Final = 2
_PHONEME_EVENTS: Final = 1
_RATE, _PITCH = 1, 3
_WORD, _PHONEME = 1, 7
_ASCII: Final = 1
_SHORTEST_S: Final = 0.02
"""A pause that comes sooner belongs to the word before."""
_Heard = tuple[int, int, float, bytes]
"""An event: its type, the position in the text, seconds, the name of the phoneme."""


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class _Recorder:
    """Holds what the library says while it speaks."""

    def __init__(self) -> None:
        self.library: Any = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = int(self.library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS))
        self.pcm: list[bytes] = []
        self.events: list[_Heard] = []
        self._callback = _Callback(self._hear)
        self.library.espeak_SetSynthCallback(self._callback)

    def _hear(self, wave: int | None, samples: int, events: Any) -> int:
        if wave and samples > 0:
            self.pcm.append(ctypes.string_at(wave, 2 * samples))
        index = 0
        while events[index].type:
            event = events[index]
            self.events.append((event.type, event.text_position, event.sample / self.rate, bytes(event.id)))
            index += 1
        return 0


@cache
def _recorder() -> _Recorder:
    return _Recorder()


def say(text: str, voice: str, words_per_minute: int, pitch: int) -> Speech:
    """Return ``text`` as ``voice`` says it; ``pitch`` from 0 to 100. Raises `ValueError` for an unknown voice."""
    recorder = _recorder()
    library = recorder.library
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise ValueError(f"espeak-ng has no voice {voice!r}.")
    library.espeak_SetParameter(_RATE, words_per_minute, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    recorder.pcm.clear()
    recorder.events.clear()
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _ASCII, None, None)
    audio = from_pcm(np.frombuffer(b"".join(recorder.pcm), dtype="<i2"))
    return Speech(audio, recorder.rate, _words(text, recorder.events, len(audio) / recorder.rate))


def _words(text: str, events: Sequence[_Heard], seconds: float) -> tuple[SpokenWord, ...]:
    """Return every word. espeak-ng says ``on the`` as one word, whose time is shared out by letters."""
    begun = {position: at for kind, position, at, _ in reversed(events) if kind == _WORD}
    pauses = sorted(at for kind, _, at, name in events if kind == _PHONEME and name.startswith(b"_"))
    groups: list[list[str]] = []
    starts: list[float] = []
    for position, word in _places(text):
        if position in begun or not groups:
            groups.append([])
            starts.append(begun.get(position, 0.0))
        groups[-1].append(word)
    words: list[SpokenWord] = []
    for group, start, following in zip(groups, starts, [*starts[1:], seconds], strict=True):
        end = min([following, seconds, *(pause for pause in pauses if pause > start + _SHORTEST_S)])
        words += _shared_out(group, start, end)
    return tuple(words)


def _places(text: str) -> Iterator[tuple[int, str]]:
    """Yield the position of each word, counted from 1 as espeak-ng does, and the word without punctuation."""
    behind = 0
    for word in text.split():
        at = text.index(word, behind)
        behind = at + len(word)
        yield at + 1, word.strip(",.?")


def _shared_out(group: Sequence[str], start: float, end: float) -> Iterator[SpokenWord]:
    letters, at = sum(len(word) for word in group), start
    for word in group:
        to = at + (end - start) * len(word) / letters
        yield SpokenWord(word, at, to)
        at = to
