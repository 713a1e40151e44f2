"""The conversation of one client with the engine: session events go to the engine, engine results to the session.

Results are handed to `ServerSession`, which enforces the ordering guarantees. A result that breaks one is a bug of the
server or of an engine: it is logged and ends that session with ``internal``; the client never sees it.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
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
    ServerEvent,
    ServerInfo,
    SessionClosed,
    Start,
    Started,
)
from auricle.core.session import Outputs
from auricle.engines.actor import EngineActor
from auricle.engines.loading import LoadStage
from auricle.engines.protocol import (
    EngineError,
    EngineInfo,
    EngineUnavailable,
    FinalResult,
    Processed,
    Result,
    StreamDone,
    UtteranceFailed,
)
from auricle.server.models.pool import ModelPool
from auricle.server.models.served_model import ServedModel
from auricle.server.sessions.admission import RefusalReason, engine_refusal
from auricle.server.sessions.configuration_span import ConfigurationSpan
from auricle.server.sessions.engine_results import tell, wire_words
from auricle.server.sessions.observer import SessionObserver
from auricle.server.sessions.resume_token import new_resume_token
from auricle.server.sessions.speaker_naming import SessionSpeakers
from auricle.server.sessions.stream_config import SPEECH_DEFAULTS, SpeechDefaults, unsupported
from auricle.server.status import SessionStatus
from auricle.transports.trio.server import Connection

logger = logging.getLogger(__name__)

EngineEvent = AudioReceived | AudioSkipped | FlushRequested | ConfigureRequested | InputFinished
"""Session events that are forwarded to the engine."""
LOADING_INTERVAL_S: Final = 0.5
"""Minimum interval in seconds between two ``loading`` messages."""


class Conversation:
    """Runs one session from ``start`` to ``closed``, over any number of connections.

    ``peer`` is the address of its client, without the port. ``defaults`` are for what it leaves open. ``heard`` is
    called with every event, and ``told_limits`` returns what ``ready.limits`` tells beside the protocol's.

    A session stays with the model that it began with, also when it is resumed. ``refused`` is called with the reason
    where the model cannot take it.
    """

    def __init__(
        self,
        connection: Connection,
        models: ModelPool,
        session_id: str,
        observer: SessionObserver,
        *,
        refused: Callable[[RefusalReason], None],
        peer: str = "",
        defaults: SpeechDefaults = SPEECH_DEFAULTS,
        heard: Callable[[ServerEvent], None] = lambda event: None,
        told_limits: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self.peer = peer
        self._connection = connection
        self._defaults = defaults
        self._heard = heard
        self._told_limits = told_limits
        self._session = connection.session
        self._models = models
        self._model: ServedModel | None = None
        """The model that it has, once that is chosen."""
        self._observer = observer
        self._refused = refused
        self._id = session_id
        self._info: EngineInfo | None = None
        self._given_up = False
        self._spans_in, self._spans = trio.open_memory_channel[ConfigurationSpan](math.inf)
        self._span: ConfigurationSpan | None = None
        self._speakers: SessionSpeakers | None = None
        self._open_spans: list[ConfigurationSpan] = []
        # Events that arrived before the engine was ready; bounded by the pre-buffer's credit.
        self._deferred: deque[Callable[[], None]] = deque()

    async def run(self) -> SessionClosed:
        """Serve until the session is closed, and return its terminal event."""
        async with trio.open_nursery() as nursery:
            self._connection.hear_audio(self._hear)
            try:
                async for event in self._connection:
                    match event:
                        case Started(config=config):
                            self._note(event)
                            nursery.start_soon(self._serve, config, nursery)
                        case Disconnected() | Reconnected():
                            self._note(event)
                            logger.debug("session %s: %s", self._id, type(event).__name__.lower())
                        case SessionClosed():
                            self._note(event)
                            return event
                        case _:
                            self._hear(event)
                raise AssertionError("the last event of a session is SessionClosed")
            finally:
                self._connection.hear_audio(None)
                self._observer.gone()
                for span in self._open_spans:
                    span.close()
                nursery.cancel_scope.cancel()

    @property
    def waiting_since(self) -> float | None:
        """When the connection was lost, on trio's clock; None while there is one, or nothing to wait for."""
        s = self._session.snapshot
        return None if s.attached else s.recovery.lost_at

    def status(self, now: float) -> SessionStatus:
        """Describe the session at ``now``, on trio's clock."""
        s = self._session.snapshot
        return SessionStatus(
            state=s.state.value,
            attached=s.attached,
            age_s=now - s.opened_at,
            received_s=s.seconds(s.received - s.origin),
            backlog_s=s.seconds(s.received - s.processed),
            segments=s.segment,
            model=None if self._model is None else self._model.name,
        )

    @property
    def given_up(self) -> bool:
        """Whether `give_up` has been called."""
        return self._given_up

    def give_up(self) -> None:
        """End a session whose client is gone: another one needs its place."""
        self._given_up = True
        self._connection.post(lambda now: self._session.no_return(now=now))

    def _note(self, event: ServerEvent) -> None:
        """Tell those who watch, and the guard of the key."""
        self._heard(event)
        self._observer.heard(event, trio.current_time())

    def _hear(self, event: EngineEvent) -> None:
        """Take an event that is for the engine. For every frame of every session."""
        self._note(event)
        self._forward(event)

    def _forward(self, event: EngineEvent) -> None:
        """Forward a session event to the engine, now or as soon as the engine is ready."""
        if self._span is None:
            self._deferred.append(partial(self._forward, event))
            return
        match event:
            case AudioReceived(pcm=pcm):
                self._span.feed(pcm)
                if self._speakers is not None:
                    self._speakers.hear(event)
            case AudioSkipped(start_sample=start, end_sample=end):
                self._span.skip(end - start)
            case FlushRequested(id=flush_id, at_sample=at_sample):
                self._span.flush(flush_id, at_sample)
            case ConfigureRequested():
                self._reconfigure(event)
            case InputFinished():
                self._span.finish()
            case _:
                assert_never(event)

    def _reconfigure(self, request: ConfigureRequested) -> None:
        """End the span at the position of the request and begin the next one; or refuse, and change nothing."""
        assert self._span is not None
        assert self._info is not None
        refused = unsupported(request.config, self._info)
        if refused is not None:
            code, why, param = refused
            self._observer.failed(code)
            self._connection.post(
                lambda now: self._session.refuse_change(request.id, code, why, f"/set{param}", now=now)
            )
            return
        self._span.change(request.id)
        self._begin_span(request.config, request.at_sample)

    def _begin_span(self, config: Start, base_sample: int) -> None:
        if self._speakers is not None:
            self._speakers.keeps_audio = config.features.speakers
        self._span = ConfigurationSpan(
            self._actor, config, base_sample=base_sample, defaults=self._defaults, owner=self._observer
        )
        self._open_spans.append(self._span)
        self._spans_in.send_nowait(self._span)

    @property
    def _actor(self) -> EngineActor:
        assert self._model is not None, "results come from a model that has been chosen"
        return self._model.actor

    async def _serve(self, config: Start, nursery: trio.Nursery) -> None:
        """Choose the model, wait for it, and serve. Whatever fails ends the session with one error."""
        try:
            model = await self._choose_model(config)
            if model is None:
                return
            self._model = model
            with self._models.using(model):
                self._info = info = await self._wait_for(model)
                if self._refuse_unserved(config, info):
                    return
                self._observer.model_chosen(model.name)
                await self._serve_with(info, config, nursery)
        except EngineUnavailable as error:
            self._fail("engine_unavailable", error)
        except EngineError as error:
            self._fail("engine_failed", error)
        except LocalProtocolError:
            logger.exception("session %s: an engine result breaks a guarantee", self._id)
            self._fail("internal", "the server made a mistake")

    async def _choose_model(self, config: Start) -> ServedModel | None:
        """Return the model that the client means; None: the session has failed, because there is no such one.

        What a default model is called that nobody has named is known once it is loaded. Clients of other services have
        names of these services built in: what is none of ours means the default.
        """
        model = self._models.find(config.model)
        if model is None:
            await self._wait_for(self._models.default)
            model = self._models.find(config.model)
        if model is None and self._session.snapshot.legacy:
            return self._models.default
        if model is None and config.model is not None:
            why = self._models.unknown(config.model)
            self._refused("unknown_model")
            self._connection.post(lambda now: self._session.fail("unsupported_model", why, "/model", now=now))
        return model

    def _refuse_unserved(self, config: Start, info: EngineInfo) -> bool:
        """Fail a session that its model cannot serve: so configured, or now."""
        unserved = unsupported(config, info)
        if unserved is not None:
            code, why, param = unserved
            self._connection.post(lambda now: self._session.fail(code, why, param, now=now))
            return True
        refusal = engine_refusal(self._actor)
        if refusal is not None:
            self._refused(refusal.reason)
            self._connection.post(
                lambda now: self._session.fail(refusal.code, refusal.why, now=now, retry_after_s=refusal.retry_after_s)
            )
        return refusal is not None

    async def _serve_with(self, info: EngineInfo, config: Start, nursery: trio.Nursery) -> None:
        """Send ``ready``, and forward the results of every span, in order."""
        server = ServerInfo(
            name=info.name,
            version=info.version,
            model=info.model,
            device=info.device,
            turn_detector=self._defaults.turns.name,
            speakers=self._defaults.speakers.name,
        )
        token, limits = new_resume_token(), self._told_limits()
        await self._connection.do(
            lambda now: self._session.accept(self._id, server, resume_token=token, more_limits=limits, now=now)
        )
        if server.speakers is not None:
            self._speakers = SessionSpeakers(self._defaults.speakers, self._connection, config.audio)
            nursery.start_soon(self._speakers.name_all)
        self._begin_span(config, config.timeline_origin or 0)
        while self._deferred:
            self._deferred.popleft()()
        async for span in self._spans:
            await self._forward_results(span)
            self._open_spans.remove(span)

    def _fail(self, code: str, why: object) -> None:
        clause = str(why).rstrip(".")
        self._connection.post(lambda now: self._session.fail(code, clause, now=now))

    async def _wait_for(self, model: ServedModel) -> EngineInfo:
        """Wait until a model is loaded, and send ``loading`` whenever the stage changes. Raises `EngineUnavailable`.

        Where nothing changes for `Limits.progress_interval_s`, the core sends ``loading`` by itself.
        """
        reported: LoadStage | None = None
        while True:
            with trio.move_on_after(LOADING_INTERVAL_S):
                return await model.actor.loaded()
            if model.actor.stage != reported:
                reported = model.actor.stage
                self._connection.post(partial(self._report_loading, reported))

    def _report_loading(self, loading: LoadStage, now: float) -> Outputs:
        return self._session.loading(loading.stage, loading.fraction, now=now)

    async def _forward_results(self, span: ConfigurationSpan) -> None:
        while results := await span.results():
            for result in results:
                if self._speakers is not None and isinstance(result, StreamDone) and span.change_id is None:
                    await self._speakers.settle()
                await self._connection.do(partial(self._tell, span, result))
                self._observer.told(result, trio.current_time())
                if self._speakers is not None and isinstance(result, FinalResult):
                    segment = self._session.snapshot.segment - 1
                    self._speakers.heard(segment, wire_words(result.words), result.end_sample)

    def _tell(self, span: ConfigurationSpan, result: Result, now: float) -> Outputs:
        expected: Outputs = ()
        if isinstance(result, Processed):
            expected = self._session.expect(self._actor.engine_s, now=now)
        elif isinstance(result, UtteranceFailed):
            self._observer.failed("engine_failed")
        return expected + tell(self._session, result, change_id=span.change_id, now=now)
