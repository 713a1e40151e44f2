"""The session registry: open sessions by id, so that a client that reconnects can resume its own."""

from functools import partial

from auricle.core import LocalProtocolError
from auricle.core.messages import Resume
from auricle.core.session import Outputs
from auricle.server.sessions.resume_token import new_resume_token
from auricle.transports.trio.server import Connection
from auricle.transports.wire import Wire


class SessionRegistry:
    """The sessions of one server that can be resumed, by session id."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}

    def add(self, session_id: str, connection: Connection) -> None:
        """Register a session under its id."""
        self._connections[session_id] = connection

    def remove(self, session_id: str) -> None:
        """Remove a session that has ended. Idempotent."""
        self._connections.pop(session_id, None)

    async def resume(self, resume: Resume, wire: Wire) -> bool:
        """Attach ``wire`` to the session that ``resume`` names, and return True once the session is done with it.

        Returns False at once when there is no such session, or when it refuses the resume token; the wire then still
        belongs to the caller.
        """
        connection = self._connections.get(resume.session)
        if connection is None:
            return False
        try:
            await connection.adopt(wire, resume, new_resume_token())
        except LocalProtocolError:
            return False
        return True

    def refuse(self, resume: Resume, connection: Connection) -> None:
        """Fail ``connection`` with the reason why `resume` returned False: ``bad_token`` or ``session_gone``."""
        code, why = "session_gone", "there is no such session here any more"
        if resume.session in self._connections:
            code, why = "bad_token", "this is not the token of that session"
        connection.post(lambda now: connection.session.fail(code, why, now=now))

    def shut_down(self) -> None:
        """Hand on every session whose client can go on elsewhere; the others end with all their finals."""
        for connection in self._connections.values():
            shut_down(connection)


def shut_down(connection: Connection) -> None:
    """Hand a session on, or let it come to its end, because the server shuts down."""
    connection.post(partial(_shut_down, connection))


def _shut_down(connection: Connection, now: float) -> Outputs:
    return connection.session.shut_down(now=now)
