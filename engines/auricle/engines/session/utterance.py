"""One utterance in the hands of a stateful engine, which is asked now and then what it has heard so far."""

from typing import Final

from auricle.engines.protocol import ENGINE_RATE, Samples, StatefulEngine, StreamConfig, Transcript

PARTIAL_S: Final = 0.25
"""The engine is asked for its hypothesis each time it has heard this much more."""


class Utterance:
    """All methods raise what the engine raises."""

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

    def finish(self) -> Transcript:
        """End the utterance in the decoder."""
        return self._decoder.finish()

    def close(self) -> None:
        """Give the decoder back."""
        self._decoder.close()
