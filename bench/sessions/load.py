"""Many sessions from one thread: frames of 20 ms, masked beforehand, written to raw sockets at the pace of speech.

The sessions are spread over the 20 ms, as nobody's clocks agree. Answers are read and thrown away.
"""

import json
import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

FRAME_S: Final = 0.02
FRAME_BYTES: Final = 640
"""16-bit mono at 16 kHz."""
SLOTS: Final = 20
"""Sessions of one slot send together: a slot is a millisecond."""
READ_EVERY: Final = 5
"""Rounds of 20 ms between two looks at the answers."""
CLIENT_TIMEOUT_S: Final = 10.0
KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
MASK: Final = b"\x00\x00\x00\x00"
"""XOR with nothing: a server has the work of unmasking all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent."""

    messages: int
    elapsed_s: float
    behind: int
    """Messages that found the socket full: a server that does not keep up."""


def binary_frame(payload: bytes) -> bytes:
    """Return a masked binary frame of RFC 6455."""
    return _frame(0x82, payload)


def text_frame(text: str) -> bytes:
    """Return a masked text frame."""
    return _frame(0x81, text.encode())


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    head = struct.pack("!BB", first, 0x80 | length) if length < 126 else struct.pack("!BBH", first, 0x80 | 126, length)
    return head + MASK + payload


def connect(port: int, path: str, subprotocol: str | None, first: str | None) -> socket.socket:
    """Return a connection that has done its handshake, and said ``first`` and heard ``ready`` where there is one."""
    connection = socket.create_connection(("127.0.0.1", port), CLIENT_TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    offered = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    connection.sendall(
        (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n"
        ).encode()
    )
    _read_until(connection, b"\r\n\r\n")
    if first is not None:
        connection.sendall(text_frame(first))
        _read_until(connection, b'"ready"')
    connection.setblocking(False)
    return connection


def _read_until(connection: socket.socket, mark: bytes) -> None:
    heard = b""
    while mark not in heard:
        more = connection.recv(65_536)
        if not more:
            raise ConnectionError(f"the server has closed: {heard[-200:]!r}")
        heard += more


def start_message() -> str:
    """Return the ``start`` of an ordinary session."""
    return json.dumps({"type": "start"})


def talk(connections: Sequence[socket.socket], seconds: float) -> Sent:
    """Send audio on every connection for so long, at the pace of speech."""
    frame = binary_frame(os.urandom(FRAME_BYTES))
    slots = [connections[slot::SLOTS] for slot in range(SLOTS)]
    messages = behind = 0
    began = time.perf_counter()
    for round_ in range(round(seconds / FRAME_S)):
        for slot, members in enumerate(slots):
            wait_s = began + (round_ + slot / SLOTS) * FRAME_S - time.perf_counter()
            if wait_s > 0.0:
                time.sleep(wait_s)
            for connection in members:
                try:
                    sent = connection.send(frame)
                except BlockingIOError:
                    behind += 1
                    continue
                if sent < len(frame):
                    raise ConnectionError("a frame was cut: the server does not keep up")
                messages += 1
        if round_ % READ_EVERY == 0:
            read_away(connections)
    return Sent(messages=messages, elapsed_s=time.perf_counter() - began, behind=behind)


def read_away(connections: Sequence[socket.socket]) -> int:
    """Throw away what has been answered; return its bytes."""
    total = 0
    for connection in connections:
        with suppress(BlockingIOError):
            total += len(connection.recv(65_536))
    return total
