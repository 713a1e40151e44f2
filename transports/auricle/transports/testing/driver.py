"""`check_driver`: runs every scenario of the ten driver rules on virtual time, on any event loop.

The rules are those of notes/sans-io.md §5; docs/extending.md repeats them for authors.
"""

from functools import partial
from typing import Final

from auricle.transports.testing import driver_scenarios, termination_scenarios
from auricle.transports.testing.cancellation_sweep import STORIES, sweep
from auricle.transports.testing.driver_harness import Drive, Scenario, run_scenario
from auricle.transports.testing.failures import run_all
from auricle.transports.testing.loop import Loop

SCENARIOS: Final[tuple[Scenario, ...]] = (
    driver_scenarios.rule_1_one_task_owns_the_session,
    driver_scenarios.rule_2_every_output_is_routed_in_order,
    driver_scenarios.rule_3_a_failed_write_discards_nothing_received,
    driver_scenarios.rule_3_a_failed_write_is_not_the_end_of_reading,
    driver_scenarios.rule_4_the_reader_waits_for_nobody,
    driver_scenarios.rule_5_a_stalled_write_kills_the_transport,
    driver_scenarios.rule_6_a_cancel_never_cuts_a_write,
    driver_scenarios.rule_6_a_cancelled_call_leaves_the_wire_alone,
    driver_scenarios.rule_7_a_timer_that_fired_has_fired,
    driver_scenarios.rule_7_a_late_timer_tells_how_late,
    driver_scenarios.rule_7_inputs_do_not_hold_timers_up,
    driver_scenarios.rule_8_reading_never_pauses,
    driver_scenarios.a_trickle_is_the_same_as_a_flood,
    driver_scenarios.events_reach_a_reader_that_waits,
    termination_scenarios.rule_9("eof", 1000, "closed (code 1000)"),
    termination_scenarios.rule_9("eof", 1011, "closed (code 1011)"),
    termination_scenarios.rule_9("reset", 1006, "broke"),
    termination_scenarios.rule_9_our_own_close_is_the_third,
    termination_scenarios.after_closed("eof"),
    termination_scenarios.after_closed("reset"),
    termination_scenarios.rule_10_the_closing_handshake_is_waited_for,
    termination_scenarios.rule_10_the_closing_handshake_is_bounded,
    termination_scenarios.rule_10_a_clogged_close_is_bounded,
    termination_scenarios.a_transport_that_never_opens_is_given_up,
    termination_scenarios.a_refused_transport_is_told,
    termination_scenarios.a_silent_server_is_given_up,
    termination_scenarios.an_exception_of_the_application_is_left_alone,
    termination_scenarios.a_cancelled_application_ends_the_session,
    termination_scenarios.a_lost_transport_is_followed_by_another,
    termination_scenarios.what_a_stale_transport_says_is_ignored,
    termination_scenarios.a_server_that_stays_away_is_given_up,
    termination_scenarios.leaving_between_two_transports,
)
"""Every scenario that a driver must pass."""
IMPATIENCE: Final = (0, 1, 3)
"""Steps after which an application that has not ended yet is cancelled again; 0: it is not."""


def check_driver(loop: Loop, drive: Drive) -> None:
    """Run every scenario against a driver, and cancel every story at every step.

    Raises `AssertionError` with every rule that was broken, a line each, and where a hang waits.
    """
    run_all(
        [
            *(partial(run_scenario, loop, drive, scenario) for scenario in SCENARIOS),
            *(
                partial(sweep, loop, drive, story, again_after=again_after)
                for story in STORIES
                for again_after in IMPATIENCE
            ),
        ]
    )
