"""Scripted engines, deterministic, for tests and load: their transcripts and their timing come from a `Script`.

They ignore the content of the audio and use only its position. `ScriptedEngine` is the stateful kind,
`ScriptedWindowEngine` the window kind. The voice detector of both reports speech exactly where the script has a word.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from auricle.engines.plain_data import to_plain
from auricle.engines.protocol import (
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
from auricle.engines.scripted.session_parts import scripted_voice

CONFIDENCE: Final = 0.9


class _Calls:
    """Counts the calls into one engine, and delays and fails them as the script says. Methods may run in any thread."""

    def __init__(self, script: Script, sleep: Callable[[float], None], gate: threading.Event | None) -> None:
        self._script = script
        self._sleep = sleep
        self._gate = gate
        self._numbers = count()
        self._utterances = count()
        self._lock = threading.Lock()
        self._finals: dict[int, int] = {}
        """The number of the utterance of which the final window begins at an engine sample."""

    def call(self) -> None:
        """Count, delay and perhaps fail one call. Raises `EngineError` where the script says so."""
        number = next(self._numbers)
        self.wait()
        if number in self._script.failing_calls:
            raise EngineError(f"The script says that call {number} fails.")

    def wait(self) -> None:
        """Delay a call. That is all there is to one that tries the engine: a script counts those of sessions."""
        if self._gate is not None:
            self._gate.wait()
        if self._script.call_s:
            self._sleep(self._script.call_s)

    def begin_utterance(self) -> None:
        """Do the same for the call that begins an utterance. Raises `EngineError` where the script says so."""
        self._call_for(next(self._utterances))

    def decode_final(self, start_sample: int) -> None:
        """Do the same for a final window; windows with one begin are one utterance. Raises as `begin_utterance`."""
        with self._lock:
            number = self._finals.setdefault(start_sample, len(self._finals))
        self._call_for(number)

    def _call_for(self, utterance: int) -> None:
        self.call()
        if utterance in self._script.failing_utterances:
            raise EngineError(f"The script says that utterance {utterance} fails.")


def _transcript(words: Sequence[ScriptedWord], start: int) -> Transcript:
    """Return the transcript of ``words``, with times counted from engine sample ``start``; all of it is stable."""
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

    ``sleep`` is called in the engine's thread with the seconds that a call takes. While ``gate`` is not set every call
    blocks, as in a wedged engine.
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
        """Description of the engine; the model is the name of the script."""
        return EngineInfo(name="scripted", model=self.script.name)

    def load(self, progress: LoadProgress) -> None:
        """Load for as long as the script says. Raises `EngineUnavailable` where it says so."""
        progress("Reading the script", 0.0)
        self._sleep(self.script.load_s)
        if self.script.load_failure is not None:
            raise EngineUnavailable(self.script.load_failure)
        progress("Reading the script", 1.0)

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector that follows the script."""
        return scripted_voice(self.script, config)

    def session_parts(self) -> SessionParts:
        """Return the factory of such voice detectors."""
        return SessionParts(voice_detector=partial(scripted_voice, self.script))

    def parts_description(self) -> Mapping[str, object]:
        """Return the script, which is all that such a voice detector depends on."""
        return {"script": to_plain(self.script)}

    def close(self) -> None:
        """Set `closed`."""
        self.closed.set()


class ScriptedEngine(_Scripted):
    """The stateful kind: its hypothesis holds the words that end within the audio accepted so far."""

    def begin(self, config: StreamConfig, start_sample: int) -> "ScriptedUtterance":
        """Begin an utterance. Raises `EngineError` where the script says so."""
        if config.tried:
            return ScriptedUtterance(self.script, self._calls.wait, start_sample)
        self._calls.begin_utterance()
        return ScriptedUtterance(self.script, self._calls.call, start_sample)


class ScriptedUtterance:
    """One utterance of `ScriptedEngine`; ``call`` is what each call of it does."""

    def __init__(self, script: Script, call: Callable[[], None], start: int) -> None:
        self._script = script
        self._call = call
        self._start = start
        self._end = start

    def accept(self, audio: Samples) -> None:
        """Accept more audio, of which only the length counts. Raises `EngineError` where the script says so."""
        self._call()
        self._end += len(audio)

    def hypothesis(self) -> Transcript:
        """Return the words that end within the audio accepted so far. Raises as `accept`."""
        self._call()
        return self._transcript_so_far()

    def finish(self) -> Transcript:
        """Return the same as `hypothesis`. Raises as `accept`."""
        self._call()
        return self._transcript_so_far()

    def close(self) -> None:
        """Do nothing: an utterance holds nothing."""

    def _transcript_so_far(self) -> Transcript:
        return _transcript(self._script.words_ended_within(self._start, self._end), self._start)


class ScriptedWindowEngine(_Scripted):
    """The window kind: a transcript holds the words that end within the window.

    Final windows with the same begin are one utterance, however often it is decoded.
    """

    @property
    def lanes(self) -> Lanes:
        """One lane, and one window in a call."""
        return Lanes()

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window. Raises `EngineError` where the script says so."""
        return [self._decode(window) for window in windows]

    def _decode(self, window: Window) -> Transcript:
        if window.config.tried:
            self._calls.wait()
        elif window.final:
            self._calls.decode_final(window.start_sample)
        else:
            self._calls.call()
        end = window.start_sample + len(window.audio)
        return _transcript(self.script.words_ended_within(window.start_sample, end), window.start_sample)


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine for the script in the JSON file ``model``; None is the script `COUNTING`.

    Raises `EngineUnavailable` when the file cannot be read as a script.
    """
    return ScriptedEngine(COUNTING if model is None else read_script(Path(model)))
