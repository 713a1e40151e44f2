"""What one session adds to the metrics of its server, as it happens."""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import trio

from auricle.core import (
    AudioReceived,
    AudioSkipped,
    Reconnected,
    ServerEvent,
    SessionClosed,
    Started,
)
from auricle.core.server import ServerSession
from auricle.core.snapshot import Snapshot
from auricle.engines.protocol import FinalResult, PartialResult, Result
from auricle.server.metrics.arrivals import Arrivals
from auricle.server.metrics.labels import (
    ENDINGS,
    ERRORS,
    FINAL_REASONS,
    RESUME_OUTCOMES,
    ModelLabels,
    dialect_label,
    one_of,
)
from auricle.server.sessions.session_log import HANDED_ON

STALLED_S: Final = 0.02
"""Credit of less audio than a common frame has: its client has to wait."""
MOST_DELAYS: Final = 200
"""Finals of one session whose delays are kept for the line that it leaves in the log."""
SPEAKS_ON: Final = ("max_length", "stability")
"""Reasons of a final in the middle of speech: nothing has ended, of which it could be late."""
_RESUMED, *_NOT_RESUMED = RESUME_OUTCOMES


NOTHING: Final[Mapping[str, "SessionAudio"]] = MappingProxyType({})


class SessionAudio(NamedTuple):
    """Seconds of audio of one session, or of several."""

    received_s: float = 0.0
    processed_s: float = 0.0
    committed_s: float = 0.0
    lost_s: float = 0.0
    handed_on_s: float = 0.0


def audio_of(s: Snapshot) -> SessionAudio:
    """Return the audio of a session, from what it counts anyway; what is undecided at its end is not part of that."""
    return SessionAudio(
        received_s=s.seconds(s.received - s.origin),
        processed_s=s.seconds(s.processed - s.origin),
        committed_s=s.seconds(s.committed - s.origin - s.dropped),
        lost_s=s.seconds(s.dropped),
    )


class AudioTotals:
    """The audio of several sessions, by dialect."""

    def __init__(self, totals: Mapping[str, SessionAudio] = NOTHING) -> None:
        self.totals = dict(totals)

    def add(self, dialect: str, audio: SessionAudio) -> None:
        """Add that of a session."""
        so_far = self.totals.get(dialect, SessionAudio())
        self.totals[dialect] = SessionAudio(*(one + other for one, other in zip(so_far, audio, strict=True)))


class Instruments(Protocol):
    """The metrics of the server, as a session uses them."""

    @property
    def model_label(self) -> ModelLabels:
        """The labels of models."""

    def left(self, session: "SessionMetrics") -> None:
        """A session is served no more."""

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a histogram."""


class SessionMetrics:
    """Watches one session (`SessionObserver`)."""

    def __init__(self, instruments: Instruments, session: ServerSession, *, in_process: bool) -> None:
        self._instruments = instruments
        self._session = session
        self._in_process = in_process
        self._began_at = trio.current_time()
        self._model: str | None = None
        self._arrivals: Arrivals | None = None
        """None before it has started, and where nobody waits for results."""
        self._stalled = False
        self._handed_on = False
        self._partial_at: float | None = None
        self._delays: deque[float] = deque(maxlen=MOST_DELAYS)

    @property
    def p95_delay_s(self) -> float | None:
        """What 95 in 100 of its latest finals came within, in seconds (nearest rank); None where it is not known."""
        delays = sorted(self._delays)
        return delays[-(-len(delays) * 95 // 100) - 1] if delays else None

    @property
    def dialect(self) -> str:
        """The label of its dialect, which the first frame may still decide."""
        return dialect_label(self._session.dialect, in_process=self._in_process)

    @property
    def snapshot(self) -> Snapshot:
        """What is known of it."""
        return self._session.snapshot

    @property
    def final_audio(self) -> SessionAudio:
        """Its audio once it has ended: what is in no final is lost, or another server's to hear again."""
        audio = audio_of(self.snapshot)
        undecided_s = max(0.0, audio.received_s - audio.committed_s - audio.lost_s)
        if self._handed_on:
            return audio._replace(handed_on_s=undecided_s)
        return audio._replace(lost_s=audio.lost_s + undecided_s)

    def gone(self) -> None:
        """Count its audio among that of the sessions that have ended."""
        self._instruments.left(self)

    def model_chosen(self, model: str) -> None:
        """Note which model answers."""
        self._model = self._instruments.model_label(model)

    def heard(self, event: ServerEvent, now: float) -> None:
        """Measure what the client did."""
        match event:
            case AudioReceived(end_sample=end) | AudioSkipped(end_sample=end):
                self._note_audio(end, now)
            case Started(config=config):
                if not config.endpointing.offline:
                    self._arrivals = Arrivals(config.audio.sample_rate)
                self._instruments.count("auricle_sessions_started_total", dialect=self.dialect)
                if config.timeline_origin is not None:
                    self._instruments.count("auricle_restarts_total")
            case Reconnected():
                self._instruments.count("auricle_resumes_total", outcome=_RESUMED)
            case SessionClosed():
                self._note_end(event, now)
            case _:
                pass

    def told(self, result: Result, now: float) -> None:
        """Measure what the client was told."""
        if self._model is None:
            return
        match result:
            case PartialResult():
                if self._partial_at is not None:
                    self._instruments.observe(
                        "auricle_partial_interval_seconds", now - self._partial_at, model=self._model
                    )
                self._partial_at = now
            case FinalResult():
                self._partial_at = None
                self._note_final(result, self._model, now)
            case _:
                pass

    def failed(self, code: str) -> None:
        """Count an error that has not ended the session."""
        self._instruments.count("auricle_session_errors_total", code=one_of(code, ERRORS), fatal="false")

    def _note_audio(self, end_sample: int, now: float) -> None:
        """For every frame of every session."""
        if self._arrivals is not None:
            self._arrivals.arrived(end_sample, now)
        s = self._session.snapshot
        stalled = self._session.reading_suspended if s.legacy else s.credit - s.received < s.rate * STALLED_S
        if stalled and not self._stalled:
            self._instruments.count("auricle_credit_stalls_total", dialect=self.dialect)
        self._stalled = stalled

    def _note_final(self, final: FinalResult, model: str, now: float) -> None:
        if final.doubtful:
            self._instruments.count("auricle_disbelieved_finals_total", model=model)
        if final.text:
            self._instruments.count("auricle_finals_total", model=model, reason=one_of(final.reason, FINAL_REASONS))
        if self._arrivals is None:
            return
        if final.text and final.reason not in SPEAKS_ON:
            arrived_at = self._arrivals.at(round(final.end_s * self._session.snapshot.rate))
            if arrived_at is not None:
                self._delays.append(max(0.0, now - arrived_at))
                self._instruments.observe("auricle_final_delay_seconds", self._delays[-1], model=model)
        self._arrivals.forget_before(final.end_sample)

    def _note_end(self, closed: SessionClosed, now: float) -> None:
        dialect, instruments = self.dialect, self._instruments
        self._handed_on = closed.error == HANDED_ON
        instruments.count("auricle_sessions_ended_total", dialect=dialect, reason=one_of(closed.reason, ENDINGS))
        if closed.error is not None:
            instruments.count("auricle_session_errors_total", code=one_of(closed.error, ERRORS), fatal="true")
        if closed.error in _NOT_RESUMED:
            instruments.count("auricle_resumes_total", outcome=closed.error)
        instruments.observe("auricle_session_seconds", now - self._began_at, dialect=dialect)
