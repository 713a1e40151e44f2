"""Listening sockets that a service manager opened and hands over: sd_listen_fds(3).

It keeps them open while the service is started anew: who connects meanwhile waits, and is not refused.
"""

import os
import socket
from collections.abc import MutableMapping
from typing import Final, NamedTuple

from auricle.core.errors import AuricleError

FIRST: Final = 3
"""The first file descriptor that is handed over: behind the standard streams."""
LISTEN_PID: Final = "LISTEN_PID"
LISTEN_FDS: Final = "LISTEN_FDS"
LISTEN_FDNAMES: Final = "LISTEN_FDNAMES"
WYOMING: Final = "wyoming"
"""The name (``FileDescriptorName=``) of a socket for Wyoming; a socket with any other name is for everything else."""


class InheritedSocketError(AuricleError):
    """What was handed over cannot be listened on. The message is one sentence for the operator."""


class InheritedSockets(NamedTuple):
    """The listening sockets that were handed over, in the order in which they were."""

    http: tuple[socket.socket, ...] = ()
    wyoming: tuple[socket.socket, ...] = ()


NOTHING_INHERITED: Final = InheritedSockets()


def take_inherited_sockets(environment: MutableMapping[str, str], pid: int) -> InheritedSockets:
    """Return the sockets that are meant for this process, and take them out of the environment.

    Raises `InheritedSocketError`.
    """
    meant_for, number = environment.pop(LISTEN_PID, ""), environment.pop(LISTEN_FDS, "")
    names = environment.pop(LISTEN_FDNAMES, "").split(":")
    if meant_for != str(pid) or not number.isdecimal():
        return NOTHING_INHERITED
    named = [(names[at] if at < len(names) else "", _listening(FIRST + at)) for at in range(int(number))]
    return InheritedSockets(
        tuple(each for name, each in named if name != WYOMING), tuple(each for name, each in named if name == WYOMING)
    )


def _listening(descriptor: int) -> socket.socket:
    try:
        handed = socket.socket(fileno=descriptor)
        os.set_inheritable(descriptor, False)
        accepts = handed.type == socket.SOCK_STREAM and handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        accepts = False
    if not accepts or handed.family not in (socket.AF_INET, socket.AF_INET6):
        raise InheritedSocketError(
            f"The service manager handed over file descriptor {descriptor}, which is no listening TCP socket: the "
            f"socket unit needs `ListenStream=` with a port, and `Accept=no`."
        )
    return handed
