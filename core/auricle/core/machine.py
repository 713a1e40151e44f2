"""`step`: the one function that produces a new snapshot. Pure: same snapshot, stimulus and time, same result."""

from typing import Final

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.effects import EFFECTS
from auricle.core.errors import Breach, LocalProtocolError
from auricle.core.guards import GUARDS
from auricle.core.messages import Cancel, Durable, Malformed, Message, Ping, Unknown
from auricle.core.outcomes import Ignore, Outcome, Rule, Violation
from auricle.core.outputs import AudioSpan, RawOutput
from auricle.core.progress import note_news
from auricle.core.rules import AFTER_VIOLATION, TABLE
from auricle.core.rules.attachment import HEARD
from auricle.core.snapshot import Snapshot
from auricle.core.states import PEER_TIMEOUTS, Attachment, Kind, Role, Side, State
from auricle.core.stimuli import Hear, Local, Stimulus, classify


def step(snapshot: Snapshot, stimulus: Stimulus, *, now: float) -> tuple[Snapshot, tuple[RawOutput, ...]]:
    """Return the snapshot after a stimulus at ``now`` (seconds, monotonic) and the outputs.

    Raises `LocalProtocolError` where our own side asked for something illegal; nothing that the peer sends raises.
    The given snapshot is never changed, and no stimulus is applied in part.
    """
    side, kind = classify(stimulus)
    try:
        draft = _apply(snapshot, stimulus, side, kind, now)
    except Breach as breach:
        if side is not Side.HEAR and kind not in PEER_TIMEOUTS:
            raise LocalProtocolError(breach.why) from None
        draft = endings.end_for_violation(snapshot, now, breach.code, breach.why, param=breach.param)
        draft.update(state=AFTER_VIOLATION)
    _follow_up(draft)
    return draft.s, tuple(draft.outputs)


def _apply(snapshot: Snapshot, stimulus: Stimulus, side: Side, kind: Kind, now: float) -> Draft:
    draft = Draft(snapshot, now)
    if side is Side.HEAR:
        unheard = HEARD[snapshot.attachment].get(kind)
        if unheard is not None:
            return _not_heard(draft, unheard)
        _note_received(draft, stimulus)
    outcome = _decide(draft.s, stimulus, side, kind)
    if isinstance(outcome, Rule):
        _run_effects(draft, outcome, stimulus)
        if side is Side.HEAR:
            note_news(draft, snapshot)
    elif isinstance(outcome, Violation):
        raise _breach(outcome.code, outcome.why, stimulus)
    return draft


def _not_heard(draft: Draft, outcome: Ignore | Violation) -> Draft:
    """Return the draft after a message that cannot be heard with this attachment, whatever the state.

    Raises `Breach` for a violation; a session that is closed has no attachment in which there are any.
    """
    if isinstance(outcome, Violation):
        raise Breach(outcome.code or "protocol_violation", outcome.why)
    return draft


def _run_effects(draft: Draft, rule: Rule, stimulus: Stimulus) -> None:
    effects = EFFECTS[draft.s.role]
    for effect in rule.effects:
        effects[effect](draft, stimulus)
    if rule.next is not None:
        draft.update(state=rule.next)


def _note_received(draft: Draft, stimulus: Stimulus) -> None:
    """Restart the peer's timers, and count durable messages, of known types or not (O1, wire-protocols §3.10)."""
    assert isinstance(stimulus, Hear)
    if draft.s.state is State.CLOSED:
        return
    draft.update(heard_at=draft.now)
    if stimulus.legacy:
        draft.update(legacy=True)
    if draft.s.recovery.previous_token is not None and _knows_new_token(stimulus.message):
        draft.recover(previous_token=None)
    match stimulus.message:
        case Durable() if draft.s.attachment is Attachment.GATED:
            pass  # not of this session: a server that refuses a resume numbers its messages from 1
        case Durable(seq=seq):
            draft.count(seq)
        case Unknown(seq=int(seq)) if draft.s.role is Role.CLIENT and draft.s.attachment is not Attachment.GATED:
            draft.count(seq)
        case _:
            pass


def _knows_new_token(message: Message | AudioSpan) -> bool:
    """Whether only a client that has received ``resumed`` says this: it has the new token, the old one is void."""
    match message:
        case Ping(resumed=resumed):
            return resumed is True
        case _:
            return not isinstance(message, Cancel)


def _decide(s: Snapshot, stimulus: Stimulus, side: Side, kind: Kind) -> Outcome:
    try:
        cell = TABLE[s.role, side][kind][s.state]
    except KeyError:
        raise Breach("protocol_violation", f"a {s.role.value} never {side.value}s {kind.value!r}") from None
    for outcome in cell:
        if outcome.when is None or GUARDS[outcome.when](s, stimulus):
            return outcome
    raise AssertionError(f"no outcome of the cell applies: {kind} in {s.state}")


def _breach(code: str | None, why: str, stimulus: Stimulus) -> Breach:
    if isinstance(stimulus, Hear) and isinstance(stimulus.message, Malformed):
        malformed = stimulus.message
        return Breach(code or malformed.code, malformed.why, param=malformed.param)
    return Breach(code or "protocol_violation", why)


def _follow_up(draft: Draft) -> None:
    """Fire the rules that need no stimulus until nothing changes (as h11 does for its joint states)."""
    stimulus = _SEND_PENDING if draft.s.role is Role.CLIENT else _ANSWER_PENDING
    while True:
        before = draft.s
        outcome = _decide(before, stimulus, Side.LOCAL, stimulus.kind)
        if not isinstance(outcome, Rule):
            return
        _run_effects(draft, outcome, stimulus)
        if draft.s is before:
            return


_SEND_PENDING: Final = Local(kind=Kind.SEND_PENDING)
_ANSWER_PENDING: Final = Local(kind=Kind.ANSWER_PENDING)
