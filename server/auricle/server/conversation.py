"""One client and one engine, introduced to each other: events of the session to the engine, results back.

The engine's results become verbs of `ServerSession`, which enforces the ordering guarantees. A result that breaks one
is a bug of ours or of an engine: it is logged and ends that session with ``internal``; the client never sees it.
"""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, assert_never

import trio

from auricle.core import (
    AudioReceived,
    FlushRequested,
    InputFinished,
    LocalProtocolError,
    ServerInfo,
    SessionClosed,
    Start,
    Started,
    State,
    Word,
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
    StreamConfig,
    StreamDone,
    TimedWord,
    UtteranceFailed,
)
from auricle.engines.session import EngineSession
from auricle.transports.trio.server import Connection

logger = logging.getLogger(__name__)

LOADING_INTERVAL_S: Final = 0.5
"""Least time between two signs that the model is coming."""
EngineCall = Callable[[EngineSession], None]


class Conversation:
    """Runs one session from ``start`` to ``closed``."""

    def __init__(
        self, connection: Connection, actor: EngineActor, session_id: str, *, language: str | None = None
    ) -> None:
        self._connection = connection
        self._language = language
        self._session = connection.session
        self._actor = actor
        self._id = session_id
        self._engine: EngineSession | None = None
        # What came before the engine was there; bounded by the pre-buffer's credit.
        self._early: deque[EngineCall] = deque()

    async def run(self) -> SessionClosed:
        """Serve until the session is closed, and return how it ended."""
        async with trio.open_nursery() as nursery:
            try:
                async for event in self._connection:
                    match event:
                        case Started(config=config):
                            nursery.start_soon(self._answer, config)
                        case AudioReceived(pcm=pcm):
                            self._tell(partial(EngineSession.feed, pcm=pcm))
                        case FlushRequested(id=flush_id, at_sample=at_sample):
                            self._tell(partial(EngineSession.flush, flush_id=flush_id, at_sample=at_sample))
                        case InputFinished():
                            self._tell(EngineSession.finish)
                        case SessionClosed():
                            return event
                        case _:
                            assert_never(event)
                raise AssertionError("the last event of a session is SessionClosed")
            finally:
                if self._engine is not None:
                    self._engine.close()
                nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """The server is shutting down: no more input; what has been heard is still decided and told."""
        self._connection.post(self._end_input)

    def _end_input(self, now: float) -> Outputs:
        if self._session.state is State.CONNECTING:
            return self._session.fail("shutdown", "the server is shutting down", now=now)
        return self._session.stop_input("shutdown", now=now)

    def _tell(self, call: EngineCall) -> None:
        if self._engine is None:
            self._early.append(call)
        else:
            call(self._engine)

    async def _answer(self, config: Start) -> None:
        """Open an engine session for what was asked, say ``ready``, and pass its results on."""
        try:
            info = await self._wait_for_model()
            refusal = _refusal(config, info)
            if refusal is not None:
                code, why, param = refusal
                self._connection.post(lambda now: self._session.fail(code, why, param, now=now))
                return
            self._engine = self._actor.open(_stream_config(config, self._language))
            while self._early:
                self._early.popleft()(self._engine)
            server = ServerInfo(name=info.name, version=info.version, model=info.model, device=info.device)
            await self._connection.do(lambda now: self._session.accept(self._id, server, now=now))
            await self._pass_results(self._engine)
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

    async def _pass_results(self, engine: EngineSession) -> None:
        async for result in engine:
            await self._connection.do(partial(self._apply, result))

    def _apply(self, result: Result, now: float) -> Outputs:
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
                    words=_words(result.words),
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
                    words=_words(result.words),
                    language=result.language,
                    now=now,
                )
            case UtteranceFailed(end_sample=end, message=message):
                return session.segment_failed(end, message, now=now)
            case FlushDone(flush_id=flush_id, upto_sample=upto):
                return session.flushed(flush_id, upto, now=now)
            case StreamDone():
                return session.finish(now=now)
            case _:
                assert_never(result)


def _words(words: tuple[TimedWord, ...]) -> tuple[Word, ...]:
    return tuple(
        Word(text=word.text, start=round(word.start_s, 3), end=round(word.end_s, 3), confidence=word.confidence)
        for word in words
    )


def _stream_config(config: Start, language: str | None) -> StreamConfig:
    """Return what the engine is asked for; ``language`` is the server's own, for clients that name none."""
    defaults = StreamConfig()
    endpointing = config.endpointing
    silence_ms, max_segment_ms = endpointing.silence_ms, endpointing.max_segment_ms
    return StreamConfig(
        audio=config.audio,
        language=config.language or language,
        task=config.task,
        partials=config.features.partials,
        silence_s=defaults.silence_s if silence_ms is None else silence_ms / 1000,
        max_segment_s=defaults.max_segment_s if max_segment_ms is None else max_segment_ms / 1000,
        terms=config.bias.terms,
        prompt=config.bias.prompt,
    )


def _refusal(config: Start, info: EngineInfo) -> tuple[str, str, str] | None:
    """Return error code, reason and parameter where the engine cannot do what is asked."""
    language = config.language
    if language is not None and info.languages is not None and language.split("-")[0].lower() not in info.languages:
        known = ", ".join(info.languages)
        return "unsupported_language", f"{info.name} understands {known}, not {language!r}", "/language"
    if config.task not in info.tasks:
        return "invalid_config", f"{info.name} cannot {config.task}", "/task"
    if config.model is not None and config.model != info.model:
        return "unsupported_model", f"this server runs {info.model!r}, not {config.model!r}", "/model"
    return None
