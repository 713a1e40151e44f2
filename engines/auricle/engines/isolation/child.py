"""The program of the child process: creates the engine, loads it, and serves calls until the parent disconnects.

Run as ``python -m auricle.engines.isolation.child FD``, where FD is the child's end of the socket pair. SIGINT, SIGTERM
and SIGHUP are ignored: they reach the whole process group, and the parent drains first. The end of the connection ends
this process. It exits without cleanup, because any thread may be in native code; the system releases all resources.
"""

import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Final

from auricle.engines.isolation.messages import LoadFailed, MakeEngine, Progress, Ready, Reply, Request, UnknownUtterance
from auricle.engines.protocol import (
    Engine,
    EngineError,
    EngineUnavailable,
    PartedEngine,
    Samples,
    StatefulEngine,
    StreamConfig,
    Transcript,
    UtteranceDecoder,
    Window,
    WindowEngine,
)

STATEFUL_THREADS: Final = 8
"""Concurrent calls of a stateful engine. They are short, and the parent has no more workers than processors."""


class CallTarget:
    """The methods that the parent may call, each in any thread. All raise `EngineError` when the engine fails."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._utterances: dict[int, UtteranceDecoder] = {}

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order."""
        assert isinstance(self._engine, WindowEngine)
        return self._engine.decode(windows)

    def begin(self, utterance: int, config: StreamConfig, start_sample: int, audio: Samples) -> None:
        """Begin an utterance with the ``audio`` accepted so far, shape ``(n,)``; replace one with the same number."""
        assert isinstance(self._engine, StatefulEngine)
        self.close(utterance)
        decoder = self._engine.begin(config, start_sample)
        self._utterances[utterance] = decoder
        if len(audio):
            decoder.accept(audio)

    def accept(self, utterance: int, audio: Samples) -> None:
        """Decode more audio, shape ``(n,)``. Raises `UnknownUtterance`."""
        self._decoder(utterance).accept(audio)

    def hypothesis(self, utterance: int) -> Transcript:
        """Return the hypothesis for the audio so far. Raises `UnknownUtterance`."""
        return self._decoder(utterance).hypothesis()

    def finish(self, utterance: int) -> Transcript:
        """End the utterance and return its transcript. Raises `UnknownUtterance`."""
        return self._decoder(utterance).finish()

    def close(self, utterance: int) -> None:
        """Release the decoder of an utterance, if it has one."""
        decoder = self._utterances.pop(utterance, None)
        if decoder is not None:
            decoder.close()

    def _decoder(self, utterance: int) -> UtteranceDecoder:
        decoder = self._utterances.get(utterance)
        if decoder is None:
            raise UnknownUtterance
        return decoder


class Child:
    """Serves one engine on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def run(self) -> None:
        """Load the engine and serve calls. Raises `EOFError` when the parent closes the connection."""
        sys.path[:] = self._connection.recv()
        loaded = self._load(self._connection.recv_bytes())
        if loaded is None:
            return
        engine, ready = loaded
        self._send(ready)
        target = CallTarget(engine)
        # These threads are not joined at exit: one of them may be in a call that never returns.
        threads = ThreadPoolExecutor(ready.lanes.count if ready.lanes else STATEFUL_THREADS)
        while True:
            threads.submit(self._serve, target, self._connection.recv())

    def _load(self, pickled: bytes) -> tuple[Engine, Ready] | None:
        try:
            make: MakeEngine = pickle.loads(pickled)
            engine = make()
            engine.load(lambda stage, fraction: self._send(Progress(stage=stage, fraction=fraction)))
            return engine, _ready_message(engine)
        except EngineError as error:
            self._send(LoadFailed(message=str(error)))
        except Exception as error:
            self._send(LoadFailed(message=f"The engine could not be loaded ({type(error).__name__}: {error})."))
        return None

    def _serve(self, target: CallTarget, request: Request) -> None:
        try:
            value = getattr(target, request.method)(*request.arguments)
            reply = Reply(number=request.number, value=value)
        except (EngineError, UnknownUtterance) as error:
            reply = Reply(number=request.number, error=error)
        except Exception as error:
            reply = Reply(
                number=request.number, error=EngineError(f"The engine failed: {type(error).__name__}: {error}.")
            )
        self._send(reply)

    def _send(self, message: Progress | LoadFailed | Ready | Reply) -> None:
        with self._sending:
            self._connection.send(message)


def _ready_message(engine: Engine) -> Ready:
    """Return the message. Raises `EngineUnavailable` for an engine that cannot run apart from its sessions."""
    if not isinstance(engine, PartedEngine):
        name = engine.info.name
        raise EngineUnavailable(
            f"The engine {name} cannot run in a process of its own, for it has no session_parts(): "
            "use --engine-isolation thread."
        )
    lanes = engine.lanes if isinstance(engine, WindowEngine) else None
    return Ready(info=engine.info, parts=engine.session_parts(), lanes=lanes)


def main(descriptor: int) -> None:
    """Serve the parent that holds the other end of the socket ``descriptor``; never returns."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        Child(Connection(descriptor)).run()
    except (EOFError, OSError):
        pass
    except Exception:
        traceback.print_exc()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
