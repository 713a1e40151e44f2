"""Those who watch the sessions of a server: metrics, traces. They are told of what happens, and decide nothing."""

from typing import Protocol

from auricle.core import ServerEvent
from auricle.core.server import ServerSession
from auricle.engines.protocol import Result
from auricle.server.sessions.admission import RefusalReason


class SessionObserver(Protocol):
    """Whoever watches one session. Called on the event loop; must not block, and must not raise.

    ``now`` is seconds of trio's clock.
    """

    def model_chosen(self, model: str) -> None:
        """Note which model answers."""

    def heard(self, event: ServerEvent, now: float) -> None:
        """Note what the client did; the last event is ``SessionClosed``."""

    def told(self, result: Result, now: float) -> None:
        """Note a result of the engine, in session positions, that has been sent."""

    def gone(self) -> None:
        """Note that the session is served no more, however it ended. The last call."""

    def failed(self, code: str) -> None:
        """Note an error that the client was told of and that has not ended the session."""


class SessionsObserver(Protocol):
    """Whoever watches all sessions. The same holds."""

    def session(self, session: ServerSession, *, in_process: bool) -> SessionObserver:
        """Return an observer for a new session; ``in_process``: its client is here, for a recording that was posted."""

    def refused(self, reason: RefusalReason) -> None:
        """Note that a client was refused before it had a session to speak of."""
