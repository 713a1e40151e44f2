"""`silence_that_ends`: what a detector says changes how long a pause may be, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.turn_taking.decision import TurnRules, silence_that_ends

PROBABILITIES = st.none() | st.floats(0, 1)
RULES = st.builds(
    lambda threshold, waits: TurnRules(
        threshold=threshold, over_s=sorted(waits)[0], unknown_s=sorted(waits)[1], longest_s=sorted(waits)[2]
    ),
    st.floats(0, 1),
    st.lists(st.floats(0.01, 10), min_size=3, max_size=3),
)


@given(RULES, PROBABILITIES, PROBABILITIES)
def test_the_surer_a_detector_is_the_sooner_a_turn_ends_and_never_later_than_the_longest(rules, one, other):
    waits = [silence_that_ends(rules, probability) for probability in (one, other)]
    assert all(rules.over_s <= wait <= rules.longest_s for wait in waits)
    if one is not None and other is not None and one >= other:
        assert waits[0] <= waits[1]


def test_the_three_answers():
    rules = TurnRules(threshold=0.6, over_s=0.2, unknown_s=0.5, longest_s=3.0)
    assert [silence_that_ends(rules, p) for p in (0.6, 0.59, None)] == [0.2, 3.0, 0.5]


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.1}, {"threshold": -0.1}, {"over_s": 0.0}, {"over_s": 0.9}, {"longest_s": 0.4}]
)
def test_rules_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\.$"):
        TurnRules(**wrong)
