"""`step`: the one function that moves a conversation. Pure: same snapshot, stimulus and time, same result."""

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.effects import EFFECTS
from auricle.core.errors import Breach, LocalProtocolError
from auricle.core.guards import GUARDS
from auricle.core.messages import Cancel, Durable, Malformed, Ping, Unknown
from auricle.core.outcomes import Ignore, Outcome, Rule, Violation
from auricle.core.outputs import RawOutput
from auricle.core.rules import AFTER_VIOLATION, TABLE
from auricle.core.snapshot import Snapshot
from auricle.core.states import VERDICTS, Kind, Role, Side, State
from auricle.core.stimuli import Hear, Local, Stimulus, classify


def step(snapshot: Snapshot, stimulus: Stimulus, *, now: float) -> tuple[Snapshot, tuple[RawOutput, ...]]:
    """Return the snapshot after a stimulus at ``now`` (seconds, monotonic) and what is to be done about it.

    Raises `LocalProtocolError` when our own side asked for what is not legal; whatever the peer says never raises.
    Either way the given snapshot is unchanged, and nothing is half done.
    """
    side, kind = classify(stimulus)
    try:
        draft = _apply(snapshot, stimulus, side, kind, now)
    except Breach as breach:
        if side is not Side.HEAR and kind not in VERDICTS:
            raise LocalProtocolError(breach.why) from None
        draft = endings.convict(snapshot, now, breach.code, breach.why, param=breach.param)
        draft.update(state=AFTER_VIOLATION)
    _follow_up(draft)
    return draft.s, tuple(draft.outputs)


def _apply(snapshot: Snapshot, stimulus: Stimulus, side: Side, kind: Kind, now: float) -> Draft:
    draft = Draft(snapshot, now)
    if side is Side.HEAR:
        _listen(draft, stimulus)
    outcome = _decide(draft.s, stimulus, side, kind)
    match outcome:
        case Rule(effects=effects, next=next_state):
            for effect in effects:
                EFFECTS[snapshot.role][effect](draft, stimulus)
            if next_state is not None:
                draft.update(state=next_state)
        case Ignore():
            pass
        case Violation(code=code, why=why):
            raise _breach(code, why, stimulus)
    return draft


def _listen(draft: Draft, stimulus: Stimulus) -> None:
    """Anything heard is a sign of life; anything durable is counted, known or not (O1, wire-protocols §3.10)."""
    assert isinstance(stimulus, Hear)
    if draft.s.state is State.CLOSED:
        return
    draft.update(heard_at=draft.now)
    if draft.s.recovery.previous is not None and not isinstance(stimulus.message, Ping | Cancel):
        # Only a client that has heard ``resumed`` speaks again: it has its new token, the old one is used up.
        draft.recover(previous=None)
    match stimulus.message:
        case Durable() if draft.s.recovery.gated:
            pass  # not of our session: who refuses a resume numbers what it says from 1
        case Durable(seq=seq):
            draft.count(seq)
        case Unknown(seq=int(seq)) if draft.s.role is Role.CLIENT:
            draft.count(seq)
        case _:
            pass


def _decide(s: Snapshot, stimulus: Stimulus, side: Side, kind: Kind) -> Outcome:
    try:
        cell = TABLE[s.role, side][kind][s.state]
    except KeyError:
        raise Breach("protocol_violation", f"a {s.role.value} never {side.value}s {kind.value!r}") from None
    return next(outcome for outcome in cell if outcome.when is None or GUARDS[outcome.when](s, stimulus))


def _breach(code: str | None, why: str, stimulus: Stimulus) -> Breach:
    if isinstance(stimulus, Hear) and isinstance(stimulus.message, Malformed):
        malformed = stimulus.message
        return Breach(code or malformed.code, malformed.why, param=malformed.param)
    return Breach(code or "protocol_violation", why)


def _follow_up(draft: Draft) -> None:
    """Fire the rules that need no stimulus until nothing changes (as h11 does for its joint states)."""
    role = draft.s.role
    kind = Kind.PUMP if role is Role.CLIENT else Kind.SETTLE
    while True:
        before = draft.s
        outcome = _decide(before, Local(kind=kind), Side.LOCAL, kind)
        if not isinstance(outcome, Rule):
            return
        for effect in outcome.effects:
            EFFECTS[role][effect](draft, Local(kind=kind))
        if outcome.next is not None:
            draft.update(state=outcome.next)
        if draft.s is before:
            return
