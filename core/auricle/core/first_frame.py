"""The first frame of a connection, looked at before there is a session: an old client may be coming back."""

from auricle.core import codec
from auricle.core.limits import Limits
from auricle.core.messages import Resume
from auricle.core.outputs import Frame
from auricle.core.states import Role


def read_resume(frame: Frame, limits: Limits) -> Resume | None:
    """Return the ``resume`` that a first frame is, None for anything else. Never raises.

    Whoever serves connections looks up the session it names and hands the connection over (`ServerSession.attach`). A
    new session is made for everything else, also for a ``resume`` that names no session: it answers ``session_gone``.
    """
    message = codec.decode(frame, Role.CLIENT, limits).message
    return message if isinstance(message, Resume) else None
