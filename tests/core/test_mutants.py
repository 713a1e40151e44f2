"""The suite, tested: each planted fault must be caught by a named check, which must pass without it.

A fault is a changed cell, effect or guarantee; nothing of the suite knows about it. A mutant that survives fails here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import Phase

from auricle.core import client_effects, codec, endings, outcomes, rules, server_says
from auricle.core import guarantees as rules_of_order
from auricle.core.draft import Draft
from auricle.core.effects import EFFECTS
from auricle.core.messages import Closed, Flush, Flushed
from auricle.core.messages import Final as FinalMessage
from auricle.core.outcomes import Effect, Ignore, Rule
from auricle.core.snapshot import Snapshot
from auricle.core.states import Kind, Role, State
from auricle.core.stimuli import Say, Stimulus
from core import test_conversation as conversation
from core import test_crossings as crossings
from core import test_endings as endings_told
from core import test_guarantees as guarantees
from core import test_legacy as legacy
from core import test_properties as properties
from core import test_timers as timers
from core.link import Link

Patch = pytest.MonkeyPatch
Check = Callable[[], object]


def in_effect(patch: Patch, role: Role, effect: Effect, do: Callable[[Draft, Stimulus], None]) -> None:
    patch.setitem(EFFECTS[role], effect, do)  # type: ignore[arg-type]


def in_cell(patch: Patch, table: Any, kind: Kind, state: State, *outcomes: outcomes.Outcome) -> None:
    patch.setitem(table[kind], state, outcomes)


def dropped_final(patch: Patch) -> None:
    """The server loses every second final on its way out, and numbers on."""
    send = Draft.send

    def lossy(draft: Draft, message: Any) -> None:
        send(draft, message)
        if isinstance(message, FinalMessage) and message.segment % 2:
            draft.outputs.pop()

    patch.setattr(Draft, "send", lossy)


def second_ending(patch: Patch) -> None:
    """A client that has been told closed calls itself lost when the connection goes."""
    in_cell(patch, rules.LOCAL_TO_CLIENT, Kind.LOST, State.CLOSED, Rule((Effect.LOSE,)))


def leaked_credit(patch: Patch) -> None:
    """What the engine hears does not come back as credit."""

    def advance(draft: Draft, stimulus: Stimulus) -> None:
        credit = draft.s.credit
        server_says.advance(draft, stimulus)
        draft.update(credit=credit)

    in_effect(patch, Role.SERVER, Effect.ADVANCE, advance)


def early_close(patch: Patch) -> None:
    """The server says closed as soon as the input has ended, without waiting for its engine."""

    def hasty(draft: Draft, stimulus: Stimulus) -> None:
        server_says.say_input_ended(draft, stimulus)
        draft.update(processed=draft.s.received, speaking_since=None)
        server_says.complete(draft, stimulus)

    in_effect(patch, Role.SERVER, Effect.SAY_INPUT_ENDED, hasty)
    state = State.INPUT_ENDED
    cell = rules.LOCAL_TO_SERVER[Kind.SETTLE][state]
    patch.setitem(
        rules.LOCAL_TO_SERVER[Kind.SETTLE],  # type: ignore[arg-type]
        state,
        tuple(
            outcome._replace(next=State.CLOSED) if outcome.when is outcomes.Guard.INPUT_SETTLED else outcome
            for outcome in cell
        ),  # type: ignore[union-attr]
    )


def flush_answered_twice(patch: Patch) -> None:
    """Every answer to a flush is said again."""
    send = Draft.send

    def twice(draft: Draft, message: Any) -> None:
        send(draft, message)
        if isinstance(message, Flushed):
            send(draft, Flushed(seq=draft.s.seq + 1, id=message.id, upto=message.upto))

    patch.setattr(Draft, "send", twice)


def end_ignored_while_connecting(patch: Patch) -> None:
    """The historical bug: an end of input that comes before ready is forgotten."""
    in_cell(patch, rules.HEARD_BY_SERVER, Kind.END_INPUT, State.CONNECTING, Ignore("not ready yet"))


def end_never_said(patch: Patch) -> None:
    """The seed's bug: the client does not tell the server that its input has ended."""

    def mute(draft: Draft, _: Stimulus) -> None:
        draft.update(ended=True, ended_at=draft.now)

    in_effect(patch, Role.CLIENT, Effect.ASK_END, mute)


def flush_overtakes_audio(patch: Patch) -> None:
    """A flush is sent at once, whatever audio waits for credit."""

    def at_once(draft: Draft, stimulus: Stimulus) -> None:
        client_effects.ask_flush(draft, stimulus)
        *before, last = draft.s.outbox
        draft.update(outbox=tuple(before))
        if draft.s.started:
            draft.send(last.message)

    in_effect(patch, Role.CLIENT, Effect.ASK_FLUSH, at_once)


