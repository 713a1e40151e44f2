"""Child processes, each with one end of a socket pair, whose other end is its parent's.

For engines and for decoders of recordings. Nothing of ours is imported here: a child has all that its module imports in
its memory.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NOTHING_ELSE: Final[Mapping[str, str]] = MappingProxyType({})


def start_child(
    module: str, *arguments: str, environment: Mapping[str, str] = NOTHING_ELSE
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Run ``python -m MODULE FD ARGUMENT …``, where FD is the child's end; return the process and the parent's end.

    The child has the parent's environment, and ``environment`` besides. Raises `OSError` where it cannot be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what native code prints must not get among the transcripts
                env={**os.environ, **environment},
            )
        except OSError:
            ours.close()
            raise
    return process, ours


def ignore_stop_signals() -> None:
    """Ignore SIGINT, SIGTERM and SIGHUP in a child: they reach the whole process group, and the parent drains first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
