"""The suite, tested: each planted fault must be caught by a named check, which must pass without it.

A fault is a changed cell, effect or guarantee; nothing of the suite knows about it. A mutant that survives fails here.
"""

from collections.abc import Callable

import pytest
from hypothesis import Phase

from auricle.core import server_send
from auricle.core.effects import EFFECTS
from auricle.core.messages import Closed, Flush
from auricle.core.outcomes import Effect
from auricle.core.states import Role
from core import test_conversation as conversation
from core import test_crossings as crossings
from core import test_endings as endings_told
from core import test_guarantees as guarantees
from core import test_legacy as legacy
from core import test_properties as properties
from core import test_speakers as speakers
from core import test_timers as timers
from core import test_turns as turns
from core.link import Link
from core.mutants import (
    acks_hold_the_credit,
    annotates_what_comes_next,
    audio_after_cancel_is_a_violation,
    cancel_into_the_void,
    claim_believed,
    codec_that_raises,
    drain_kept_alive_by_partials,
    dropped_final,
    early_close,
    end_ignored_while_connecting,
    end_never_said,
    flush_answered_twice,
    flush_forgotten,
    flush_overtakes_audio,
    flush_unanswered_at_close,
    half_done,
    last_turn_never_ends,
    late_timers_judge,
    leaked_credit,
    legacy_log_probability,
    loss_called_complete,
    no_keepalive,
    partial_after_final,
    planted,
    progress_untold,
    promise_not_taken_back,
    promise_unchecked,
    second_ending,
    sends_on_after_the_server_ended,
    turn_outlives_its_server,
)

Patch = pytest.MonkeyPatch
Check = Callable[[], object]


def small_machine() -> None:
    properties.run_machine(examples=200, steps=40, phases=(Phase.generate,))


WHOLE = conversation.TestTheWholeWay()
BEFORE = conversation.TestBeforeReady()
FLUSH = conversation.TestFlush()
MUTANTS: dict[Callable[[Patch], None], Check] = {
    dropped_final: WHOLE.test_every_sample_is_accounted_for,
    second_ending: WHOLE.test_every_sample_is_accounted_for,
    leaked_credit: conversation.TestCredit().test_no_more_is_sent_than_was_granted,
    progress_untold: timers.test_a_little_progress_is_told_after_the_interval,
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
    promise_not_taken_back: turns.test_a_final_with_another_text_takes_the_promise_back,
    last_turn_never_ends: turns.test_the_end_of_input_ends_the_turn,
    turn_outlives_its_server: turns.test_a_restart_begins_the_turn_anew_and_counts_on,
    annotates_what_comes_next: speakers.test_what_is_told_later_replaces_what_was_told_before,
    no_keepalive: lambda: timers.test_a_silent_application_is_kept_alive_for_hours(0),
}


CHECKS = {mutate.__name__: check for mutate, check in MUTANTS.items()}
"""The same by name, for the table of `core.mutants`."""


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
    assert EFFECTS[Role.SERVER][Effect.ADVANCE] is server_send.advance
    link = Link()
    link.settle()
    assert Flush.type == "flush"
    assert Closed.type == "closed"
