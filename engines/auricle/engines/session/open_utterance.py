"""The open utterance of a session with a stateful engine, from the start of speech to its one final or failure."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from auricle.core.parts import FinalReason
from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.failures import call_failure
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    FinalResult,
    PartialResult,
    StatefulEngine,
    StreamConfig,
    Transcript,
    UtteranceFailed,
)
from auricle.engines.session.polled_decoder import PolledDecoder
from auricle.engines.session.results import Extent, final_of, partial_of

logger = logging.getLogger(__name__)
T = TypeVar("T")


class OpenUtterance:
    """Positions are engine samples unless a name says otherwise.

    No method raises what the engine raises. After a failure the utterance stays open and decodes nothing more, and
    `conclude` returns the failure, so that exactly one result accounts for its audio.
    """

    def __init__(
        self, engine: StatefulEngine, config: StreamConfig, *, began: int, opened: int, not_before_s: float
    ) -> None:
        self.began = began
        """Where speech began."""
        self.opened = opened
        """Where the audio of the utterance begins, some silence before the speech."""
        self.decoded_until = opened
        """All audio before this position has been given to the engine."""
        self.not_before_s = not_before_s
        """Session time in seconds before which all audio is accounted for by other results."""
        self._engine = engine
        self._config = config
        self._stable_prefix = ""
        self._last_text = ""
        self._failure: str | None = None
        self._decoder: PolledDecoder | None = None
        self._decoder = self._call_engine(lambda: PolledDecoder(engine, config, opened))

    def decode(self, audio: RetainedAudio, upto: int) -> list[PartialResult]:
        """Give the engine the audio before ``upto`` that it has not had yet; return the partial that is due, if any."""
        decoder, piece = self._decoder, audio.slice(self.decoded_until, upto)
        self.decoded_until = upto
        if decoder is None or not len(piece):
            return []
        return self._new_partial(self._call_engine(lambda: decoder.accept(piece)))

    def pause(self, voiced_until: int) -> list[PartialResult]:
        """Return what has been heard, as a partial that tells of the silence since ``voiced_until``."""
        decoder = self._decoder
        if decoder is None:
            return []
        self._last_text = ""
        silence_s = (self.decoded_until - voiced_until) / ENGINE_RATE
        told = self._new_partial(self._call_engine(decoder.hypothesis))
        return [replace(partial, pause_s=silence_s) for partial in told]

    def seems_final(self) -> str:
        """Return what has been heard so far, as text."""
        hypothesis = None if self._decoder is None else self._call_engine(self._decoder.hypothesis)
        return "" if hypothesis is None else hypothesis.text.strip()

    def redecode(self, audio: RetainedAudio, upto: int) -> None:
        """Decode from the beginning, and only up to ``upto``: for a cut that lies before ``decoded_until``."""
        self.close()
        if self._failure is None:
            self._decoder = self._call_engine(lambda: PolledDecoder(self._engine, self._config, self.opened))
        self.decoded_until = self.opened
        self.decode(audio, upto)

    def conclude(
        self, end_sample: int, *, end_s: float, voiced_until: int, reason: FinalReason
    ) -> FinalResult | UtteranceFailed:
        """End the utterance and return its result, which accounts for the audio up to session sample ``end_sample``.

        ``end_s`` is the same position in seconds of session time.
        """
        decoder = self._decoder
        transcript = None if decoder is None else self._call_engine(decoder.finish)
        self.close()
        if transcript is None:
            return UtteranceFailed(end_sample=end_sample, message=self._failure or "The engine failed.")
        extent = self._extent(end_s=end_s, voiced_until=voiced_until)
        return final_of(transcript, extent, stable_prefix=self._stable_prefix, end_sample=end_sample, reason=reason)

    def close(self) -> None:
        """Release the engine's decoder. Safe to call twice."""
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            return
        try:
            decoder.close()
        except Exception:
            logger.exception("The engine failed to close an utterance")

    def _call_engine(self, call: Callable[[], T]) -> T | None:
        """Return what ``call`` returns. What it raises is kept for `conclude`, and the engine is not called again."""
        try:
            return call()
        except EngineError as error:
            logger.warning("The engine failed on an utterance: %s", error)
            self._fail(str(error))
        except Exception as error:
            logger.exception("The engine failed on an utterance")
            self._fail(call_failure(error))
        return None

    def _fail(self, message: str) -> None:
        self._failure = message
        self.close()

    def _new_partial(self, hypothesis: Transcript | None) -> list[PartialResult]:
        """Return the partial for ``hypothesis`` if its text differs from that of the last one."""
        if hypothesis is None:
            return []
        if not self._config.stable_prefix:
            hypothesis = replace(hypothesis, stable=0)
        extent = self._extent(end_s=self.decoded_until / ENGINE_RATE, voiced_until=self.decoded_until)
        partial = partial_of(hypothesis, extent, stable_prefix=self._stable_prefix)
        if not partial.text or partial.text == self._last_text:
            return []
        self._last_text = partial.text
        self._stable_prefix = max(self._stable_prefix, partial.text[: partial.stable], key=len)
        return [partial]

    def _extent(self, *, end_s: float, voiced_until: int) -> Extent:
        return Extent(
            audio_begin_s=self.opened / ENGINE_RATE,
            begin_s=max(self.not_before_s, self.opened / ENGINE_RATE),
            end_s=end_s,
            speech_begin_s=self.began / ENGINE_RATE,
            speech_end_s=voiced_until / ENGINE_RATE,
        )
