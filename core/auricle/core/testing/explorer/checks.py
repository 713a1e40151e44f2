"""The invariants of every step, of the client's events, and of every joint state.

=====  ==========================================================================  ====================================
Rule   What is checked                                                             Where
=====  ==========================================================================  ====================================
O1     ``seq`` of what a client receives grows by one; ready first                the core itself, via I8
O2     one ``closed``, nothing said after it                                       `step_of_server`
O3     finals count up and tile the audio                                          `_final`
O4     what is told later is about a final                                           `_seen_event`
O6     one answer for each flush, after everything before it is decided            `_answer`
O7     one answer for each change, at its position                                 `_answer`
O8     ``input_ended`` once for each session                                       `_seen_event`
O9     ``completed``: everything is committed and every flush answered             `_check_closed`
O11    a turn is its finals, and what was promised                                 `_turn_end`
O10    after a fatal error, ``closed`` with ``complete`` false                     `step_of_server`
O12    watermarks in order and monotone                                            `step_of_server`, `step_of_client`
O5     partials of the open segment                                                the core itself, via I8
O13    audio arrives where it was meant                                            `arrives_in_place`
I1     nothing that is heard raises                                                `step_cache.StepCache._run`
I2     a refused verb changes nothing                                              `step_cache.StepCache._run`
I3     exactly one terminal event, and it is the last                              `_one_ending`
I4     finals are a gapless prefix                                                 `_final`
I5     all finals have come when the session is complete                           `_check_closed`
I6     ``complete`` exactly when nothing is lost                                   `_check_closed`
I7     samples: offered = sent + waiting; nothing skipped, nothing twice           `arrives_in_place`, `step_of_client`
I8     what is legal at send is no violation at receipt                            `_not_accused`
I9     from everywhere fair delivery and time lead to the end                      `liveness`
I10    timers move on when they fire: never hot                                    `timers_are_not_hot`
I12    bounded memory: outboxes, credit                                            `step_of_client`, `step_of_server`
I13    a cut changes nothing but time: the same checks hold after it               all of these, with cuts
I14    from every snapshot an ending can be built                                  `alone`
I15    from every snapshot time alone leads to the end within a stated bound       `alone`
I16    the attachment is one that goes with the state; a token where it says so    `_attachment`
=====  ==========================================================================  ====================================

I11 is about bytes: other tests hold it.
"""

from typing import Any, Final, NamedTuple

