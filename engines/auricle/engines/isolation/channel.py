"""One end of the socket pair between the parent and the child process. Each direction has its own messages."""

import math
import socket
import struct
import threading
import time
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from auricle.engines.isolation.frames import MOST_ARRAYS, read, written

NEVER_S: Final = 0.0
"""As a timeout of a socket (``SO_RCVTIMEO``): none."""


class ChannelStuck(OSError):
    """The other end takes nothing of a message, or says nothing, for as long as it may."""


class Channel:
    """Sends whole messages, from any thread, and receives those of ``kinds``, in one thread.

    A message is to be taken within ``send_s`` seconds; None: whenever that may be.
    """

    def __init__(
        self,
        end: socket.socket,
        kinds: Iterable[type],
        *,
        most_arrays: int = MOST_ARRAYS,
        send_s: float | None = None,
    ) -> None:
        self._socket = end
        self._kinds = MappingProxyType({kind.__name__: kind for kind in kinds})
        self._most_arrays = most_arrays
        self._send_s = send_s
        self._sending = threading.Lock()
        if send_s is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _as_timeval(send_s))

    def limit_silence(self, seconds: float) -> None:
        """Let `receive` raise `ChannelStuck` where nothing comes for so long, from now on. `NEVER_S`: never."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _as_timeval(seconds))

    def send(self, message: object) -> None:
        """Send a message. Raises `FrameError` for what is none, `ChannelStuck`, and `OSError` where nobody is there."""
        pieces = written(message)
        until_s = math.inf if self._send_s is None else time.monotonic() + self._send_s
        if not self._sending.acquire(timeout=-1 if self._send_s is None else self._send_s):
            raise ChannelStuck("another message is still not taken")
        try:
            for piece in pieces:
                self._send_all(piece, until_s)
        finally:
            self._sending.release()

    def _send_all(self, piece: memoryview, until_s: float) -> None:
        while piece:
            try:
                piece = piece[self._socket.send(piece) :]
            except BlockingIOError:
                raise ChannelStuck("a message is not taken") from None
            if piece and time.monotonic() > until_s:
                raise ChannelStuck("a message is not taken in time")

    def receive(self) -> Any:
        """Return the next message.

        Raises `FrameError` for what is none, `EOFError` where the other end is closed, `ChannelStuck`, and `OSError`.
        """
        return read(self._receive_exactly, self._kinds, most_arrays=self._most_arrays)

    def _receive_exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            try:
                count = self._socket.recv_into(rest)
            except BlockingIOError:
                raise ChannelStuck("nothing comes") from None
            if count == 0:
                raise EOFError
            rest = rest[count:]
        return data

    def close(self) -> None:
        """Close this end once no message is being sent: its descriptor may soon be that of another connection."""
        with self._sending:
            self._socket.close()


def _as_timeval(seconds: float) -> bytes:
    """Return a time as the C ``struct timeval`` of seconds and microseconds."""
    whole, part = divmod(seconds, 1.0)
    return struct.pack("@ll", int(whole), int(part * 1e6))