def flush_forgotten(patch: Patch) -> None:
    """A flush with nothing to decide is never answered."""
    patch.setattr(rules_of_order, "is_moot", lambda *_: False)
    patch.setattr("auricle.core.guards.is_moot", lambda *_: False)
    patch.setattr(server_says, "is_moot", lambda *_: True)
    patch.setattr(server_says, "answer_flush", lambda draft, _: draft.update(flushes=draft.s.flushes[1:]))


def audio_after_cancel_is_a_violation(patch: Patch) -> None:
    """What crosses on the wire is taken for a broken protocol."""
    in_cell(
        patch, rules.HEARD_BY_SERVER, Kind.AUDIO, State.INPUT_ENDED, rules.Violation("protocol_violation", "too late")
    )
    in_cell(patch, rules.HEARD_BY_SERVER, Kind.AUDIO, State.DRAINING, rules.Violation("protocol_violation", "too late"))


def drain_kept_alive_by_partials(patch: Patch) -> None:
    """The historical bug: every partial re-arms the drain timer, and an engine that stands still is never given up."""
    track = EFFECTS[Role.SERVER][Effect.TRACK_PARTIAL]

    def revive(draft: Draft, stimulus: Stimulus) -> None:
        track(draft, stimulus)
        draft.update(progress_at=draft.now)

    in_effect(patch, Role.SERVER, Effect.TRACK_PARTIAL, revive)


def claim_believed(patch: Patch) -> None:
    """A client takes the server's word for completeness."""
    patch.setattr(endings, "_mismatch", lambda *_: None)


def promise_unchecked(patch: Patch) -> None:
    """Stable text may change in the final."""

    def forgetful(draft: Draft, final: FinalMessage) -> None:
        draft.update(promised="")
        checked(draft, final)

    checked = rules_of_order.check_final
    patch.setattr(rules_of_order, "check_final", forgetful)


def half_done(patch: Patch) -> None:
    """A refused verb leaves traces: the final is counted although it was not said."""

    def count_first(draft: Draft, stimulus: Stimulus) -> None:
        assert isinstance(stimulus, Say)
        draft.update(segment=draft.s.segment + 1)
        track(draft, stimulus)

    track = EFFECTS[Role.SERVER][Effect.TRACK_FINAL]
    in_effect(patch, Role.SERVER, Effect.TRACK_FINAL, count_first)


def loss_called_complete(patch: Patch) -> None:
    """Samples lost to an engine are counted as committed, and nobody mentions it."""
    stats = endings.stats

    def rosy(s: Snapshot, now: float) -> Any:
        return stats(s._replace(dropped=0, non_speech=s.non_speech + s.dropped), now)

    patch.setattr(endings, "stats", rosy)
    loss = rules_of_order.check_loss

    def silent(draft: Draft, error: Any) -> None:
        before = draft.s
        loss(draft, error)
        draft.update(dropped=before.dropped, non_speech=before.non_speech + draft.s.committed - before.committed)

    patch.setattr(rules_of_order, "check_loss", silent)


def legacy_log_probability(patch: Patch) -> None:
    """The old server's log-probability is passed on as if it were a probability."""
    patch.setattr("auricle.core.legacy.math.exp", lambda value: 0.0)


def codec_that_raises(patch: Patch) -> None:
    """A deeply nested frame escapes as an exception."""

    def strict(text: str, max_bytes: int) -> Any:
        return codec.json.loads(text)

    patch.setattr(codec, "parse_object", strict)


def no_keepalive(patch: Patch) -> None:
    """A client with nothing to say says nothing."""
    in_effect(
        patch, Role.CLIENT, Effect.SAY_PING, lambda draft, _: draft.update(pinged_at=draft.now, said_at=draft.now)
    )


def partial_after_final(patch: Patch) -> None:
    """A partial may belong to any segment."""
    checked = rules_of_order.check_partial

    def lenient(draft: Draft, partial: Any) -> None:
        draft.update(segment=partial.segment)
        checked(draft, partial)

    patch.setattr(rules_of_order, "check_partial", lenient)


def flush_unanswered_at_close(patch: Patch) -> None:
    """The server closes without looking for flushes that are still open."""

    def complete(draft: Draft, stimulus: Stimulus) -> None:
        draft.update(flushes=())
        server_says.complete(draft, stimulus)

    in_effect(patch, Role.SERVER, Effect.COMPLETE, complete)


def acks_hold_the_credit(patch: Patch) -> None:
    """A client that wants no acks is not told its credit either."""
    tell = server_says.tell_watermarks
    patch.setattr(server_says, "tell_watermarks", lambda draft: tell(draft) if draft.s.config.features.acks else None)


