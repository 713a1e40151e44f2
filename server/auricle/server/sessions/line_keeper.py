"""Pings on the WebSockets of clients whose dialect has none, so that proxies do not take a quiet line for a dead one.

A pong that does not come is nobody's end: on a busy machine it may be late, and the idle timer is the judge
(wire-protocols F9).
"""

from typing import Final

import trio

from auricle.core.session import Session
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import WireLost

PING_INTERVAL_S: Final = 20.0
"""Seconds between two pings: proxies hang up after 60 s as a rule."""


async def keep_line(wire: WebSocketWire, session: Session) -> None:
    """Ping, for as long as the wire is open and the session's client has no ping of its own."""
    try:
        while True:
            await trio.sleep(PING_INTERVAL_S)
            if session.snapshot.legacy:
                with trio.move_on_after(PING_INTERVAL_S):
                    await wire.ping()
    except WireLost:
        return
