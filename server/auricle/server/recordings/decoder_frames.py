"""What the server and a decoder apart say to each other over a socket pair: frames of a kind, a length and bytes.

The decoder asks for the bytes of the recording, one request at a time, and the server answers. Nothing that it says
chooses anything in the server: it is numbers, audio and text.
"""

import socket
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, Self

HEAD: Final = struct.Struct("!cI")
POSITION: Final = struct.Struct("!q")
SEEK: Final = struct.Struct("!qB")
COUNT: Final = struct.Struct("!I")
TASK: Final = struct.Struct("!??I")
MOST_BYTES: Final = 1 << 20
"""Of one frame. Audio is told in pieces far below it, and a read is cut to it."""

CANCELLED: Final = b"cancelled"
"""Says that the channels of the recording cancel each other."""


class Kind(Enum):
    """The kinds of frames, each with what it holds."""

    TASK = b"t"
    """To the decoder, as the first: a `Task`."""
    BYTES = b"b"
    """To the decoder: bytes of the recording, none at its end."""
    NUMBER = b"n"
    """To the decoder, a `POSITION`: in the recording, -1 where that is none; or how long a chunk is to be, in ms."""
    READ = b"r"
    """To the server: the most bytes that are wanted, a `COUNT`."""
    SEEK = b"s"
    """To the server: an offset and where it counts from, a `SEEK`."""
    OPENED = b"o"
    """To the server, once: the recording can be read. The answer is how long a chunk is to be."""
    CHUNK = b"c"
    """To the server: audio, mono ``pcm_s16le`` at 16 kHz."""
    FAILED = b"f"
    """To the server, as the last: the problem, and behind a line feed the remedy."""
    DONE = b"d"
    """To the server, as the last: all audio has been told. It may hold `CANCELLED`."""


class BadFrame(Exception):
    """What came is no frame, or is cut."""


class Frame(NamedTuple):
    """One frame."""

    kind: Kind
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be decoded."""

    is_live: bool
    """Whether it comes as it is spoken, and is told as soon as it can be; else it is a recording, told in chunks."""
    is_seekable: bool = False
    channel: int | None = None
    """The only one that is taken, counted from 1; None: the average of all."""

    @property
    def packed(self) -> bytes:
        """The body of its frame."""
        return TASK.pack(self.is_live, self.is_seekable, self.channel or 0)

    @classmethod
    def unpacked(cls, body: bytes) -> Self:
        """Return the task in the body of a frame."""
        is_live, is_seekable, channel = TASK.unpack(body)
        return cls(is_live=is_live, is_seekable=is_seekable, channel=channel or None)


def send(end: socket.socket, kind: Kind, body: bytes = b"") -> None:
    """Send a frame. Raises `OSError` where nobody is there, and `TimeoutError` where it is not taken in time."""
    end.sendall(HEAD.pack(kind.value, len(body)) + body)


def receive(end: socket.socket) -> Frame:
    """Receive a frame. Raises `BadFrame`, and `OSError` as `send`."""
    kind, length = HEAD.unpack(_exactly(end, HEAD.size))
    if length > MOST_BYTES:
        raise BadFrame(f"a frame of {length} bytes")
    try:
        return Frame(Kind(kind), _exactly(end, length))
    except ValueError:
        raise BadFrame(f"a frame of the kind {kind!r}") from None


def _exactly(end: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        more = end.recv(count - len(data))
        if not more:
            raise BadFrame("the end")
        data += more
    return bytes(data)
