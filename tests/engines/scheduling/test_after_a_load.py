"""A machine that others have kept busy for a while, and then no more: what was learned meanwhile is forgotten soon."""

import pytest

from auricle.engines.policy.events import Urgency
from auricle.engines.scheduling.load import IDLE_S, LONGEST_RETRY_S
from auricle.engines.scheduling.scheduler import Scheduler, finished, load, opened, submit, take
from engines.scheduling.job_factories import FINAL, LANES, crowd, job, served, taught
from engines.scheduling.simulation import Scheduled, Simulation

SOON_S = 60.0
"""Within that time of the load's end sessions are taken again: whoever was refused comes back no later."""
STARVED_S = 30.0
"""A call that takes this long makes any engine look full."""


class Watched(Scheduled):
    """Notes when a session more would have been refused."""

    def __init__(self, sessions: int) -> None:
        super().__init__(sessions)
        self.refused_s: list[float] = []

    def _note(self, now_s: float) -> None:
        super()._note(now_s)
        if not load(self.state, now_s=now_s).admits:
            self.refused_s.append(now_s)


def refusals(sessions: int, slowness: float, load_s: float, seed: int) -> list[float]:
    """Return when somebody would be refused, while so many talk; calls take ``slowness`` times as long for a while."""
    server = Watched(sessions)
    Simulation(server, sessions, speech_s=load_s + 240.0, seed=seed, slowness=slowness, slow_until_s=load_s).run()
    return server.refused_s


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("load_s", [8.0, 60.0])
@pytest.mark.parametrize("sessions", [1, 2, 4, 6])
def test_sessions_are_taken_again_soon_after_a_load(sessions: int, load_s: float, seed: int) -> None:
    assert not refusals(sessions, 1.0, load_s, seed), "there is room for them"
    refused_s = refusals(sessions, 20.0, load_s, seed)
    assert max(refused_s, default=0.0) <= load_s + SOON_S


def starved_and_silent() -> Scheduler:
    """One session, whose only call came when the machine was kept busy, and who says no more."""
    state, _ = submit(crowd(1), job(0, 1, FINAL), now_s=0.0)
    state, _ = served(state, took_s=STARVED_S)
    assert not load(state, now_s=STARVED_S).admits
    return state


def test_a_call_of_the_very_start_shuts_out_nobody_for_ever() -> None:
    state = starved_and_silent()
    assert not load(state, now_s=STARVED_S + IDLE_S - 1.0).admits
    told = load(state, now_s=STARVED_S + IDLE_S)
    assert told.admits
    assert told.retry_after_s == 0.0
    assert IDLE_S <= LONGEST_RETRY_S, "whoever is told to come back finds it open"


def test_of_an_engine_that_does_nothing_one_session_at_a_time_is_taken() -> None:
    now_s = STARVED_S + IDLE_S
    state = opened(starved_and_silent(), 1, now_s=now_s)
    assert not load(state, now_s=now_s + IDLE_S - 1.0).admits
    assert load(state, now_s=now_s + IDLE_S).admits


@pytest.mark.parametrize("urgency", list(Urgency))
def test_an_engine_that_works_or_is_asked_to_is_not_idle(urgency: Urgency) -> None:
    state, _ = submit(starved_and_silent(), job(0, 2, urgency), now_s=STARVED_S + 1.0)
    assert not load(state, now_s=STARVED_S + 10 * IDLE_S).admits, "a job waits"
    state, batch = take(state, now_s=STARVED_S + 2.0)
    assert batch is not None
    assert not load(state, now_s=STARVED_S + 10 * IDLE_S).admits, "a call runs"
    now_s = STARVED_S + 10 * IDLE_S
    state = finished(state, batch, took_s=STARVED_S, now_s=now_s)
    assert not load(state, now_s=now_s + IDLE_S - 1.0).admits


def test_few_calls_suffice_where_they_are_far_apart() -> None:
    state, now_s = taught(crowd(2, lanes=LANES), 5.0), 5.0
    assert not load(state, now_s=now_s + 10.0).admits
    for number in range(100, 104):
        now_s += 10.0
        state, _ = submit(state, job(0, number, FINAL), now_s=now_s)
        state, _ = served(state, took_s=0.05, now_s=now_s)
    assert load(state, now_s=now_s + 1.0).admits
