"""An engine that says what a script says, when the script says so: deterministic, for tests and load.

It never looks at the audio. Two kinds with one script: `ScriptedEngine` listens along, `ScriptedWindowEngine` decodes
windows. Both hear a voice exactly where the script has a word.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from auricle.engines.protocol import (
    BLOCK,
    ENGINE_RATE,
    Engine,
    EngineError,
    EngineInfo,
    EngineUnavailable,
    Lanes,
    LoadProgress,
    Samples,
    SessionParts,
    StreamConfig,
    TimedWord,
    Transcript,
    VoiceDetector,
    Window,
)
from auricle.engines.scripted.script import COUNTING, Script, ScriptedWord, read_script

CONFIDENCE: Final = 0.9


class _Calls:
    """Counts the calls into one engine, makes them as slow and as faulty as the script wants, from any thread."""

    def __init__(self, script: Script, sleep: Callable[[float], None], gate: threading.Event | None) -> None:
        self._script = script
        self._sleep = sleep
        self._gate = gate
        self._numbers = count()
        self._utterances = count()
        self._lock = threading.Lock()
        self._decided: dict[int, int] = {}
        """The number of the utterance that begins at an engine sample."""

    def call(self) -> None:
        """Take part in one call. Raises `EngineError` where the script says so."""
        number = next(self._numbers)
        if self._gate is not None:
            self._gate.wait()
        if self._script.call_s:
            self._sleep(self._script.call_s)
        if number in self._script.failing_calls:
            raise EngineError(f"The script says that call {number} fails.")

    def begin(self) -> None:
        """Begin an utterance. Raises `EngineError` where the script says so."""
        self._say(next(self._utterances))

    def decide(self, start_sample: int) -> None:
        """Decode the utterance that begins there, perhaps not for the first time. Raises as `begin`."""
        with self._lock:
            number = self._decided.setdefault(start_sample, len(self._decided))
        self._say(number)

    def _say(self, utterance: int) -> None:
        self.call()
        if utterance in self._script.failing_utterances:
            raise EngineError(f"The script says that utterance {utterance} fails.")


class _ScriptedVoice:
    """1.0 for every block that holds a part of a word."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._heard = 0

    def __call__(self, blocks: Samples) -> Sequence[float]:
        return [self._next() for _ in blocks]

    def _next(self) -> float:
        begin, self._heard = self._heard, self._heard + BLOCK
        return 1.0 if any(True for _ in self._script.words_within(begin, self._heard)) else 0.0


def _scripted_voice(script: Script, config: StreamConfig) -> VoiceDetector:
    return _ScriptedVoice(script)


def _transcript(words: Sequence[ScriptedWord], start: int) -> Transcript:
    """Return what is said in ``words``, with times from engine sample ``start``; all of it is stable."""
    text = " ".join(word.text for word in words)
    timed = tuple(
        TimedWord(
            text=word.text,
            start_s=(word.start - start) / ENGINE_RATE,
            end_s=(word.end - start) / ENGINE_RATE,
            confidence=CONFIDENCE,
        )
        for word in words
    )
    return Transcript(text=text, words=timed, confidence=CONFIDENCE if words else 0.0, language="en", stable=len(text))


class _Scripted:
    """What both kinds have in common.

    ``sleep`` is called in the engine's thread with the seconds that a call takes; ``gate``, while it is not set, holds
    every call back, as a wedged engine would.
    """

    def __init__(
        self,
        script: Script = COUNTING,
        *,
        sleep: Callable[[float], None] = time.sleep,
        gate: threading.Event | None = None,
    ) -> None:
        self.script: Final = script
        self._sleep = sleep
        self._calls = _Calls(script, sleep, gate)
        self.closed = threading.Event()
        """Set by `close`."""

    @property
    def info(self) -> EngineInfo:
        """Who answers: nobody."""
        return EngineInfo(name="scripted", model=self.script.name)

    def load(self, progress: LoadProgress) -> None:
        """Take as long as the script says. Raises `EngineUnavailable` where it says so."""
        progress("Reading the script", 0.0)
        self._sleep(self.script.load_s)
        if self.script.load_failure is not None:
            raise EngineUnavailable(self.script.load_failure)
        progress("Reading the script", 1.0)

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a detector that has read the script."""
        return _ScriptedVoice(self.script)

    def session_parts(self) -> SessionParts:
        """Return what finds voice by the script."""
        return SessionParts(voice_detector=partial(_scripted_voice, self.script))

    def close(self) -> None:
        """Remember that it was called."""
        self.closed.set()


class ScriptedEngine(_Scripted):
    """The stateful kind: its hypothesis holds the words whose end has been heard."""

    def begin(self, config: StreamConfig, start_sample: int) -> "ScriptedUtterance":
        """Begin an utterance. Raises `EngineError` where the script says so."""
        self._calls.begin()
        return ScriptedUtterance(self.script, self._calls, start_sample)


class ScriptedUtterance:
    """One utterance of `ScriptedEngine`."""

    def __init__(self, script: Script, calls: _Calls, start: int) -> None:
        self._script = script
        self._calls = calls
        self._start = start
        self._heard = start

    def accept(self, audio: Samples) -> None:
        """Hear more."""
        self._calls.call()
        self._heard += len(audio)

    def hypothesis(self) -> Transcript:
        """The words whose end has been heard."""
        self._calls.call()
        return self._said()

    def finish(self) -> Transcript:
        """The same, once more."""
        self._calls.call()
        return self._said()

    def close(self) -> None:
        """Nothing is held."""

    def _said(self) -> Transcript:
        return _transcript(self._script.words_ended_within(self._start, self._heard), self._start)


class ScriptedWindowEngine(_Scripted):
    """The window kind: says the words whose end lies in the window.

    Final windows with one beginning are one utterance, however often it is decoded.
    """

    @property
    def lanes(self) -> Lanes:
        """One at a time."""
        return Lanes()

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window. Raises `EngineError` where the script says so."""
        return [self._decode(window) for window in windows]

    def _decode(self, window: Window) -> Transcript:
        if window.final:
            self._calls.decide(window.start_sample)
        else:
            self._calls.call()
        end = window.start_sample + len(window.audio)
        return _transcript(self.script.words_ended_within(window.start_sample, end), window.start_sample)


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine for the script in the JSON file ``model``; without one it counts for ever.

    Raises `EngineUnavailable` when the file cannot be read as a script.
    """
    return ScriptedEngine(COUNTING if model is None else read_script(Path(model)))
