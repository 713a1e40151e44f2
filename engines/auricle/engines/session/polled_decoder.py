"""The decoder of one utterance of a stateful engine, polled for its hypothesis at a fixed interval."""

from typing import Final

from auricle.engines.protocol import ENGINE_RATE, EngineError, Samples, StatefulEngine, StreamConfig, Transcript
from auricle.engines.scheduling.transcript_checks import checked

HYPOTHESIS_INTERVAL_S: Final = 0.25
"""Seconds of audio between two requests for the engine's hypothesis."""


class PolledDecoder:
    """Begins an utterance at engine sample ``start_sample``. Every method raises whatever the engine raises."""

    def __init__(self, engine: StatefulEngine, config: StreamConfig, start_sample: int) -> None:
        self._decoder = engine.begin(config, start_sample)
        self._partials = config.partials
        self._since_hypothesis = 0
        """Engine samples accepted since the last hypothesis."""

    def accept(self, audio: Samples) -> Transcript | None:
        """Decode ``audio``, shape ``(n,)``; return the hypothesis when one is due, else None."""
        self._decoder.accept(audio)
        self._since_hypothesis += len(audio)
        if not self._partials or self._since_hypothesis < HYPOTHESIS_INTERVAL_S * ENGINE_RATE:
            return None
        return self.hypothesis()

    def hypothesis(self) -> Transcript:
        """Return the hypothesis of all that was accepted, whether one is due or not; without text where it is none."""
        self._since_hypothesis = 0
        hypothesis = self._decoder.hypothesis()
        try:
            return checked([hypothesis], 1)[0]
        except EngineError:
            return Transcript(text="")

    def finish(self) -> Transcript:
        """End the utterance and return its transcript. Raises `EngineError` where that is none."""
        return checked([self._decoder.finish()], 1)[0]

    def close(self) -> None:
        """Release the decoder."""
        self._decoder.close()
