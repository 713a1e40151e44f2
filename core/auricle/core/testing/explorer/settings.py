"""The bounds of each exploration, which keep its search finite."""

from dataclasses import dataclass
from typing import Final

from auricle.core.limits import Limits
from auricle.core.messages import Start
from auricle.core.parts import AudioFormat, Features
from auricle.core.snapshot import EndCode

RATE: Final = 8192
"""Sample rate of an exploration: a power of two, so that a number of samples is an exact number of seconds."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Bounds of one exploration. Counts are over the whole conversation."""

    name: str
    audio: int = 2
    """Samples the application offers; one audio frame holds one."""
    flushes: tuple[str, ...] = ()
    """Ids of flushes; those that begin with ``m`` only mark, and those that begin with ``e`` end the turn."""
    changes: int = 0
    gaps: int = 0
    cancel: bool = False
    abort: bool = False
    resume: bool = False
    """The server offers to resume."""
    declines: bool = False
    """A server that comes after the first one does not offer it."""
    partials: int = 0
    """Partials in a segment."""
    speech_events: bool = False
    turns: int = 0
    """The client wants turns; the engine promises an end until the server has said so many durable messages."""
    annotations: int = 0
    """The client wants to know who speaks; the engine says so until the server has said so many durable messages."""
    stops: tuple[EndCode, ...] = ()
    """Codes with which the server may end the input."""
    fail: bool = False
    segment_failures: int = 0
    cuts: int = 0
    """Connections that break: each side learns it later, and what is on its way may be lost."""
    silences: int = 0
    """Connections that fall silent: each side learns so only by its timers."""
    refusals: int = 0
    """Attempts to connect that fail, at once or by timeout."""
    restarts: int = 0
    """The server forgets everything."""
    no_return: bool = False
    """The server may void its resume tokens."""
    drains: int = 0
    """Times that the node with all sessions shuts down; whoever connects from then on reaches another one."""
    full: bool = False
    """A server may refuse a session before ``ready``, because it has no room."""
    expiries: int = 0
    """Times that a side stops waiting for a resume."""
    stalls: int = 0
    """Times that the engine stands still until the server gives it up."""
    hasty: int = 0
    """Times that a peer timeout fires although the peer is alive: a network slower than the timeouts."""
    wanted: bool = True
    """The client wants partials and speech events, where there are any."""
    most_failures: int = 3
    """Engine failures in a row that end the session."""
    acks: bool = True
    """The client wants acks."""
    chatty: bool = False
    """Keepalive: pings, and acks and ``loading`` without news."""
    prebuffer: int = 1
    window: int = 2
    fire_timers: int = 8

    def limits(self) -> Limits:
        """Return the limits of both sides: one sample is a unit of audio."""
        return Limits(
            prebuffer_s=self.prebuffer / RATE,
            window_s=self.window / RATE,
            ring_s=self.fire_timers / RATE,
            max_audio_s=1 / RATE,
            max_engine_failures=self.most_failures,
            session_max_s=100.0,
            load_timeout_s=60.0,
            stall_timeout_s=60.0,
        )

    def config(self) -> Start:
        """Return what the client says first."""
        features = Features(
            partials=self.wanted,
            speech_events=self.wanted,
            acks=self.acks,
            turns=self.turns > 0 and self.wanted,
            speakers=self.annotations > 0 and self.wanted,
        )
        return Start(audio=AudioFormat(sample_rate=RATE), features=features, resume=self.resume)


SMALL: Final = (
    Settings(name="credit", audio=3, window=1),
    Settings(name="no acks", audio=3, acks=False),
    Settings(name="a flush", audio=1, flushes=("f1",)),
    Settings(name="a marker", audio=1, flushes=("m1",)),
    Settings(name="a change", audio=1, changes=1),
    Settings(name="a gap", audio=1, gaps=1),
    Settings(name="partials", audio=1, partials=1),
    Settings(name="nothing wanted", audio=1, partials=1, speech_events=True, wanted=False),
    Settings(name="speech events", audio=1, speech_events=True),
    Settings(name="turns", audio=1, turns=3),
    Settings(name="turns that nobody wants", audio=1, turns=3, wanted=False),
    Settings(name="speakers", audio=2, annotations=4),
    Settings(name="speakers whom nobody wants", audio=1, annotations=3, wanted=False),
    Settings(name="a flush that ends the turn", audio=1, flushes=("e1",), turns=2),
    Settings(name="signs of life", audio=1, chatty=True),
    Settings(name="leaving", audio=1, cancel=True, abort=True),
    Settings(name="the server ends", audio=1, flushes=("f1",), stops=("shutdown",), fail=True),
    Settings(name="the server ends, with a change", audio=1, changes=1, stops=("session_limit",)),
    Settings(name="engine failures", audio=1, segment_failures=1, stalls=1),
    Settings(name="a last straw", audio=1, segment_failures=1, most_failures=1),
    Settings(name="a cut", audio=1, flushes=("f1",), resume=True, cuts=1),
    Settings(name="a lost resumed", audio=0, resume=True, cuts=2),
    Settings(name="silence", audio=1, resume=True, silences=1),
    Settings(name="two silences", audio=0, resume=True, silences=2),
    Settings(name="refused", audio=0, resume=True, cuts=1, refusals=1, expiries=1),
    Settings(name="restart", audio=1, resume=True, restarts=1),
    Settings(name="a second server that declines", audio=0, resume=True, restarts=1, declines=True, cuts=1),
    Settings(name="a drain", audio=1, resume=True, drains=1),
    Settings(name="a drain, and no resuming", audio=1, drains=1),
    Settings(name="two drains", audio=0, resume=True, drains=2),
    Settings(name="no room", audio=1, full=True),
    Settings(name="a cut, and no resuming", audio=1, cuts=1),
    Settings(name="leaving while away", audio=1, resume=True, cuts=1, cancel=True),
    Settings(name="a restart while leaving, without audio", audio=0, resume=True, restarts=1, cancel=True, abort=True),
    Settings(name="given up while away", audio=1, resume=True, cuts=1, expiries=1),
    Settings(name="nothing moves, behind little credit", audio=2, window=1, stalls=1),
    Settings(name="no return, without acks", audio=1, acks=False, prebuffer=0, resume=True, cuts=1, no_return=True),
)
"""Runs with the tests: a minute in all."""

