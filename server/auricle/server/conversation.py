"""One client and one engine, introduced to each other: events of the session to the engine, results back.

The engine's results become verbs of `ServerSession`, which enforces the ordering guarantees. A result that breaks one
is a bug of ours or of an engine: it is logged and ends that session with ``internal``; the client never sees it.
"""

import logging
import math
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, assert_never

import trio

from auricle.core import (
    AudioReceived,
    AudioSkipped,
    ConfigureRequested,
    Disconnected,
    FlushRequested,
    InputFinished,
    LocalProtocolError,
    Reconnected,
    ServerInfo,
    SessionClosed,
    Start,
    Started,
    State,
)
from auricle.core.session import Outputs
from auricle.engines.actor import EngineActor
from auricle.engines.loading import LoadStage
from auricle.engines.protocol import (
    EngineError,
    EngineInfo,
    EngineUnavailable,
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamDone,
    UtteranceFailed,
)
from auricle.server.stretch import Stretch, details_of, refusal, wire_words
from auricle.transports.trio.server import Connection

logger = logging.getLogger(__name__)

EngineEvent = AudioReceived | AudioSkipped | FlushRequested | ConfigureRequested | InputFinished
"""What of a session is the engine's business."""
LOADING_INTERVAL_S: Final = 0.5
"""Least time between two signs that the model is coming."""
TOKEN_BYTES: Final = 24
"""Randomness in a resume token."""


