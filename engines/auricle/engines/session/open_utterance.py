"""The utterance that is open in a session: from its speech start to its one final, or its one failure."""

import logging
from collections.abc import Callable
from typing import TypeVar

from auricle.core.parts import FinalReason
from auricle.engines.audio.retained_audio import RetainedAudio
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
from auricle.engines.session.results import Extent, final_of, partial_of
from auricle.engines.session.utterance import Utterance

logger = logging.getLogger(__name__)
T = TypeVar("T")


class OpenUtterance:
    """Positions are engine samples but where a name says otherwise.

    Whatever the engine raises ends in `conclude`, as the failure of this utterance: until then the utterance stays
    open, deaf, so that exactly one result accounts for its audio.
    """

    def __init__(
        self, engine: StatefulEngine, config: StreamConfig, *, began: int, opened: int, not_before_s: float
    ) -> None:
        self.began = began
        self.opened = opened
        self.fed = opened
        """Everything before it has been given to the engine."""
        self.not_before_s = not_before_s
        """What lies before it, in seconds of session time, is accounted for already."""
        self._engine = engine
        self._config = config
        self._promised = ""
        self._last_text = ""
        self._failure: str | None = None
        self._utterance: Utterance | None = None
        self._utterance = self._try(lambda: Utterance(engine, config, opened))

    def hear(self, audio: RetainedAudio, upto: int) -> list[PartialResult]:
        """Give the engine what it has not heard before ``upto``."""
        utterance, piece = self._utterance, audio.slice(self.fed, upto)
        self.fed = upto
        if utterance is None or not len(piece):
            return []
        return self._tell(self._try(lambda: utterance.hear(piece)))

    def rehear(self, audio: RetainedAudio, upto: int) -> None:
        """Begin again and hear only what lies before ``upto``: the cut lies behind what the engine has heard."""
        self.close()
        if self._failure is None:
            self._utterance = self._try(lambda: Utterance(self._engine, self._config, self.opened))
        self.fed = self.opened
        self.hear(audio, upto)

    def conclude(
        self, end_sample: int, *, end_s: float, voiced_until: int, reason: FinalReason
    ) -> FinalResult | UtteranceFailed:
        """End it; ``end_sample`` is the session sample up to which the result accounts for the audio."""
        utterance = self._utterance
        transcript = None if utterance is None else self._try(utterance.finish)
        self.close()
        if transcript is None:
            return UtteranceFailed(end_sample=end_sample, message=self._failure or "The engine failed.")
        extent = self._extent(end_s=end_s, voiced_until=voiced_until)
        return final_of(transcript, extent, promised=self._promised, end_sample=end_sample, reason=reason)

    def close(self) -> None:
        """Give back what the engine lent. Safe to call twice."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        try:
            utterance.close()
        except Exception:
            logger.exception("The engine failed to close an utterance")

    def _try(self, call: Callable[[], T]) -> T | None:
        """Call the engine. What it raises is kept for `conclude`, and it is not called again."""
        try:
            return call()
        except EngineError as error:
            logger.warning("The engine failed on an utterance: %s", error)
            self._fail(str(error))
        except Exception as error:
            logger.exception("The engine failed on an utterance")
            self._fail(f"The engine failed: {type(error).__name__}.")
        return None

    def _fail(self, message: str) -> None:
        self._failure = message
        self.close()

    def _tell(self, transcript: Transcript | None) -> list[PartialResult]:
        """Return a partial where there is something new to tell."""
        if transcript is None:
            return []
        extent = self._extent(end_s=self.fed / ENGINE_RATE, voiced_until=self.fed)
        partial = partial_of(transcript, extent, promised=self._promised)
        if not partial.text or partial.text == self._last_text:
            return []
        self._last_text = partial.text
        self._promised = max(self._promised, partial.text[: partial.stable], key=len)
        return [partial]

    def _extent(self, *, end_s: float, voiced_until: int) -> Extent:
        return Extent(
            heard_from_s=self.opened / ENGINE_RATE,
            begin_s=max(self.not_before_s, self.opened / ENGINE_RATE),
            end_s=end_s,
            speech_begin_s=self.began / ENGINE_RATE,
            speech_end_s=voiced_until / ENGINE_RATE,
        )
