"""Spans for OpenTelemetry: one a session, one a decode, in the trace that the client's ``traceparent`` names.

Imported only where OpenTelemetry is installed and wanted (`auricle.server.telemetry.loading`). Attributes are numbers
and names of closed sets: no text, no audio, no key, no token, and nothing that a client has chosen.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, TracerProvider, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from auricle.core import ServerEvent, SessionClosed, Started
from auricle.core.server import ServerSession
from auricle.engines.protocol import FinalResult, Result
from auricle.engines.scheduling.observer import CallReturned, TurnTaken
from auricle.server.metrics.labels import ENDINGS, ERRORS, dialect_label, one_of
from auricle.server.metrics.session_metrics import audio_of
from auricle.server.sessions.admission import RefusalReason
from auricle.server.sessions.watchers import SessionWatchers

SESSION: Final = "auricle.session"
DECODE: Final = "auricle.decode"
CARRIED: Final = ("traceparent", "tracestate")
"""Headers of W3C Trace Context; baggage is not read, as anything may be in it."""
NANOSECONDS: Final = 1_000_000_000


class Tracing:
    """Makes the spans of one server (`SessionsObserver`, `ModelObserver`)."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer: Tracer = provider.get_tracer("auricle")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def incoming(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Let sessions that begin in the block, and in tasks that do, be part of the trace that the headers name."""
        carried = {name: headers[name] for name in CARRIED if name in headers}
        token = otel_context.attach(self._propagator.extract(carried))
        try:
            yield
        finally:
            otel_context.detach(token)

    def session(self, session: ServerSession, *, in_process: bool) -> "SessionSpan":
        """Begin the span of a session. Part of `SessionsObserver`."""
        return SessionSpan(self._tracer.start_span(SESSION, kind=SpanKind.SERVER), session, in_process=in_process)

    def refused(self, reason: RefusalReason) -> None:
        """Do nothing: what was refused has a span of its own, or none. Part of `SessionsObserver`."""

    def call_returned(self, model: str, call: CallReturned) -> None:
        """Record the span of a call: inside that of its session, or linked to those of several."""
        spans = list(dict.fromkeys(span for window in call.windows if (span := _span_of(window.owner)) is not None))
        attributes: dict[str, str | bool | int | float] = {
            "auricle.model": model,
            "auricle.final": call.final,
            "auricle.windows": len(call.windows),
            "auricle.audio_s": call.audio_s,
            "auricle.queue_s": max((window.waited_s for window in call.windows), default=0.0),
            "auricle.tries": max((window.tries for window in call.windows), default=0),
        }
        self._record(spans, call.took_s, attributes, failed=call.failed)

    def turn_taken(self, model: str, turn: TurnTaken) -> None:
        """Record the span of a turn of a stateful engine, which decodes in it."""
        span = _span_of(turn.owner)
        attributes: dict[str, str | bool | int | float] = {
            "auricle.model": model,
            "auricle.audio_s": turn.audio_s,
            "auricle.queue_s": turn.waited_s,
        }
        self._record([] if span is None else [span], turn.took_s, attributes, failed=turn.failed)

    def _record(
        self, spans: list[Span], took_s: float, attributes: Mapping[str, str | bool | int | float], *, failed: bool
    ) -> None:
        now = time.time_ns()
        span = self._tracer.start_span(
            DECODE,
            context=set_span_in_context(spans[0]) if len(spans) == 1 else otel_context.Context(),
            links=[Link(each.get_span_context()) for each in spans] if len(spans) > 1 else None,
            attributes=attributes,
            start_time=now - int(took_s * NANOSECONDS),
        )
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)


class SessionSpan:
    """The span of one session (`SessionObserver`)."""

    def __init__(self, span: Span, session: ServerSession, *, in_process: bool) -> None:
        self.span: Final = span
        self._session = session
        self._in_process = in_process
        self._finals = 0

    def model_chosen(self, model: str) -> None:
        """Note which model answers."""
        self.span.set_attribute("auricle.model", model)

    def heard(self, event: ServerEvent, now: float) -> None:
        """Note how it begins and ends."""
        match event:
            case Started(config=config):
                self.span.set_attribute("auricle.sample_rate", config.audio.sample_rate)
            case SessionClosed():
                self._note_end(event)
            case _:
                pass

    def told(self, result: Result, now: float) -> None:
        """Count finals."""
        self._finals += isinstance(result, FinalResult)

    def failed(self, code: str) -> None:
        """Note an error that has not ended the session."""
        self.span.add_event("error", {"auricle.error": one_of(code, ERRORS)})

    def gone(self) -> None:
        """End the span."""
        self.span.set_attribute("auricle.dialect", dialect_label(self._session.dialect, in_process=self._in_process))
        self.span.end()

    def _note_end(self, closed: SessionClosed) -> None:
        audio = audio_of(self._session.snapshot)
        self.span.set_attributes(
            {
                "auricle.reason": one_of(closed.reason, ENDINGS),
                "auricle.complete": str(closed.complete).lower(),
                "auricle.received_s": audio.received_s,
                "auricle.committed_s": audio.committed_s,
                "auricle.finals": self._finals,
            }
        )
        if closed.error is not None:
            self.span.set_attribute("auricle.error", one_of(closed.error, ERRORS))
            self.span.set_status(Status(StatusCode.ERROR))


def _span_of(owner: object | None) -> Span | None:
    if not isinstance(owner, SessionWatchers):
        return None
    watched = owner.one(SessionSpan)
    return None if watched is None else watched.span
