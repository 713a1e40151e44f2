"""The seam between a driver and a transport: whole messages in order, and three different ways to end.

Anything that can carry ordered messages can be a wire: a WebSocket, length-prefixed TCP, a pair of queues in a test.
The shape is the same for trio and asyncio; an implementation belongs to one of them.
"""

from typing import Protocol

from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.outputs import Frame
from auricle.core.stimuli import LossKind


class WireLost(Exception):
    """The wire is gone. ``how`` keeps the ends apart: the peer's Close frame or end of file (``eof``), a broken
    connection (``reset``), one that never opened (``refused``), one that takes no more data (``stalled``).
    """

    def __init__(self, how: LossKind, code: int = ABNORMAL_CLOSURE, reason: str = "") -> None:
        super().__init__(f"{how} ({code}){': ' if reason else ''}{reason}")
        self.how = how
        self.code = code
        self.reason = reason


class Wire(Protocol):
    """An open transport. `receive` is called by one task and `send`/`close` by one other."""

    @property
    def subprotocol(self) -> str | None:
        """What the two ends agreed to speak, None where nothing was negotiated."""

    async def receive(self) -> Frame:
        """Return the next message. Raises `WireLost` once there can be no more; never loses a message to a cancel."""

    async def send(self, frame: Frame) -> None:
        """Send one message. Raises `WireLost`. A cancelled send leaves the wire unusable: abort it."""

    async def close(self, code: int, reason: str) -> None:
        """Do the closing handshake: say that nothing more will come, go on reading until the peer has said so too.

        Not bounded in time: the core's close timer is. `receive` raises `WireLost` when it is done.
        """

    async def abort(self) -> None:
        """Drop the connection at once. Idempotent; `receive` and `send` raise `WireLost` from then on."""