def late_timers_judge(patch: Patch) -> None:
    """A blocked loop of ours is held against the peer."""
    patch.setattr("auricle.core.timers.OVERSLEPT_S", 1e9)


def sends_on_after_the_server_ended(patch: Patch) -> None:
    """Audio goes on being sent to a server that has said it takes no more."""
    in_cell(patch, rules.LOCAL_TO_CLIENT, Kind.PUMP, State.DRAINING, Rule((Effect.PUMP,)))


def cancel_into_the_void(patch: Patch) -> None:
    """A cancel is said although nobody is there, and then an answer is waited for."""
    in_cell(
        patch,
        rules.SAID_BY_CLIENT,
        Kind.CANCEL,
        State.CONNECTING,
        Rule((Effect.SAY_CANCEL,), State.DRAINING),
    )


def small_machine() -> None:
    properties.run_machine(examples=200, steps=40, phases=(Phase.generate,))


@contextmanager
def planted(mutate: Callable[[Patch], None]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        mutate(patch)
        yield


WHOLE = conversation.TestTheWholeWay()
BEFORE = conversation.TestBeforeReady()
FLUSH = conversation.TestFlush()
MUTANTS: dict[Callable[[Patch], None], Check] = {
    dropped_final: WHOLE.test_every_sample_is_accounted_for,
    second_ending: WHOLE.test_every_sample_is_accounted_for,
    leaked_credit: conversation.TestCredit().test_no_more_is_sent_than_was_granted,
    early_close: WHOLE.test_every_sample_is_accounted_for,
    flush_answered_twice: FLUSH.test_flush_and_end_back_to_back_give_no_second_final,
    end_ignored_while_connecting: BEFORE.test_the_end_of_input_may_come_before_ready,
    end_never_said: WHOLE.test_every_sample_is_accounted_for,
    flush_overtakes_audio: FLUSH.test_a_flush_never_overtakes_audio_that_waits_for_credit,
    flush_forgotten: FLUSH.test_a_flush_with_nothing_to_decide_is_answered_at_once,
    audio_after_cancel_is_a_violation: conversation.TestTheEndOfInput().test_both_ends_may_end_it_at_once,
    drain_kept_alive_by_partials: timers.test_an_engine_that_stands_still_is_given_up_and_partials_do_not_help_it,
    claim_believed: lambda: guarantees.test_a_claim_of_completeness_is_checked(guarantees.STATS, "1 of 0 finals"),
    promise_unchecked: lambda: guarantees.test_the_same_on_the_wire_is_a_violation("O5 a broken promise"),
    half_done: WHOLE.test_every_sample_is_accounted_for,
    loss_called_complete: endings_told.TestWhenThingsGoWrong().test_a_failed_utterance_is_named_and_the_next_works,
    legacy_log_probability: legacy.test_a_log_probability_becomes_a_probability,
    codec_that_raises: lambda: properties.test_nothing_heard_ever_raises("]]"),
    partial_after_final: lambda: guarantees.test_the_same_on_the_wire_is_a_violation("O5 an old segment"),
    flush_unanswered_at_close: conversation.TestFlush().test_a_flush_after_the_end_is_answered_before_closed,
    acks_hold_the_credit: crossings.TestCredit().test_a_client_without_acks_is_told_its_credit_all_the_same,
    late_timers_judge: timers.TestOurOwnLoopSlept().test_what_waits_on_the_wire_is_heard_before_a_verdict,
    sends_on_after_the_server_ended: (
        crossings.TestTheServerEndsTheInput().test_what_waits_for_credit_is_not_sent_any_more
    ),
    cancel_into_the_void: lambda: (
        crossings.TestLeavingBeforeAnybodyListens().test_before_the_transport_is_open_nothing_is_said("cancel")
    ),
    no_keepalive: lambda: timers.test_a_silent_application_is_kept_alive_for_hours(0),
}


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_the_suite_catches_it(mutate: Callable[[Patch], None]) -> None:
    check = MUTANTS[mutate]
    check()
    with planted(mutate), pytest.raises(BaseException):  # noqa: B017, PT011 - any way of failing will do
        check()


@pytest.mark.parametrize(
    "mutate",
    [dropped_final, second_ending, leaked_credit, early_close, flush_answered_twice, end_never_said, flush_forgotten],
    ids=lambda mutate: mutate.__name__,
)
def test_the_properties_alone_catch_it(mutate: Callable[[Patch], None]) -> None:
    with planted(mutate), pytest.raises(BaseException):  # noqa: B017, PT011 - any way of failing will do
        small_machine()


def test_a_mutant_is_gone_with_its_block() -> None:
    with planted(leaked_credit):
        pass
    assert EFFECTS[Role.SERVER][Effect.ADVANCE] is server_says.advance
    link = Link()
    link.settle()
    assert Flush.type == "flush"
    assert Closed.type == "closed"
