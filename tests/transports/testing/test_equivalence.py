"""The two drivers are one: the same script, however wild, gives the same log to the microsecond of virtual time."""

from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auricle.transports.testing.replay import Action, Verb, play
from transports.drivers import DRIVERS

DELAYS = (0.0013, 0.0177, 0.1071, 1.0191, 7.0333, 31.0777)
"""Seconds of which no two sums are the same, so that no two things happen at once."""
VERBS = st.sampled_from(get_args(Verb))
ACTIONS = st.builds(Action, st.sampled_from(DELAYS), VERBS, st.sampled_from((0.01, 1.0, 40.0)))

WHOLE = [Action(0.1071, "speak"), Action(1.0191, "flush"), Action(0.1071, "speak", 40.0), Action(7.0333, "end")]
BROKEN = [Action(0.1071, "speak"), Action(0.0013, "break"), Action(0.0177, "speak"), Action(1.0191, "end")]
CLOGGED = [Action(0.1071, "clog"), Action(0.1071, "speak", 40.0), Action(7.0333, "unclog"), Action(1.0191, "end")]
STALLED = [Action(0.1071, "speak"), Action(0.1071, "clog"), Action(0.1071, "speak"), Action(31.0777, "flush")]
DEAF = [Action(0.1071, "go deaf"), Action(31.0777, "speak"), Action(31.0777, "wake"), Action(1.0191, "leave")]
RAVING = [Action(0.1071, "speak"), Action(0.1071, "rave")]


@given(actions=st.lists(ACTIONS, max_size=12), resumable=st.booleans())
@settings(max_examples=60)
@example(actions=WHOLE, resumable=True)
@example(actions=BROKEN, resumable=True)
@example(actions=BROKEN, resumable=False)
@example(actions=CLOGGED, resumable=True)
@example(actions=STALLED, resumable=True)
@example(actions=STALLED, resumable=False)
@example(actions=DEAF, resumable=True)
@example(actions=RAVING, resumable=True)
def test_the_same_script_gives_the_same_log(actions: list[Action], resumable: bool) -> None:
    trio, asyncio = (play(*DRIVERS[name], actions, resumable=resumable) for name in ("trio", "asyncio"))
    assert trio == asyncio


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (WHOLE, "reason='completed'"),
        (BROKEN, "Resumed("),
        (CLOGGED, "reason='completed'"),
        (STALLED, "Interrupted("),
        (DEAF, "leave: done"),
        (RAVING, "reason='violation'"),
    ],
)
def test_the_scripts_reach_what_they_are_for(actions: list[Action], told: str) -> None:
    log = play(*DRIVERS["trio"], actions)
    assert any(told in line for line in log)
