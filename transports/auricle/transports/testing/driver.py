"""`check_driver`: does a driver keep the ten rules? Every scenario on virtual time, against any event loop.

The rules are those of notes/sans-io.md §5; docs/extending.md repeats them for authors.
"""

from typing import Final

from auricle.transports.testing import ends, rules
from auricle.transports.testing.lab import Drive, Scenario, run_scenario
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.sweep import STORIES, sweep

SCENARIOS: Final[tuple[Scenario, ...]] = (
    rules.rule_1_one_task_owns_the_session,
    rules.rule_2_every_output_is_routed_in_order,
    rules.rule_3_a_failed_write_discards_nothing_received,
    rules.rule_3_a_failed_write_is_not_the_end_of_reading,
    rules.rule_4_the_reader_waits_for_nobody,
    rules.rule_5_a_stalled_write_kills_the_transport,
    rules.rule_6_a_cancel_never_cuts_a_write,
    rules.rule_6_a_cancelled_call_leaves_the_wire_alone,
    rules.rule_7_a_timer_that_fired_has_fired,
    rules.rule_7_a_late_timer_tells_how_late,
    rules.rule_7_inputs_do_not_hold_timers_up,
    rules.rule_8_reading_never_pauses,
    rules.a_trickle_is_the_same_as_a_flood,
    rules.events_reach_a_reader_that_waits,
    ends.rule_9("eof", 1000, "closed (code 1000)"),
    ends.rule_9("eof", 1011, "closed (code 1011)"),
    ends.rule_9("reset", 1006, "broke"),
    ends.rule_9_our_own_close_is_the_third,
    ends.after_closed("eof"),
    ends.after_closed("reset"),
    ends.rule_10_the_closing_handshake_is_waited_for,
    ends.rule_10_the_closing_handshake_is_bounded,
    ends.rule_10_a_clogged_close_is_bounded,
    ends.a_transport_that_never_opens_is_given_up,
    ends.a_refused_transport_is_told,
    ends.a_silent_server_is_given_up,
    ends.an_exception_of_the_application_is_left_alone,
    ends.a_cancelled_application_ends_the_session,
    ends.a_lost_transport_is_followed_by_another,
    ends.what_a_stale_transport_says_is_ignored,
    ends.a_server_that_stays_away_is_given_up,
    ends.leaving_between_two_transports,
)
"""Everything that a driver must do right."""
IMPATIENCE: Final = (0, 1, 3)
"""Steps after which an application that does not end at once is cancelled again; 0: it is not."""


def check_driver(loop: Loop, drive: Drive) -> None:
    """Run every scenario against a driver, and cancel every story at every step.

    Raises `AssertionError` with the rule that the first failure broke.
    """
    for scenario in SCENARIOS:
        run_scenario(loop, drive, scenario)
    for story in STORIES:
        for again_after in IMPATIENCE:
            sweep(loop, drive, story, again_after=again_after)
