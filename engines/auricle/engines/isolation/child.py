"""The program of the child process: creates the engine, loads it, and serves calls until the parent disconnects.

Run as ``python -m auricle.engines.isolation.child FD``, where FD is the child's end of the socket pair. The end of the
connection ends this process. It exits without cleanup, because any thread may be in native code; the system releases
all resources.
"""

import os
import socket
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, assert_never

from auricle.child_processes import ignore_stop_signals
from auricle.engines.failures import call_failure_elsewhere, load_failure
from auricle.engines.isolation.channel import Channel
from auricle.engines.isolation.factory import named_function
from auricle.engines.isolation.frames import FrameError
from auricle.engines.isolation.messages import (
    FROM_PARENT,
    Accept,
    Begin,
    BeginUtterance,
    Decode,
    Finish,
    Hypothesis,
    LoadFailed,
    Progress,
    Ready,
    Release,
    Reply,
    Request,
    UnknownUtterance,
)
from auricle.engines.protocol import (
    Engine,
    EngineUnavailable,
    PartedEngine,
    Samples,
    StatefulEngine,
    StreamConfig,
    Transcript,
    UtteranceDecoder,
    WindowEngine,
)

STATEFUL_THREADS: Final = 8
"""Concurrent calls of a stateful engine. They are short, and the parent has no more workers than processors."""


class CallTarget:
    """Serves requests, each in any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._utterances: dict[int, UtteranceDecoder] = {}

    def serve(self, request: Request) -> Sequence[Transcript]:
        """Return the transcripts that answer a request, none where it asks for none.

        Raises `EngineError` when the engine fails, `UnknownUtterance`, and whatever an engine with a bug raises.
        """
        match request:
            case Decode(windows=windows):
                assert isinstance(self._engine, WindowEngine)
                return tuple(self._engine.decode(windows))
            case BeginUtterance():
                self.begin(request.utterance, request.config, request.start_sample, request.audio)
            case Accept(utterance=utterance, audio=audio):
                self._decoder(utterance).accept(audio)
            case Hypothesis(utterance=utterance):
                return (self._decoder(utterance).hypothesis(),)
            case Finish(utterance=utterance):
                return (self._decoder(utterance).finish(),)
            case Release(utterance=utterance):
                self.close(utterance)
            case _:
                assert_never(request)
        return ()

    def begin(self, utterance: int, config: StreamConfig, start_sample: int, audio: Samples) -> None:
        """Begin an utterance with the ``audio`` accepted so far, shape ``(n,)``; replace one with the same number."""
        assert isinstance(self._engine, StatefulEngine)
        self.close(utterance)
        decoder = self._engine.begin(config, start_sample)
        self._utterances[utterance] = decoder
        if len(audio):
            decoder.accept(audio)

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
    """Serves one engine on one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def run(self) -> None:
        """Load the engine and serve calls. Raises `EOFError` when the parent closes the connection."""
        begin = self._channel.receive()
        assert isinstance(begin, Begin)
        sys.path[:] = begin.search_path
        loaded = self._load(begin)
        if loaded is None:
            return
        engine, ready = loaded
        self._channel.send(ready)
        target = CallTarget(engine)
        # These threads are not joined at exit: one of them may be in a call that never returns.
        threads = ThreadPoolExecutor(ready.lanes.count if ready.lanes else STATEFUL_THREADS)
        while True:
            threads.submit(self._serve, target, self._channel.receive())

    def _load(self, begin: Begin) -> tuple[Engine, Ready] | None:
        try:
            engine: Engine = named_function(begin.create)(*begin.arguments)
            engine.load(lambda stage, fraction: self._channel.send(Progress(stage=stage, fraction=fraction)))
            return engine, _ready_message(engine)
        except Exception as error:  # a third party's engine may raise anything
            self._channel.send(LoadFailed(message=load_failure(error)))
        return None

    def _serve(self, target: CallTarget, request: Request) -> None:
        self._reply(request.number, _answer(target, request))

    def _reply(self, number: int, reply: Reply) -> None:
        try:
            self._channel.send(reply)
        except FrameError as error:
            self._channel.send(Reply(number=number, error=f"The engine returned something else: {error}"))


def _answer(target: CallTarget, request: Request) -> Reply:
    number = request.number
    try:
        return Reply(number=number, transcripts=tuple(target.serve(request)))
    except UnknownUtterance:
        return Reply(number=number, unknown_utterance=True)
    except Exception as error:
        return Reply(number=number, error=call_failure_elsewhere(error))


def _ready_message(engine: Engine) -> Ready:
    """Return the message. Raises `EngineUnavailable` for an engine that cannot run apart from its sessions."""
    if not isinstance(engine, PartedEngine):
        name = engine.info.name
        raise EngineUnavailable(
            f"The engine {name} cannot run in a process of its own, for it has no session_parts(): "
            "use --engine-isolation thread."
        )
    lanes = engine.lanes if isinstance(engine, WindowEngine) else None
    return Ready(info=engine.info, parts=engine.parts_description(), lanes=lanes)


def main(descriptor: int) -> None:
    """Serve the parent that holds the other end of the socket ``descriptor``; never returns."""
    ignore_stop_signals()
    try:
        Child(Channel(socket.socket(fileno=descriptor), FROM_PARENT)).run()
    except (EOFError, OSError):
        pass
    except Exception:
        traceback.print_exc()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
