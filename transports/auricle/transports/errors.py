"""What a client transport raises besides the core's own errors."""

from auricle.core import AuricleError, SessionClosed


class SessionOver(AuricleError):
    """The session ended while something was still asked of it. ``closed`` is its terminal event."""

    def __init__(self, closed: SessionClosed) -> None:
        super().__init__(closed.message)
        self.closed = closed


class ConnectFailed(SessionOver):
    """No session came about: the server could not be reached, refused, or never became ready."""


class InvalidURL(AuricleError, ValueError):
    """The address is not one of a server. The message says what is wrong with it."""
