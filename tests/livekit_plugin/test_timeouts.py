"""`client_limits`: an attempt fits into the framework's timeout."""

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import APIConnectOptions
from livekit.plugins.auricle.timeouts import client_limits


@given(st.floats(0, 100))
def test_an_attempt_is_shorter_than_the_timeout(timeout: float) -> None:
    limits = client_limits(APIConnectOptions(timeout=timeout), 10.0)
    assert limits.connect_timeout_s + limits.ready_timeout_s < max(timeout, 0.051)
    assert limits.reconnect_timeout_s < max(timeout, 0.051)