LARGE: Final = (
    *SMALL,
    Settings(name="overtaking", audio=2, prebuffer=0, window=1, flushes=("f1",), changes=1),
    Settings(name="a cut and leaving", audio=1, cancel=True, abort=True, cuts=1),
    Settings(name="two samples and a flush", audio=2, flushes=("f1",)),
    Settings(name="two samples and a marker", audio=2, flushes=("m1",)),
    Settings(name="two samples and a change", audio=2, changes=1),
    Settings(name="two samples and a gap", audio=2, gaps=1),
    Settings(name="flush and marker", audio=1, flushes=("f1", "m1")),
    Settings(name="two samples and partials", audio=2, partials=1),
    Settings(name="two samples and failures", audio=2, segment_failures=1, stalls=1),
    Settings(name="a cut and a change", audio=1, changes=1, resume=True, cuts=1),
    Settings(name="a cut and a gap", audio=1, gaps=1, resume=True, cuts=1),
    Settings(name="two samples and a cut", audio=2, resume=True, cuts=1),
    Settings(name="two cuts", audio=1, resume=True, cuts=2),
    Settings(name="a cut and a restart", audio=1, resume=True, cuts=1, restarts=1, expiries=1),
    Settings(name="a cut while leaving", audio=1, resume=True, cuts=1, cancel=True, abort=True, stops=("shutdown",)),
    Settings(name="a cut, refused", audio=1, resume=True, cuts=1, refusals=1, expiries=1, restarts=1),
    Settings(name="a restart and failures", audio=1, resume=True, restarts=1, fail=True),
    Settings(name="a restart, the end told", audio=1, resume=True, restarts=1, stops=("shutdown",)),
    Settings(name="a restart with less audio kept", audio=2, resume=True, restarts=1, fire_timers=0),
    Settings(name="a restart with a gap", audio=1, gaps=1, resume=True, restarts=1, fire_timers=1),
    Settings(name="a restart while leaving", audio=1, resume=True, restarts=1, cancel=True, abort=True),
    Settings(name="a restart, a flush and a change", audio=1, flushes=("f1",), changes=1, resume=True, restarts=1),
    Settings(name="a cut, a flush, the end told", audio=1, flushes=("f1",), resume=True, cuts=1, stops=("shutdown",)),
    Settings(name="a cut and speech", audio=1, resume=True, cuts=1, partials=1, speech_events=True),
    Settings(name="no return", audio=1, resume=True, cuts=1, no_return=True),
    Settings(name="turns and a change", audio=1, changes=1, turns=2),
    Settings(name="turns and a cut", audio=1, turns=2, resume=True, cuts=1),
    Settings(name="turns and a restart", audio=1, turns=2, resume=True, restarts=1),
    Settings(name="speakers and a restart", audio=1, annotations=3, resume=True, restarts=1),
    Settings(name="turns and failures", audio=1, turns=3, segment_failures=1),
    Settings(name="turns and the server's end", audio=1, turns=3, stops=("shutdown",)),
    Settings(name="a second server that declines, with audio", audio=1, resume=True, restarts=1, declines=True, cuts=1),
    Settings(name="two silences, with audio", audio=1, resume=True, silences=2),
    Settings(name="nothing moves, behind credit", audio=3, window=1, stalls=1),
    Settings(name="nothing moves, with a cut", audio=1, resume=True, cuts=1, stalls=1),
    Settings(name="two restarts", audio=1, resume=True, restarts=2),
    Settings(name="a cut and failures", audio=1, resume=True, cuts=1, segment_failures=1, stalls=1, fail=True),
    Settings(name="a cut without acks", audio=3, acks=False, window=1, resume=True, cuts=1),
    Settings(name="a drain and a flush", audio=1, flushes=("f1",), resume=True, drains=1),
    Settings(name="a drain and a flush, and no resuming", audio=1, flushes=("f1",), drains=1),
    Settings(name="a drain and a change", audio=1, changes=1, resume=True, drains=1),
    Settings(name="a drain and a gap", audio=1, gaps=1, resume=True, drains=1, fire_timers=1),
    Settings(name="a drain and speech", audio=1, resume=True, drains=1, partials=1, speech_events=True),
    Settings(name="a drain and a cut", audio=1, resume=True, drains=1, cuts=1),
    Settings(name="a drain while leaving", audio=1, resume=True, drains=1, cancel=True, abort=True),
    Settings(name="a drain, and no room", audio=1, resume=True, drains=1, full=True),
    Settings(name="a drain with two samples", audio=2, resume=True, drains=1),
    Settings(name="a drain and less audio kept", audio=2, resume=True, drains=1, fire_timers=0),
    Settings(name="no room, and a cut", audio=1, resume=True, full=True, cuts=1),
    Settings(name="hasty", audio=1, resume=True, hasty=2),
)
"""One command, and a quarter of an hour on one core: millions of joint states."""

NAMED: Final = {"small": SMALL, "large": LARGE}
