"""Lingering close: end a connection so that the peer still receives the last response or Close frame."""

from typing import Final

import trio

from auricle.server.http.buffered_stream import BufferedStream

LINGER_S: Final = 2.0
"""Seconds that the peer gets to read what was sent and to close."""
DISCARD_BYTES: Final = 64 * 1024


async def close_lingering(stream: BufferedStream) -> None:
    """Send end-of-file, discard incoming data until the peer closes or `LINGER_S` seconds have passed, and close.

    "A socket closed with unread bytes is reset, and a reset wipes finals the client has not read yet" (DESIGN.md §5);
    the same holds for a 400 and for a Close frame with 1009. Where nothing was sent, the connection closes at once.
    """
    try:
        if stream.answered and not (stream.closed or stream.broken):
            with trio.move_on_after(LINGER_S):
                await _discard(stream)
    finally:
        await trio.aclose_forcefully(stream)


async def _discard(stream: BufferedStream) -> None:
    try:
        await stream.send_eof()
        while await stream.receive_some(DISCARD_BYTES):
            pass
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return
