"""`UsageMeter`: every second is reported once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.auricle.usage import UsageMeter


@given(st.lists(st.floats(0, 3), max_size=50))
def test_usage_is_told_once(seconds: list[float]) -> None:
    usage, told_s = UsageMeter(), 0.0
    for some in seconds:
        usage.add(some)
        if usage.due():
            told_s += usage.take()
    assert told_s + usage.take() == pytest.approx(sum(seconds))
    assert usage.take() == 0
