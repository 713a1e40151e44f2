"""The key of a telephone call, which comes with its first messages: Twilio sends no headers and no query."""

import json
from typing import Final

import trio

from auricle.core import Frame
from auricle.server.dialects.keys import KEY_PARAMETER, twilio_call_key
from auricle.transports.trio.first_frame import PushbackWire
from auricle.transports.wire import Wire, WireLost

LATE_KEYS: Final = ("/v1/twilio",)
"""Paths whose clients have their key in their first messages."""
MOST_FRAMES: Final = 3
"""Frames in which ``start`` comes: ``connected`` is before it."""


async def read_call_key(wire: Wire, timeout_s: float) -> tuple[str | None, Wire]:
    """Return the key of a call, None where it has none, and the wire to go on with, on which no key is left.

    Waits for ``timeout_s`` seconds at most.
    """
    frames: list[Frame] = []
    key = None
    with trio.move_on_after(timeout_s):
        try:
            while key is None and len(frames) < MOST_FRAMES:
                frame = await wire.receive()
                key = twilio_call_key(frame)
                frames.append(frame if key is None else without_key(frame))
        except WireLost:
            pass
    for frame in reversed(frames):
        wire = PushbackWire(wire, frame)
    return key, wire


def without_key(frame: Frame) -> str:
    """Return a ``start`` message without its key: from here on the frames of a session may be written down."""
    body = json.loads(frame)
    del body["start"]["customParameters"][KEY_PARAMETER]
    return json.dumps(body)
