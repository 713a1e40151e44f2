"""Close a connection so that the peer can read the last thing it was told."""

from typing import Final

import trio

from auricle.server.replay import Replay

LINGER_S: Final = 2.0
"""Seconds the peer has to read our last words and close."""
DISCARD_BYTES: Final = 64 * 1024


async def linger(stream: Replay) -> None:
    """End our side, discard what the peer still sends until it ends its own or `LINGER_S` are over, and close.

    "A socket closed with unread bytes is reset, and a reset wipes finals the client has not read yet" (DESIGN.md §5);
    the same holds for a 400 and for a Close frame with 1009. A peer that was told nothing is not waited for.
    """
    try:
        if stream.answered and not (stream.closed or stream.broken):
            with trio.move_on_after(LINGER_S):
                await _discard(stream)
    finally:
        await trio.aclose_forcefully(stream)


async def _discard(stream: Replay) -> None:
    try:
        await stream.send_eof()
        while await stream.receive_some(DISCARD_BYTES):
            pass
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return
