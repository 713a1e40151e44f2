"""What a server says about turns: a ``turn_end`` has the text that was promised, or the promise is taken back first.

An engine says what it finds; the promise (O11) is kept here, whatever becomes of the finals meanwhile.
"""

from dataclasses import replace

from auricle.core.draft import Draft
from auricle.core.effect_function import for_message
from auricle.core.guarantees import check_turn_end, check_turn_maybe_end, check_turn_resumed
from auricle.core.messages import ErrorMessage, TurnEnd, TurnMaybeEnd, TurnResumed
from auricle.core.messages import Final as FinalMessage
from auricle.core.parts import TurnTrigger
from auricle.core.snapshot import Snapshot
from auricle.core.turn import LONGEST_TEXT, UNPROMISED, joined

# ---------------------------------------------------------------------------- messages


def maybe_end_of(s: Snapshot, open_text: str | None, at_sample: int, confidence: float | None) -> TurnMaybeEnd:
    """Return the message that the turn is perhaps over, with the finals so far.

    ``open_text`` is what the final of the open segment will be; None: nothing is open.
    """
    at = _position(s, at_sample)
    return TurnMaybeEnd(
        seq=s.seq + 1,
        turn=s.turn.number,
        segments=(s.turn.first, s.segment if open_text is not None else _last(s)),
        text=joined(s.turn.text, open_text or ""),
        at=at,
        time=_time(s, at),
        confidence=confidence,
    )


def resumed_of(s: Snapshot, at_sample: int) -> TurnResumed:
    """Return the message that the turn goes on."""
    at = _position(s, at_sample)
    return TurnResumed(seq=s.seq + 1, turn=s.turn.number, at=at, time=_time(s, at))


def end_of(s: Snapshot, at_sample: int, trigger: TurnTrigger, confidence: float | None = None) -> TurnEnd:
    """Return the message that the turn of the finals so far is over."""
    at = _position(s, at_sample)
    return TurnEnd(
        seq=s.seq + 1,
        turn=s.turn.number,
        segments=(s.turn.first, _last(s)),
        text=s.turn.text,
        at=at,
        time=_time(s, at),
        trigger=trigger,
        confidence=confidence,
    )


def _last(s: Snapshot) -> int:
    return max(s.turn.first, s.segment - 1)


def _position(s: Snapshot, at_sample: int) -> int:
    """Return a position that does not go back, within the audio."""
    return min(max(s.turn.at, at_sample), s.sent)


def _time(s: Snapshot, at: int) -> float:
    return round(s.seconds(at), 3)


# ---------------------------------------------------------------------------- effects


@for_message(TurnMaybeEnd)
def say_maybe_end(draft: Draft, message: TurnMaybeEnd) -> None:
    """Say that the turn is perhaps over. Another text that was promised before is taken back first."""
    if draft.s.turn.maybe is not None:
        _take_back(draft, message.at)
    _promise(draft, message)


@for_message(TurnEnd)
def say_end(draft: Draft, message: TurnEnd) -> None:
    """Say that the turn is over."""
    _end(draft, message)


@for_message(FinalMessage)
def settle_with_final(draft: Draft, _: FinalMessage) -> None:
    """Take a promise back that the finals do not keep; end a turn that has become too long."""
    s, maybe = draft.s, draft.s.turn.maybe
    if maybe is not None and maybe.last < s.segment and maybe.text != s.turn.text:
        _take_back(draft, s.turn.at)
    if len(s.turn.text) > LONGEST_TEXT:
        end_turn(draft, "timeout")


@for_message(ErrorMessage)
def settle_with_loss(draft: Draft, error: ErrorMessage) -> None:
    """Take a promise back about a segment that is lost."""
    s, maybe = draft.s, draft.s.turn.maybe
    if error.audio is not None and maybe is not None and maybe.last == s.segment:
        _take_back(draft, s.turn.at)


def end_turn(draft: Draft, trigger: TurnTrigger) -> None:
    """Say that the open turn is over, where turns are told and there is a final in it."""
    s = draft.s
    if s.tells_turns and s.segment > s.turn.first:
        _end(draft, end_of(s, s.turn.spoken_until, trigger))


def _end(draft: Draft, message: TurnEnd) -> None:
    """Take back a promise that is not kept, make one where there must be one, and say that the turn is over."""
    maybe = draft.s.turn.maybe
    if maybe is not None and maybe.text != message.text:
        _take_back(draft, message.at)
    if draft.s.turn.maybe is None and message.trigger not in UNPROMISED:
        _promise(draft, maybe_end_of(draft.s, None, message.at, message.confidence))
    message = replace(message, seq=draft.s.seq + 1)
    check_turn_end(draft, message)
    draft.send(message)


def _promise(draft: Draft, message: TurnMaybeEnd) -> None:
    message = replace(message, seq=draft.s.seq + 1)
    check_turn_maybe_end(draft, message)
    draft.send(message)


def _take_back(draft: Draft, at_sample: int) -> None:
    message = resumed_of(draft.s, at_sample)
    check_turn_resumed(draft, message)
    draft.send(message)