from auricle.core import timers
from auricle.core.events import Restarted, SessionClosed
from auricle.core.guards import ELSEWHERE
from auricle.core.machine import step
from auricle.core.messages import (
    Annotate,
    Closed,
    Configured,
    Durable,
    ErrorMessage,
    Flushed,
    InputEnded,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
    WarningMessage,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Emit, Transmit
from auricle.core.rules.attachment import TOGETHER, WITH_TOKEN
from auricle.core.session import Outputs
from auricle.core.snapshot import Snapshot
from auricle.core.states import PEER_TIMEOUTS, Kind, State
from auricle.core.stimuli import Local
from auricle.core.testing.explorer.joint_state import Fault


class InvariantBroken(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, why: str) -> None:
        super().__init__(f"{invariant}: {why}")
        self.invariant = invariant


def require(condition: object, invariant: str, why: str) -> None:
    """Raise `InvariantBroken` unless ``condition``."""
    if not condition:
        raise InvariantBroken(invariant, why)


class Observed(NamedTuple):
    """What the client's events have shown so far. Positions are samples."""

    finals: int = 0
    covered: int = 0
    """Everything before this sample is accounted for by events."""
    dropped: int = 0
    """Samples reported as lost."""
    asked: tuple[tuple[str, int], ...] = ()
    """Flushes and changes without an answer, with their positions."""
    input_ended: bool = False
    turn: tuple[str, ...] = ()
    """The texts of the finals since the last turn."""
    promised: str | None = None
    """What the last ``turn_maybe_end`` said, until it is taken back."""
    closed: SessionClosed | None = None


HONEST_ERRORS: Final = frozenset(
    {
        "internal",
        "shutdown",
        "idle",
        "drain_timeout",
        "hello_timeout",
        "engine_failed",
        "session_gone",
        "engine_unavailable",
        "capacity",
    }
)
"""Fatal errors between two correct sides; every other says that one of them was not."""
HONEST_REFUSALS: Final = frozenset({"engine_failed", "invalid_state", "rate_limited"})
"""Errors that are not fatal, between the same: a change may cross the server's end of the input."""
DISHONEST_WARNINGS: Final = frozenset({"audio_count_mismatch", "odd_bytes_dropped", "unknown_type"})
HOT: Final = 100


# ---------------------------------------------------------------------------- one step of one side


def step_of_client(before: Snapshot, after: Snapshot, outputs: Outputs) -> None:
    """Check what holds of every step of a client."""
    _one_ending(before, outputs)
    _attachment(after)
    _not_accused(outputs)
    require(after.sent <= after.offered, "I7", f"{after.sent} sent of {after.offered} offered")
    require(after.committed <= after.processed <= after.received, "O12", "a client's watermarks are out of order")
    require(len(after.outbox) <= len(after.flushes) + len(after.changes) + 1, "I12", "the outbox grows")
    require(after.outbox_sent <= len(after.outbox) or after.cancelled, "I12", "more is posted than there is")
    require(after.sent <= max(after.credit, before.sent), "O12", "audio is sent beyond the credit")
    if after.started and before.started:
        require(after.credit >= before.credit, "O12", "the client's credit went back")


def step_of_server(before: Snapshot, after: Snapshot, outputs: Outputs) -> None:
    """Check what holds of every step of a server session."""
    _one_ending(before, outputs)
    _attachment(after)
    said = [output.message for output in outputs if isinstance(output, Transmit)]
    fresh = [message for message in said if isinstance(message, Durable) and message.seq > before.seq]
    require([m.seq for m in fresh] == sorted({m.seq for m in fresh}), "O1", "seq is not in order")
    if before.state is State.CLOSED:
        require(not fresh, "O2", f"said after closed: {[message.type for message in fresh]}")
        require(after.seq == before.seq, "O2", "something durable happened after closed")
    for message in fresh:
        match message:
            case ErrorMessage(fatal=True, code=code):
                require(code in HONEST_ERRORS, "I8", f"the server accuses a correct client: {code}, {message.message}")
                require(isinstance(fresh[-1], Closed) and not fresh[-1].complete, "O10", "a fatal error without closed")
            case ErrorMessage(code=code):
                require(code in HONEST_REFUSALS, "I8", f"the server refuses: {code}, {message.message}")
            case WarningMessage(code=code):
                require(code not in DISHONEST_WARNINGS, "I8", f"the server warns: {code}, {message.message}")
            case Closed():
                require(message is fresh[-1], "O2", "closed is not the last")
            case _:
                pass
    marks = (after.committed, after.processed, after.received, after.credit)
    require(marks == tuple(sorted(marks)) or not after.started, "O12", f"watermarks are out of order: {marks}")
    if before.started:
        for name in ("committed", "processed", "received", "credit", "seq"):
            require(getattr(after, name) >= getattr(before, name), "O12", f"{name} went back")
    credit = after.origin + max(after.samples(after.limits.prebuffer_s), after.samples(after.limits.window_s))
    require(after.credit <= credit + after.processed - after.origin, "I12", "more credit than the window")


def only_the_engine_decides(before: Snapshot, after: Snapshot) -> None:
    """I6: only the engine moves ``processed`` and ``committed``; only ``start`` sets where both begin."""
    if before.started:
        require(after.processed == before.processed, "I6", "audio counts as heard that the engine has not heard")
        # A flush with nothing to decide commits nothing either: everything before it is committed.
        require(after.committed == before.committed, "I6", "audio counts as decided that the engine has not decided")


def _one_ending(before: Snapshot, outputs: Outputs) -> None:
    """I3: exactly one terminal event, and it is the last."""
    events = [output.event for output in outputs if isinstance(output, Emit)]
    if before.closed is not None:
        require(not events, "I3", f"{type(events[0]).__name__ if events else ''} after the terminal event")
    endings = [event for event in events if isinstance(event, SessionClosed)]
    require(len(endings) <= 1, "I3", "two terminal events")
    require(not endings or events[-1] is endings[0], "I3", "the terminal event is not the last")


def _attachment(s: Snapshot) -> None:
    """I16: the attachment goes with the state, and an open session has a token where its attachment says so."""
    at = f"a {s.role.value} is {s.state.value} and {s.attachment.value}"
    require(s.attachment in TOGETHER[s.role][s.state], "I16", at)
    token = s.recovery.token is not None
    if s.state is not State.CLOSED:
        require(token == (s.attachment in WITH_TOKEN), "I16", f"{at} {'with' if token else 'without'} a token")
    elif s.attachment in WITH_TOKEN:
        require(token, "I16", f"{at} without a token")


def _not_accused(outputs: Outputs) -> None:
    """I8: a client never finds that a correct server has broken the protocol."""
    for output in outputs:
        if isinstance(output, Emit) and isinstance(output.event, SessionClosed):
            require(output.event.reason != "violation", "I8", f"the client accuses: {output.event.message}")


def timers_are_not_hot(s: Snapshot) -> None:
    """I10: a timer that fires moves its deadline into the future or removes it, late or not."""
    for late_s in (0.0, timers.LATE_TIMER_S * 2):
        deadline = timers.next_deadline(s)
        if deadline is None:
            return
        at, after = deadline.at + late_s, s
        for _ in range(HOT):
            due = timers.next_deadline(after)
            if due is None or due.at > at:
                break
            kind = due.kind
            if kind in PEER_TIMEOUTS and at - due.at > timers.LATE_TIMER_S:
                kind = Kind.TIMER_LATE
            try:
                after, _outputs = step(after, Local(kind=kind), now=at)
            except Exception as escaped:
                raise InvariantBroken("I10", f"{kind.name} raises when it fires: {escaped}") from escaped
        else:
            raise InvariantBroken("I10", f"{deadline.kind.name} or what follows it fires for ever")


def arrives_in_place(start: int, sent: int) -> None:
    """I7, O13: the next audio that a server receives is the next of its timeline."""
    require(start == sent, "I7", f"audio meant for {start} is heard at {sent}")


# ---------------------------------------------------------------------------- the events of the client


def ask(seen: Observed, asked_id: str, at: int) -> Observed:
    """Return the observations after the application asked for a flush or a change."""
    return seen._replace(asked=(*seen.asked, (asked_id, at)))


def observe(seen: Observed, events: tuple[Any, ...], client: Snapshot) -> Observed:
    """Check events; return the observations after them."""
    for event in events:
        require(seen.closed is None, "I3", f"{type(event).__name__} after the terminal event")
        seen = _seen_event(seen, event, client)
    return seen


def _seen_event(seen: Observed, event: Any, client: Snapshot) -> Observed:
    match event:
        case FinalMessage():
            return _final(seen, event)
        case Flushed(id=asked_id, upto=position) | Configured(id=asked_id, from_=position):
            return _answer(seen, asked_id, position)
        case ErrorMessage(audio=(begin, end)):
            require(begin == seen.covered, "O3", f"audio lost from {begin}, but {seen.covered} is covered")
            return seen._replace(covered=end, dropped=seen.dropped + end - begin)
        case ErrorMessage(ref=str(asked_id)):
            return _answer(seen, asked_id, seen.covered)
        case InputEnded():
            require(not seen.input_ended, "O8", "input_ended twice")
            return seen._replace(input_ended=True)
        case Restarted(origin_sample=origin, lost_samples=lost):
            require(origin - lost == seen.covered, "I4", f"a new session from {origin}, but {seen.covered} is covered")
            return seen._replace(covered=origin, dropped=seen.dropped + lost, input_ended=False, turn=(), promised=None)
        case Annotate(segment=segment):
            require(segment < seen.finals, "O4", f"segment {segment} is annotated, which has no final")
            return seen
        case TurnMaybeEnd(text=text):
            require(seen.promised is None, "O11", "the end of a turn is promised twice")
            return seen._replace(promised=text)
        case TurnResumed():
            require(seen.promised is not None, "O11", "what was not promised is taken back")
            return seen._replace(promised=None)
        case TurnEnd():
            return _turn_end(seen, event)
        case SessionClosed():
            return seen._replace(closed=_check_closed(seen, event, client))
        case _:
            return seen


def _final(seen: Observed, final: FinalMessage) -> Observed:
    """I4: finals are a gapless prefix, and their audio begins where the covered audio ends (O3)."""
    require(final.segment == seen.finals, "I4", f"final {final.segment} after {seen.finals} finals")
    begin, end = final.audio
    require(begin == seen.covered < end, "O3", f"a final of {begin}-{end}, but {seen.covered} is covered")
    return seen._replace(finals=seen.finals + 1, covered=end, turn=(*seen.turn, final.text))


def _turn_end(seen: Observed, end: TurnEnd) -> Observed:
    """O11: the finals since the last turn, each of them, and just what was promised last."""
    require(end.text == " ".join(seen.turn), "O11", f"a turn of {end.text!r}, but the finals are {seen.turn}")
    require(end.segments == (seen.finals - len(seen.turn), seen.finals - 1), "O11", f"segments {end.segments}")
    promised = end.text if seen.promised is None and end.trigger in ("manual", "timeout") else seen.promised
    require(end.text == promised, "O11", f"a turn of {end.text!r}, but {seen.promised!r} was promised")
    return seen._replace(turn=(), promised=None)


def _answer(seen: Observed, asked_id: str, position: int) -> Observed:
    """O6, O7: one answer for each, and everything before it is decided."""
    at = dict(seen.asked).get(asked_id)
    require(at is not None, "O6", f"{asked_id!r} is answered twice, or was never asked")
    assert at is not None
    require(position >= at or position == seen.covered, "O6", f"{asked_id!r} at {at} is answered up to {position}")
    asked = tuple(pair for pair in seen.asked if pair[0] != asked_id)
    return seen._replace(asked=asked, covered=max(seen.covered, position))


def _check_closed(seen: Observed, closed: SessionClosed, client: Snapshot) -> SessionClosed:
    """I6, O9: ``complete`` is said exactly when nothing is lost."""
    if closed.complete:
        require(not seen.asked, "O9", f"complete, but {seen.asked} is unanswered")
        require(not seen.dropped, "I6", f"complete, but {seen.dropped} samples are lost")
        require(closed.accounting.segments == seen.finals, "I5", "complete, but finals are missing")
        require(not (seen.turn and client.tells_turns), "O11", "complete, but the last turn has not ended")
        require(client.committed == client.offered, "I6", "complete, but not everything is committed")
    elif closed.reason == "completed":
        require(seen.dropped, "I6", f"nothing is lost, but it is not complete: {closed.message}")
    return closed


_NO_NETWORK: Final = frozenset({Fault.STOP, Fault.FAIL, Fault.STALL, Fault.DRAIN, Fault.FULL})
"""Faults after which every message still arrives."""


def ends_for_a_reason(closed: SessionClosed, spent: tuple[int, ...], client: Snapshot) -> None:
    """A session ends otherwise than completed only after a fault or a verb that explains it."""
    honest = {"completed"}
    if client.cancelled:
        honest.add("cancelled")
    trouble = any(spent[fault] for fault in Fault if fault not in _NO_NETWORK)
    if trouble or (spent[Fault.DRAIN] and client.cancelled):
        honest |= {"lost", "timeout"}
    if spent[Fault.DRAIN] and not can_go_on(client):
        honest.add("shutdown")
    if spent[Fault.FULL] and client.cancelled:
        honest.add("error")
    if spent[Fault.STALL]:
        honest.add("timeout")
    if spent[Fault.STOP]:
        honest.add("shutdown")
        honest.add("session_limit")
        honest.add("idle")
    if spent[Fault.FAIL] or spent[Fault.STALL] or closed.error == "engine_failed":
        honest.add("error")
    if spent[Fault.HASTE]:
        honest |= {"error", "idle"}
    require(closed.reason in honest or closed.reason == "aborted", "I6", f"ended as {closed.reason}: {closed.message}")
    if closed.reason in ("lost", "timeout") and not client.cancelled:
        _is_lost_for_a_reason(closed, spent, client)


def _is_lost_for_a_reason(closed: SessionClosed, spent: tuple[int, ...], client: Snapshot) -> None:
    """I13: a session that could be resumed or restarted is not lost."""
    impatient = any(spent[fault] for fault in (Fault.REFUSAL, Fault.EXPIRY, Fault.HASTE))
    # A server that is silent before it is ready is not there for anybody.
    impatient = impatient or (not client.recovery.session and closed.error in ("ready_timeout", "connect_timeout"))
    # Nothing has moved for as long as the server had asked for: another connection would not help.
    suspicious = bool(spent[Fault.STALL]) and closed.error in ("drain_timeout", "ready_timeout")
    # A session that the server had ended is not begun anew where the server lost it: its input is not ours to say.
    ended = spent[Fault.RESTART] and client.end_code is not None
    require(
        not can_go_on(client) or impatient or suspicious or ended,
        "I13",
        f"what could go on elsewhere is lost: {closed.message}",
    )


def can_go_on(client: Snapshot) -> bool:
    """Whether a client can go on with another server: it may resume, or none was begun or refused for good."""
    refused_for_good = client.error is not None and client.error[0] not in ELSEWHERE
    before_ready = not client.recovery.session and not refused_for_good
    return (client.recovery.token is not None or before_ready) and not client.cancelled


def asks_no_more_than_needed(born: int, spent: tuple[int, ...]) -> None:
    """I12: at most one resume and one restart for each fault."""
    require(born <= 1 + 2 * sum(spent), "I12", f"the server was asked for {born} sessions")


def has_reason_to_restart(spent: tuple[int, ...]) -> None:
    """I13: a session is restarted only where the server lost it, not where a connection broke."""
    reasons = (Fault.RESTART, Fault.EXPIRY, Fault.REFUSAL, Fault.HASTE, Fault.DRAIN)
    require(any(spent[fault] for fault in reasons), "I13", "the server has forgotten a session it promised to keep")


def agrees_on_completeness(client: Snapshot, server: Snapshot) -> None:
    """I6: a client that reports ``complete`` has everything that its server has sent."""
    require(client.closed is not None, "I6", "not closed")
    require(server.received == client.offered, "I6", f"complete, but {server.received} of {client.offered} received")
    require(server.committed == client.offered, "I6", "complete, but the server has not committed everything")
    require(server.segment == client.segment, "I5", f"complete with {client.segment} of {server.segment} finals")
