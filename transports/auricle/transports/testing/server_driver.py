"""`check_server_driver`: runs every scenario for a server's driver on virtual time, on any event loop."""

from functools import partial
from typing import Final

from auricle.transports.testing import adopting_scenarios
from auricle.transports.testing.failures import run_all
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.server_harness import Serve, ServerScenario, run_server_scenario

SERVER_SCENARIOS: Final[tuple[ServerScenario, ...]] = (
    adopting_scenarios.adopting_a_session_goes_on_over_the_next_wire,
    adopting_scenarios.adopting_drops_the_old_wire,
    adopting_scenarios.adopting_again_and_again_holds_one_wire,
    adopting_scenarios.adopting_is_refused_and_changes_nothing,
    adopting_scenarios.leaving_fails_the_session,
    adopting_scenarios.a_cancelled_server_lets_go,
    adopting_scenarios.a_server_cancelled_while_its_client_is_away_ends,
    adopting_scenarios.nobody_waits_for_a_server_that_has_ended,
)
"""Every scenario that a server's driver must pass."""


def check_server_driver(loop: Loop, serve: Serve) -> None:
    """Run every scenario against ``serve``, which is a ``serve_wire``.

    Raises `AssertionError` with every rule that was broken, a line each, and where a hang waits.
    """
    run_all([partial(run_server_scenario, loop, serve, scenario) for scenario in SERVER_SCENARIOS])
