"""The frame budget: how many small WebSocket frames a peer may send. Pure: the time is passed in.

Credit bounds audio, and the size of a message is bounded, but a frame may hold nothing, and costs as much to parse as
one that holds audio. So a frame with audio in it is free, and every other one is taken from a budget that time refills.
"""

from typing import Final

SMALL_BYTES: Final = 64
"""Audio in a frame that costs nothing: 2 ms at 16 kHz and 16 bits, 8 ms of a telephone's. In bytes."""
PER_S: Final = 200
"""Other frames that may come in a second, for ever: more than any client has to say."""
BURST: Final = 2_000
"""Other frames that may come at once, after a silence."""


class FrameBudget:
    """The budget of one connection, full at the beginning. ``now`` is a time in seconds that does not go back."""

    def __init__(self, *, now: float) -> None:
        self._left = float(BURST)
        self._at = now

    def allows(self, audio_bytes: int, *, now: float) -> bool:
        """Take a frame with so many bytes of audio, 0 for one of any other kind; return whether it was allowed."""
        self._left = min(float(BURST), self._left + (now - self._at) * PER_S)
        self._at = now
        if audio_bytes < SMALL_BYTES:
            self._left -= 1
        return self._left >= 0
