"""The first frame of a connection, read before a session is chosen: it may resume an existing one."""

from auricle.core import codec
from auricle.core.limits import Limits
from auricle.core.messages import Resume
from auricle.core.outputs import Frame
from auricle.core.states import Role


def read_resume(frame: Frame, limits: Limits) -> Resume | None:
    """Return the ``resume`` in the first frame of a connection, None for anything else. Never raises.

    A server looks up the session that it names and hands the connection over (`ServerSession.attach`). It makes a new
    session for everything else, also for a ``resume`` that names no session: that one answers ``session_gone``.
    """
    message = codec.decode(frame, Role.CLIENT, limits).message
    return message if isinstance(message, Resume) else None
