"""What may happen in one exploration: how much of everything, so that the search ends."""

from dataclasses import dataclass
from typing import Final

from auricle.core.limits import Limits
from auricle.core.messages import Start
from auricle.core.parts import AudioFormat, Features

RATE: Final = 8192
"""Sample rate of an exploration: a power of two, so that a number of samples is an exact number of seconds."""


def _limits(prebuffer: int, window: int, ring: int) -> Limits:
    """Limits in which one sample is a unit of audio."""
    return Limits(prebuffer_s=prebuffer / RATE, window_s=window / RATE, ring_s=ring / RATE, max_audio_s=1 / RATE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Bounds of one exploration. Counts are over the whole conversation."""

    name: str
    audio: int = 2
    """Samples the application offers; one audio frame holds one."""
    flushes: tuple[str, ...] = ()
    """Ids of flushes; those that begin with ``m`` only mark."""
    changes: int = 0
    gaps: int = 0
    cancel: bool = False
    abort: bool = False
    resume: bool = False
    """The server offers to resume."""
    partials: int = 0
    """Partials in a segment."""
    speech_events: bool = False
    stops: tuple[str, ...] = ()
    """Codes with which the server may end the input."""
    fail: bool = False
    segment_failures: int = 0
    cuts: int = 0
    """Connections that break: each side learns it later, and what is on its way may be lost."""
    silences: int = 0
    """Connections that fall silent: nobody learns anything but by its timers."""
    refusals: int = 0
    """Attempts to connect that fail, at once or by timeout."""
    restarts: int = 0
    """The server forgets everything."""
    expiries: int = 0
    """Times that a side does not wait any longer for the other to come back."""
    stalls: int = 0
    """Times that the engine stands still until the server gives it up."""
    hasty: bool = False
    """Verdict timers fire also where a healthy peer would have been heard: a network slower than every timeout."""
    acks: bool = True
    """The client wants acks."""
    chatty: bool = False
    """Signs of life: pings, and acks and loading that tell nothing but that somebody is there."""
    prebuffer: int = 1
    window: int = 2
    ring: int = 8

    def limits(self) -> Limits:
        """Return the limits of both sides."""
        return _limits(self.prebuffer, self.window, self.ring)

    def config(self) -> Start:
        """Return what the client says first."""
        features = Features(partials=self.partials > 0, speech_events=self.speech_events, acks=self.acks)
        return Start(audio=AudioFormat(sample_rate=RATE), features=features, resume=self.resume)


SMALL: Final = (
    Settings(name="a flush", audio=2, flushes=("f1",)),
    Settings(name="a marker", audio=2, flushes=("m1",)),
    Settings(name="a change", audio=2, changes=1),
    Settings(name="a gap", audio=2, gaps=1),
    Settings(name="flush and marker", audio=1, flushes=("f1", "m1")),
    Settings(name="partials", audio=2, partials=1),
    Settings(name="speech events", audio=1, speech_events=True),
    Settings(name="signs of life", audio=1, chatty=True),
    Settings(name="no acks", audio=3, acks=False),
    Settings(name="a lost resumed", audio=0, resume=True, cuts=2),
    Settings(name="leaving", audio=1, cancel=True, abort=True, cuts=1),
    Settings(name="the server ends", audio=1, flushes=("f1",), stops=("shutdown",), fail=True),
    Settings(name="engine failures", audio=2, segment_failures=1, stalls=1),
    Settings(name="one cut", audio=1, flushes=("f1",), resume=True, cuts=1),
    Settings(name="silence", audio=1, resume=True, silences=1),
    Settings(name="restart", audio=1, resume=True, restarts=1),
)

LARGE: Final = (
    *SMALL,
    Settings(name="two cuts", audio=2, flushes=("f1",), resume=True, cuts=2),
    Settings(name="cut, two flushes and a change", audio=2, flushes=("f1", "m1"), changes=1, resume=True, cuts=1),
    Settings(name="cut and restart", audio=2, flushes=("f1",), resume=True, cuts=1, restarts=1, expiries=1),
    Settings(name="hasty", audio=1, flushes=("f1",), resume=True, cuts=1, hasty=True, expiries=1),
    Settings(name="cut while leaving", audio=1, resume=True, cuts=1, cancel=True, abort=True, stops=("shutdown",)),
    Settings(name="refused", audio=1, resume=True, cuts=1, refusals=1, expiries=1, restarts=1),
)

NAMED: Final = {"small": SMALL, "large": LARGE}
