"""`Patience`: tries that become rarer, and an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.auricle.patience import FIRST_DELAY_S, LONGEST_DELAY_S, Patience


@given(st.floats(0.1, 100), st.lists(st.floats(0, 5), max_size=200))
def test_it_waits_for_its_limit_and_no_longer(limit_s: float, attempts_s: list[float]) -> None:
    patience, now, last = Patience(limit_s), 1_000.0, 0.0
    for attempt_s in attempts_s:
        delay_s = patience.next_delay(now)
        if delay_s is None:
            assert now - 1_000.0 >= limit_s - 1e-6
            return
        assert 0 < delay_s <= LONGEST_DELAY_S
        assert now + delay_s <= 1_000.0 + limit_s + 1e-6
        assert delay_s >= last or now + delay_s == pytest.approx(1_000.0 + limit_s)
        now, last = now + delay_s + attempt_s, delay_s


def test_progress_lets_it_begin_anew() -> None:
    patience = Patience(1.0)
    assert patience.next_delay(0.0) == FIRST_DELAY_S
    assert patience.next_delay(0.5) == 2 * FIRST_DELAY_S
    patience.progress()
    assert patience.next_delay(5.0) == FIRST_DELAY_S
    assert patience.next_delay(6.0) is None
