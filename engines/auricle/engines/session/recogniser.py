"""One session's speech, recognised where one stands: for whoever has audio and no event loop.

Servers have `EngineActor`, which decodes the windows of many sessions together. Here each window is decoded when it is
wanted, in the caller's thread; results are the same.
"""

from collections.abc import Sequence

from auricle.engines.policy.events import Drop, Promote
from auricle.engines.protocol import Engine, EngineError, Result, StatefulEngine, StreamConfig, WindowEngine
from auricle.engines.scheduling.decode_request import DecodeRequest
from auricle.engines.session.stateful_recogniser import StatefulRecogniser
from auricle.engines.session.window_recogniser import Output, WindowRecogniser


def open_recogniser(engine: Engine, config: StreamConfig) -> StatefulRecogniser | WindowRecogniser:
    """Return what recognises one session with ``engine``. Raises `EngineError` for an engine of neither kind."""
    match engine:
        case StatefulEngine():
            return StatefulRecogniser(engine, config)
        case WindowEngine():
            return WindowRecogniser(engine, config)
        case _:
            raise EngineError(f"The engine {engine.info.name} is neither a window engine nor a stateful one.")


class Recogniser:
    """Calls must not overlap. A fault of the engine's voice detector is raised, and is the end of the session."""

    def __init__(self, engine: Engine, config: StreamConfig) -> None:
        self._engine = engine
        self._inner = open_recogniser(engine, config)

    def accept(self, pcm: bytes) -> Sequence[Result]:
        """Hear whole sample frames; return what there is to say."""
        return self._decoded(self._inner.accept(pcm))

    def flush(self, flush_id: str, at_sample: int) -> Sequence[Result]:
        """Decide everything before session sample ``at_sample``, which has been accepted. Raises `ValueError`."""
        return self._decoded(self._inner.flush(flush_id, at_sample))

    def finish(self) -> Sequence[Result]:
        """Decide everything: no more audio will come."""
        return self._decoded(self._inner.finish())

    def close(self) -> None:
        """Give back what the engine lent. Safe to call twice."""
        self._inner.close()

    def _decoded(self, outputs: Sequence[Output]) -> list[Result]:
        """Return the results, and those of the decodes that are wished for, until nothing is wished any more."""
        results: list[Result] = []
        wished: list[DecodeRequest] = []
        while True:
            for output in outputs:
                match output:
                    case DecodeRequest():
                        # Whatever it is, it shows more than the partials before it.
                        wished = [*(request for request in wished if request.urgency.is_final), output]
                    case Drop(job=job):
                        wished = [request for request in wished if request.job != job]
                    case Promote():
                        pass
                    case _:
                        results.append(output)
            if not wished:
                return results
            outputs = self._decode(wished.pop(0))

    def _decode(self, request: DecodeRequest) -> Sequence[Output]:
        assert isinstance(self._inner, WindowRecogniser)
        assert isinstance(self._engine, WindowEngine)
        try:
            (transcript,) = self._engine.decode([request.window])
        except EngineError as error:
            return self._inner.failed(request.job, str(error))
        except Exception as error:
            return self._inner.failed(request.job, f"The engine failed: {type(error).__name__}.")
        return self._inner.heard(request.job, transcript)
