"""One utterance in the hands of an engine: the same four verbs, whichever kind of engine it is.

A stateful engine is fed as the audio comes. A window engine is shown the whole utterance again and again, each time
that enough of it is new, and once more when it is over.
"""

from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from auricle.engines.protocol import (
    ENGINE_RATE,
    Engine,
    EngineError,
    Samples,
    StatefulEngine,
    StreamConfig,
    Transcript,
    Window,
    WindowEngine,
)

PARTIAL_S: Final = 0.25
"""A stateful engine is asked for its hypothesis each time it has heard this much more."""
REDECODE_S: Final = 0.5
"""A window engine is shown the open utterance again when at least this much of it is new …"""
REDECODE_SHARE: Final = 0.25
"""… and at least this share of it, so that the work stays proportional to its length."""


class Utterance(Protocol):
    """Audio of an utterance, piece by piece, and what is said in it. All methods raise what the engine raises."""

    def hear(self, audio: Samples) -> Transcript | None:
        """Take more audio; return what it sounds like so far where that is cheap and due."""

    def revise(self) -> Transcript | None:
        """Return what it sounds like so far where that takes a decode, and is due."""

    def finish(self) -> Transcript:
        """Return what was said."""

    def close(self) -> None:
        """Give up what is held. Safe to call twice."""


def open_utterance(engine: Engine, config: StreamConfig, start_sample: int) -> Utterance:
    """Begin the utterance whose first sample is engine sample ``start_sample``. Raises what the engine raises."""
    match engine:
        case StatefulEngine():
            return StatefulUtterance(engine, config, start_sample)
        case WindowEngine():
            return WindowUtterance(engine, config, start_sample)
        case _:
            raise EngineError(f"The engine {engine.info.name} is neither a window engine nor a stateful one.")


class StatefulUtterance:
    """An utterance in a decoder that listens along."""

    def __init__(self, engine: StatefulEngine, config: StreamConfig, start_sample: int) -> None:
        self._decoder = engine.begin(config, start_sample)
        self._partials = config.partials
        self._unasked = 0

    def hear(self, audio: Samples) -> Transcript | None:
        """Let the decoder hear; ask it every `PARTIAL_S`."""
        self._decoder.accept(audio)
        self._unasked += len(audio)
        if not self._partials or self._unasked < PARTIAL_S * ENGINE_RATE:
            return None
        self._unasked = 0
        return self._decoder.hypothesis()

    def revise(self) -> Transcript | None:
        """Nothing: all it has to say, it says as it hears."""
        return None

    def finish(self) -> Transcript:
        """End the utterance in the decoder."""
        return self._decoder.finish()

    def close(self) -> None:
        """Give the decoder back."""
        self._decoder.close()


class WindowUtterance:
    """An utterance that is kept, and decoded as a whole."""

    def __init__(self, engine: WindowEngine, config: StreamConfig, start_sample: int) -> None:
        self._engine = engine
        self._config = config
        self._start = start_sample
        self._pieces: list[Samples] = []
        self._samples = 0
        self._seen = 0
        self._wants_partials = config.partials

    def hear(self, audio: Samples) -> Transcript | None:
        """Keep it."""
        self._pieces.append(audio)
        self._samples += len(audio)
        return None

    def revise(self) -> Transcript | None:
        """Decode what there is, if enough of it is new."""
        new = self._samples - self._seen
        if not self._wants_partials or new < REDECODE_S * ENGINE_RATE or new < REDECODE_SHARE * self._samples:
            return None
        self._seen = self._samples
        # A partial that fails loses nothing; the next may well fail again, and the final deserves the time.
        self._wants_partials = False
        transcript = self._engine.decode([self._window()])[0]
        self._wants_partials = True
        # Decoded on its own, the next window may say something else; and when it comes depends on how the audio was
        # cut, which must not show in a final.
        return replace(transcript, stable=0)

    def finish(self) -> Transcript:
        """Decode the whole utterance, taking the time to do it well."""
        return self._engine.decode([self._final_window()])[0]

    def close(self) -> None:
        """Forget the audio."""
        self._pieces.clear()

    def _audio(self) -> Samples:
        if len(self._pieces) > 1:
            self._pieces[:] = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def _window(self) -> Window:
        return Window(audio=self._audio(), config=self._config, final=False, start_sample=self._start, timed=False)

    def _final_window(self) -> Window:
        return Window(audio=self._audio(), config=self._config, final=True, start_sample=self._start)
