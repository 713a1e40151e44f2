"""The process that decodes what strangers send, as the server sees it.

Formats of recordings are many and old, and their decoders are in C. What breaks one, or fills its memory, ends in that
process: the recordings that are decoded there fail, and sessions that are spoken to go on.
"""

import socket
import subprocess
import threading
from types import TracebackType
from typing import Final, Self

from auricle.child_processes import start_child

CHILD_MODULE: Final = "auricle.server.recordings.decoder_child"
STILL_S: Final = 60.0
"""Seconds after which a decoder that neither asks for more nor tells any audio is taken for one that never will."""
ONE_ARENA: Final = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Memory that threads keep for themselves would count for nothing."""


class DecoderProcess:
    """One process for all recordings, from the first one on; another one where it has ended. For any thread.

    ``most_stored_bytes`` are those that it may store of a recording whose index comes last.
    """

    def __init__(self, *, most_stored_bytes: int) -> None:
        self._most_stored_bytes = most_stored_bytes
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int | None:
        """The number of the process; None before the first recording."""
        return None if self._process is None else self._process.pid

    def connect(self) -> socket.socket:
        """Return one end of a socket pair, whose other end has a decoder. Raises `OSError` where none starts."""
        ours, theirs = socket.socketpair()
        ours.settimeout(STILL_S)
        with theirs, self._lock:
            try:
                self._hand_over(theirs)
            except OSError:  # it has ended since the last one
                self._end()
                self._hand_over(theirs)
        return ours

    def kill(self) -> None:
        """End the process, and with it whatever it decodes."""
        with self._lock:
            self._end()

    def _hand_over(self, end: socket.socket) -> None:
        if self._control is None:
            self._control = self._start()
        socket.send_fds(self._control, [b"\0"], [end.fileno()])

    def _start(self) -> socket.socket:
        self._process, end = start_child(CHILD_MODULE, str(self._most_stored_bytes), environment=ONE_ARENA)
        return end

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
