"""The child: makes the engine it is told to, loads it, and answers calls until the parent is gone.

Run as ``python -m auricle.engines.isolation.child FD``. Signals meant for the parent's terminal or service are ignored:
the parent drains, and then closes the connection, which is what ends this process. It leaves without tidying up: there
may be native code in any thread, and the system takes back everything.
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

from auricle.engines.isolation.messages import MakeEngine, Progress, Ready, Refused, Reply, Request, UnknownUtterance
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
"""Calls of a stateful engine side by side. They are short, and the parent has no more workers than processors."""


class CallTarget:
    """The methods that a parent may call, each from any thread. All raise `EngineError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._utterances: dict[int, UtteranceDecoder] = {}

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Decode windows."""
        assert isinstance(self._engine, WindowEngine)
        return self._engine.decode(windows)

    def begin(self, utterance: int, config: StreamConfig, start_sample: int, heard: Samples) -> None:
        """Begin an utterance, of which ``heard`` has been heard already. Beginning again forgets the first time."""
        assert isinstance(self._engine, StatefulEngine)
        self.close(utterance)
        decoder = self._engine.begin(config, start_sample)
        self._utterances[utterance] = decoder
        if len(heard):
            decoder.accept(heard)

    def accept(self, utterance: int, audio: Samples) -> None:
        """Hear more. Raises `UnknownUtterance`."""
        self._decoder(utterance).accept(audio)

    def hypothesis(self, utterance: int) -> Transcript:
        """Return what it sounds like so far. Raises `UnknownUtterance`."""
        return self._decoder(utterance).hypothesis()

    def finish(self, utterance: int) -> Transcript:
        """End it. Raises `UnknownUtterance`."""
        return self._decoder(utterance).finish()

    def close(self, utterance: int) -> None:
        """Give its decoder back. Nothing happens where there is none."""
        decoder = self._utterances.pop(utterance, None)
        if decoder is not None:
            decoder.close()

    def _decoder(self, utterance: int) -> UtteranceDecoder:
        decoder = self._utterances.get(utterance)
        if decoder is None:
            raise UnknownUtterance
        return decoder


class Child:
    """One connection and one engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def run(self) -> None:
        """Load, say so, and answer until the parent closes the connection. Raises `EOFError` then."""
        sys.path[:] = self._connection.recv()
        loaded = self._load(self._connection.recv_bytes())
        if loaded is None:
            return
        engine, ready = loaded
        self._send(ready)
        target = CallTarget(engine)
        # Nobody waits for these threads at the end: one of them may be in a call that never returns.
        lanes = ThreadPoolExecutor(ready.lanes.count if ready.lanes else STATEFUL_THREADS)
        while True:
            lanes.submit(self._answer, target, self._connection.recv())

    def _load(self, pickled: bytes) -> tuple[Engine, Ready] | None:
        try:
            make: MakeEngine = pickle.loads(pickled)
            engine = make()
            engine.load(lambda stage, fraction: self._send(Progress(stage=stage, fraction=fraction)))
            return engine, _ready_message(engine)
        except EngineError as error:
            self._send(Refused(message=str(error)))
        except Exception as error:
            self._send(Refused(message=f"The engine could not be loaded ({type(error).__name__}: {error})."))
        return None

    def _answer(self, target: CallTarget, request: Request) -> None:
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

    def _send(self, message: Progress | Refused | Ready | Reply) -> None:
        with self._sending:
            self._connection.send(message)


def _ready_message(engine: Engine) -> Ready:
    """Raises `EngineUnavailable` for an engine that cannot be parted from its sessions."""
    if not isinstance(engine, PartedEngine):
        name = engine.info.name
        raise EngineUnavailable(
            f"The engine {name} cannot run in a process of its own, for it has no session_parts(): "
            "use --engine-isolation thread."
        )
    lanes = engine.lanes if isinstance(engine, WindowEngine) else None
    return Ready(info=engine.info, parts=engine.session_parts(), lanes=lanes)


def main(descriptor: int) -> None:
    """Be the child of whoever holds the other end of ``descriptor``."""
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