def new_token() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Conversation:
    """Runs one session from ``start`` to ``closed``, over however many connections."""

    def __init__(
        self, connection: Connection, actor: EngineActor, session_id: str, *, language: str | None = None
    ) -> None:
        self._connection = connection
        self._language = language
        self._session = connection.session
        self._actor = actor
        self._id = session_id
        self._info: EngineInfo | None = None
        self._stretches_in, self._stretches = trio.open_memory_channel[Stretch](math.inf)
        self._stretch: Stretch | None = None
        self._open: list[Stretch] = []
        # What came before the engine was there; bounded by the pre-buffer's credit.
        self._early: deque[Callable[[], None]] = deque()

    async def run(self) -> SessionClosed:
        """Serve until the session is closed, and return how it ended."""
        async with trio.open_nursery() as nursery:
            try:
                async for event in self._connection:
                    match event:
                        case Started(config=config):
                            nursery.start_soon(self._answer, config)
                        case Disconnected() | Reconnected():
                            logger.info("session %s: %s", self._id, type(event).__name__.lower())
                        case SessionClosed():
                            return event
                        case _:
                            self._hear(event)
                raise AssertionError("the last event of a session is SessionClosed")
            finally:
                for stretch in self._open:
                    stretch.close()
                nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """The server is shutting down: no more input; what has been heard is still decided and told."""
        self._connection.post(self._end_input)

    def _end_input(self, now: float) -> Outputs:
        if self._session.state is State.CONNECTING:
            return self._session.fail("shutdown", "the server is shutting down", now=now)
        return self._session.stop_input("shutdown", now=now)

    def _hear(self, event: EngineEvent) -> None:
        """Hand the engine what the client wants of it, now or as soon as there is one."""
        if self._stretch is None:
            self._early.append(partial(self._hear, event))
            return
        match event:
            case AudioReceived(pcm=pcm):
                self._stretch.feed(pcm)
            case AudioSkipped(start_sample=start, end_sample=end):
                self._stretch.skip(end - start)
            case FlushRequested(id=flush_id, at_sample=at_sample):
                self._stretch.flush(flush_id, at_sample)
            case ConfigureRequested():
                self._change(event)
            case InputFinished():
                self._stretch.finish()
            case _:
                assert_never(event)

    def _change(self, request: ConfigureRequested) -> None:
        """End the stretch where the change was asked for, and begin another one; or refuse, and change nothing."""
        assert self._stretch is not None
        assert self._info is not None
        refused = refusal(request.config, self._info)
        if refused is not None:
            code, why, param = refused
            self._connection.post(
                lambda now: self._session.refuse_change(request.id, code, why, f"/set{param}", now=now)
            )
            return
        self._stretch.change(request.id)
        self._begin(request.config, request.at_sample)

    def _begin(self, config: Start, base_sample: int) -> None:
        self._stretch = Stretch(self._actor, config, base_sample=base_sample, language=self._language)
        self._open.append(self._stretch)
        self._stretches_in.send_nowait(self._stretch)

    async def _answer(self, config: Start) -> None:
        """Open an engine session for what was asked, say ``ready``, and pass its results on."""
        try:
            self._info = info = await self._wait_for_model()
            refused = refusal(config, info)
            if refused is not None:
                code, why, param = refused
                self._connection.post(lambda now: self._session.fail(code, why, param, now=now))
                return
            server = ServerInfo(name=info.name, version=info.version, model=info.model, device=info.device)
            token = new_token()
            await self._connection.do(lambda now: self._session.accept(self._id, server, resume_token=token, now=now))
            self._begin(config, config.timeline_origin or 0)
            while self._early:
                self._early.popleft()()
            async for stretch in self._stretches:
                await self._pass_results(stretch)
                self._open.remove(stretch)
        except EngineUnavailable as error:
            self._fail("engine_unavailable", error)
        except EngineError as error:
            self._fail("engine_failed", error)
        except LocalProtocolError:
            logger.exception("session %s: an engine result breaks a guarantee", self._id)
            self._fail("internal", "the server made a mistake")

    def _fail(self, code: str, why: object) -> None:
        clause = str(why).rstrip(".")
        self._connection.post(lambda now: self._session.fail(code, clause, now=now))

    async def _wait_for_model(self) -> EngineInfo:
        """Wait until the model is there, and tell how far it is whenever that changes.

        The core says ``loading`` by itself where nothing changes for `Limits.progress_interval_s`.
        """
        told: LoadStage | None = None
        while True:
            with trio.move_on_after(LOADING_INTERVAL_S):
                return await self._actor.loaded()
            if self._actor.stage != told:
                told = self._actor.stage
                self._connection.post(partial(self._tell_loading, told))

    def _tell_loading(self, loading: LoadStage, now: float) -> Outputs:
        return self._session.loading(loading.stage, loading.fraction, now=now)

    async def _pass_results(self, stretch: Stretch) -> None:
        while results := await stretch.results():
            for result in results:
                await self._connection.do(partial(self._apply, stretch, result))

    def _apply(self, stretch: Stretch, result: Result, now: float) -> Outputs:
        session = self._session
        match result:
            case Processed(upto_sample=upto):
                return session.progress(upto, now=now)
            case SpeechStarted(at_sample=at):
                return session.speech_start(at, now=now)
            case SpeechEnded(at_sample=at):
                return session.speech_end(at, now=now)
            case PartialResult():
                return session.partial(
                    result.text,
                    start_s=result.start_s,
                    end_s=result.end_s,
                    stable=result.stable,
                    confidence=result.confidence,
                    words=wire_words(result.words),
                    language=result.language,
                    now=now,
                )
            case FinalResult():
                return session.final(
                    result.text,
                    end_sample=result.end_sample,
                    start_s=result.start_s,
                    end_s=result.end_s,
                    confidence=result.confidence,
                    reason=result.reason,
                    words=wire_words(result.words),
                    language=result.language,
                    details=details_of(result),
                    now=now,
                )
            case UtteranceFailed(end_sample=end, message=message):
                return session.segment_failed(end, message, now=now)
            case FlushDone(flush_id=flush_id, upto_sample=upto):
                return session.flushed(flush_id, upto, now=now)
            case StreamDone() if stretch.change_id is not None:
                return session.configured(stretch.change_id, now=now)
            case StreamDone():
                return session.finish(now=now)
            case _:
                assert_never(result)
