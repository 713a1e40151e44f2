"""What a server says, split into the answer to the upgrade and whole WebSocket frames (RFC 6455 §5.2)."""

from typing import Final

HEAD_END: Final = b"\r\n\r\n"
CLOSE_GOING_AWAY: Final = bytes((0x88, 0x02)) + (1001).to_bytes(2, "big")
"""A Close frame with the code 1001, as a server says it."""
NO_FRAME: Final = bytes((0xFF, 0x7F)) + bytes(range(9, 99))
"""Every reserved bit, an opcode that there is not, and a length of 2^59 and more."""


class ServerFrames:
    """Splits the bytes of one connection. What is not whole yet waits."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._upgraded = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, and return what has become whole: the HTTP head first, and then frames with their headers.

        What answers an upgrade with anything but 101 is returned as it comes.
        """
        self._buffer += data
        pieces = []
        while (length := self._first_length()) is not None and length <= len(self._buffer):
            pieces.append(bytes(self._buffer[:length]))
            del self._buffer[:length]
        return pieces

    def rest(self) -> bytes:
        """Return what never became whole."""
        return bytes(self._buffer)

    def _first_length(self) -> int | None:
        """Return the length of the first piece; None while it is not known."""
        buffer = self._buffer
        if not self._upgraded:
            end = buffer.find(HEAD_END)
            if end < 0:
                return None
            self._upgraded = buffer.startswith(b"HTTP/1.1 101")
            return end + len(HEAD_END) if self._upgraded else len(buffer)
        return frame_length(buffer)


def frame_length(buffer: bytearray) -> int | None:
    """Return the length of the frame that unmasked bytes begin with, header and all; None while it is not known."""
    if len(buffer) < 2:
        return None
    short = buffer[1] & 0x7F
    extra = {126: 2, 127: 8}.get(short, 0)
    if len(buffer) < 2 + extra:
        return None
    return 2 + extra + (int.from_bytes(buffer[2 : 2 + extra], "big") if extra else short)
