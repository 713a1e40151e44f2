"""What an engine may say in a joint state about the audio and about turns, and what it must answer."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from auricle.core.parts import SpeakerSpan, TurnTrigger
from auricle.core.snapshot import Snapshot
from auricle.core.states import State
from auricle.core.testing.explorer.endpoints import NOW, Server
from auricle.core.testing.explorer.move import Move, Verb
from auricle.core.testing.explorer.settings import Settings

Action = tuple[Move, Any, Verb]
"""The move, the key of its step, and the call."""
SOMEBODY: Final = (SpeakerSpan(speaker="A", start=0.0, end=0.0),)
TRIGGERS: Final[tuple[TurnTrigger, ...]] = ("model", "timeout")
"""One that needs a promise, and one that does not."""


def said(settings: Settings, s: Snapshot) -> Iterator[Action]:
    """Yield what the engine of an open session may say."""
    yield from _results(settings, s)
    yield from _speakers(settings, s)
    yield from _turns(settings, s)
    yield from _answers(s)


def _results(settings: Settings, s: Snapshot) -> Iterator[Action]:
    if s.state in (State.CONNECTING, State.READY) or s.committed >= s.received:
        return
    if settings.speech_events and s.speaking_since is None and s.speech_at <= s.committed:
        at = s.committed
        yield Move("engine", "speech_start", fair=False), ("speech_start",), lambda v: v.speech_start(at, now=NOW)
    if s.rev < settings.partials:
        text = "a b"[: 1 + 2 * s.rev]
        yield (
            Move("engine", f"partial {text!r}", fair=False),
            ("partial", text),
            lambda v: v.partial(text, start_s=0.0, end_s=0.0, stable=1, now=NOW),
        )
    for end in range(s.committed + 1, s.received + 1):
        yield Move("engine", f"final to {end}", fair=False), ("final", end), _final_to(end)
        if s.dropped < settings.segment_failures:
            yield (
                Move("engine", f"segment_failed to {end}", fair=False),
                ("failed", end),
                partial(Server.segment_failed, end_sample=end, why="a fault", now=NOW),
            )


def _speakers(settings: Settings, s: Snapshot) -> Iterator[Action]:
    """Yield that somebody speaks in the first segment of the session, or in the last one that has a final."""
    first = s.config.segment_origin or 0
    if s.state in (State.CONNECTING, State.READY) or s.seq >= settings.annotations:
        return
    for segment in sorted({first, s.segment - 1}) if s.segment > first else ():
        verb = partial(Server.annotate, segment=segment, speakers=SOMEBODY, now=NOW)
        yield Move("engine", f"annotate {segment}", fair=False), ("annotate", segment), verb


def _turns(settings: Settings, s: Snapshot) -> Iterator[Action]:
    """Yield what an engine may say about the end of a turn: promises that hold, others that do not, and ends."""
    if not settings.turns or s.state in (State.CONNECTING, State.READY):
        return
    at, has_finals = s.received, s.segment > s.turn.first
    open_texts = ("a b", "a") if s.committed < s.received else ()
    for text in (*open_texts, None) if has_finals else open_texts:
        if s.seq < settings.turns:
            verb = partial(Server.turn_maybe_end, open_text=text, at_sample=at, now=NOW)
            yield Move("engine", f"turn_maybe_end {text!r}", fair=False), ("maybe", text), verb
    if s.turn.maybe is not None:
        yield (
            Move("engine", "turn_resumed", fair=False),
            ("resumed",),
            partial(Server.turn_resumed, at_sample=at, now=NOW),
        )
    for trigger in TRIGGERS if has_finals else ():
        verb = partial(Server.turn_end, trigger=trigger, at_sample=at, now=NOW)
        yield Move("engine", f"turn_end {trigger}", fair=False), ("turn_end", trigger), verb


def _final_to(end: int) -> Verb:
    return lambda v: v.final("a b", end_sample=end, start_s=0.0, end_s=0.0, confidence=1.0, reason="endpoint", now=NOW)


def _answers(s: Snapshot) -> Iterator[Action]:
    """Yield the answers of an engine: in the order of positions, the final before the answer."""
    asked = next((flush for flush in s.flushes if flush.awaited), None)
    change = s.changes[0] if s.changes else None
    if s.speaking_since is not None:
        at = s.received
        yield Move("engine", "speech_end", fair=True), ("speech_end",), lambda v: v.speech_end(at, now=NOW)
    if asked is not None and (change is None or asked.at <= change.at):
        upto = max(asked.at, s.committed)
        yield (
            Move("engine", f"flushed {asked.id}", fair=True),
            ("flushed", asked.id, upto),
            lambda v: v.flushed(asked.id, upto, now=NOW),
        )
    if change is not None and (asked is None or change.at <= asked.at):
        yield (
            Move("engine", f"configured {change.id}", fair=True),
            ("configured", change.id),
            lambda v: v.configured(change.id, now=NOW),
        )
