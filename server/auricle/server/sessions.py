"""The sessions of a server by name: where a client that comes back finds the one it lost."""

from functools import partial
from typing import Final

from auricle.core import LocalProtocolError
from auricle.core.messages import Resume
from auricle.core.session import Outputs
from auricle.server.conversation import new_token
from auricle.transports.trio.server import Connection
from auricle.transports.wire import Wire

RETRY_AFTER_S: Final = 5.0
"""When a client that is refused for want of room may try again."""


class Sessions:
    """Every session that somebody may come back to."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}

    def add(self, session_id: str, connection: Connection) -> None:
        """Let a session be found."""
        self._connections[session_id] = connection

    def forget(self, session_id: str) -> None:
        """The session is over, and nobody may come back to it."""
        self._connections.pop(session_id, None)

    async def take_up(self, resume: Resume, wire: Wire) -> bool:
        """Hand a wire to the session that its first frame names, and return when that is done with it.

        False, at once, where there is none that would have it.
        """
        connection = self._connections.get(resume.session)
        if connection is None:
            return False
        try:
            await connection.adopt(wire, resume, new_token())
        except LocalProtocolError:
            return False
        return True

    def refuse(self, resume: Resume, connection: Connection) -> None:
        """Tell a client that came back why it cannot go on."""
        code, why = "session_gone", "there is no such session here any more"
        if resume.session in self._connections:
            code, why = "bad_token", "this is not the token of that session"
        connection.post(lambda now: connection.session.fail(code, why, now=now))

    def let_go(self) -> None:
        """Nobody can come back any more: sessions without a client end, and others end with their connection."""
        for connection in self._connections.values():
            connection.post(partial(_no_return, connection))


def _no_return(connection: Connection, now: float) -> Outputs:
    return connection.session.no_return(now=now)
