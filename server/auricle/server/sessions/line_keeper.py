"""Pings on the WebSockets of clients whose dialect has none, so that proxies do not take a quiet line for a dead one.

A pong that does not come is nobody's end: on a busy machine it may be late, and the idle timer is the judge
(wire-protocols F9).
"""

import trio

from auricle.core.session import Session
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import WireLost


async def keep_line(wire: WebSocketWire, session: Session, interval_s: float) -> None:
    """Ping every ``interval_s`` seconds, for as long as the wire is open and its client has no ping of its own."""
    try:
        while True:
            await trio.sleep(interval_s)
            if session.snapshot.legacy:
                with trio.move_on_after(interval_s):
                    await wire.ping()
    except WireLost:
        return
