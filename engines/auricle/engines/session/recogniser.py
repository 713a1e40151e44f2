"""Synchronous recognition of one session, without an event loop.

Servers use `EngineActor`, which batches the windows of many sessions. `Recogniser` decodes each window as soon as it is
requested, in the caller's thread; the results are the same.
"""

from collections.abc import Sequence

from auricle.engines.failures import call_failure
from auricle.engines.policy.events import Drop, Promote
from auricle.engines.protocol import Engine, EngineError, Result, StatefulEngine, StreamConfig, WindowEngine
from auricle.engines.scheduling.decode_request import DecodeRequest
from auricle.engines.session.stateful_recogniser import StatefulRecogniser
from auricle.engines.session.window_recogniser import Output, WindowRecogniser
from auricle.engines.turn_taking.watch import TurnTaking


def open_recogniser(
    engine: Engine, config: StreamConfig, turns: TurnTaking | None = None
) -> StatefulRecogniser | WindowRecogniser:
    """Return the recogniser of one session for ``engine``. Raises `EngineError` for an engine of neither kind."""
    match engine:
        case StatefulEngine():
            return StatefulRecogniser(engine, config, turns)
        case WindowEngine():
            return WindowRecogniser(engine, config, turns)
        case _:
            raise EngineError(f"The engine {engine.info.name} is neither a window engine nor a stateful one.")


class Recogniser:
    """Recognises one session with a loaded engine of either kind. Calls must not overlap.

    All methods but `close` raise what the engine's voice detector raises; the recogniser must not be used after that.
    Other engine failures become an `UtteranceFailed`.
    """

    def __init__(self, engine: Engine, config: StreamConfig, turns: TurnTaking | None = None) -> None:
        self._engine = engine
        self._inner = open_recogniser(engine, config, turns)

    def accept(self, pcm: bytes) -> Sequence[Result]:
        """Process whole sample frames and return the new results. Raises `ValueError` inside a sample frame."""
        return self._decode_all(self._inner.accept(pcm))

    def flush(self, flush_id: str, at_sample: int) -> Sequence[Result]:
        """Decide all audio before session sample ``at_sample`` and return the new results.

        Raises `ValueError` for a position that has not been accepted yet.
        """
        return self._decode_all(self._inner.flush(flush_id, at_sample))

    def finish(self) -> Sequence[Result]:
        """End the input, decide all audio, and return the new results; the last one is `StreamDone`."""
        return self._decode_all(self._inner.finish())

    def close(self) -> None:
        """Release what the engine holds for this session. Safe to call twice."""
        self._inner.close()

    def _decode_all(self, outputs: Sequence[Output]) -> list[Result]:
        """Return the results in ``outputs`` and those of the requested decodes, until no request is left."""
        results: list[Result] = []
        requests: list[DecodeRequest] = []
        while True:
            for output in outputs:
                match output:
                    case DecodeRequest():
                        # Any newer request covers more audio than the partials requested before it.
                        requests = [*(request for request in requests if request.urgency.is_final), output]
                    case Drop(job=job):
                        requests = [request for request in requests if request.job != job]
                    case Promote():
                        pass
                    case _:
                        results.append(output)
            if not requests:
                return results
            outputs = self._decode(requests.pop(0))

    def _decode(self, request: DecodeRequest) -> Sequence[Output]:
        assert isinstance(self._inner, WindowRecogniser)
        assert isinstance(self._engine, WindowEngine)
        try:
            (transcript,) = self._engine.decode([request.window])
        except Exception as error:  # a third party's engine may raise anything
            return self._inner.decode_failed(request.job, call_failure(error))
        return self._inner.decoded(request.job, transcript)
