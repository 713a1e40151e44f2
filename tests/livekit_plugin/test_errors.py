"""`session_error`: every end of a session is an `APIError`, and none shows a secret."""

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError
from livekit.plugins.auricle.errors import session_error
from livekit.plugins.auricle.redaction import redact, secrets_of

from auricle.core import (
    ERROR_CODES,
    Accounting,
    SessionClosed,
)


@given(
    st.sampled_from(["completed", "error", "shutdown", "lost", "violation", "timeout", "aborted", "session_limit"]),
    st.sampled_from([None, *ERROR_CODES]),
    st.integers(1000, 5000),
    st.booleans(),
    st.booleans(),
)
def test_any_end_is_an_api_error_without_secrets(
    reason: str, code: str | None, close_code: int, retriable: bool, opened: bool
) -> None:
    nothing = Accounting(
        offered=0,
        sent=0,
        received=0,
        processed=0,
        committed=0,
        non_speech=0,
        dropped=0,
        late=0,
        segments=0,
        words=0,
    )
    closed = SessionClosed(
        reason=reason,  # type: ignore[arg-type]
        code=close_code,
        message="at ws://h/?key=s3cret with Bearer k3y",
        complete=False,
        retriable=retriable,
        error=code,
        accounting=nothing,
    )
    error = session_error(closed, secrets_of("ws://h/?key=s3cret", "k3y"), opened=opened)
    assert isinstance(error, APIError)
    assert "s3cret" not in str(error)
    assert "k3y" not in repr(error)
    if reason == "timeout":
        assert isinstance(error, APITimeoutError)
    if reason in ("shutdown", "session_limit", "completed"):
        assert error.retryable
    if reason == "error" and code is not None:
        assert error.retryable == retriable, "the code's own judgement stands"
    assert isinstance(error, APIConnectionError | APIStatusError)


def test_what_is_not_secret_stays() -> None:
    assert redact((), "as it is") == "as it is"
