"""Errors of the client transports, besides those of the core."""

from auricle.core import AuricleError, SessionClosed


class SessionOver(AuricleError):
    """The session has ended, so that the call cannot be carried out. ``closed`` is its terminal event."""

    def __init__(self, closed: SessionClosed) -> None:
        super().__init__(closed.message)
        self.closed = closed


class ConnectFailed(SessionOver):
    """No session was opened: the server could not be reached, refused, or did not become ready in time."""


class InvalidURL(AuricleError, ValueError):
    """The URL is not one of a server. The message names the problem."""


class InternalError(AuricleError):
    """A mistake of Auricle itself, or of a wire, has ended a session. The cause is chained; please report it."""
