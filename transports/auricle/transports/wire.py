"""The interface between a driver and a transport: whole messages in order, and distinct kinds of loss.

Anything that carries ordered messages can be a wire: a WebSocket, length-prefixed TCP, a pair of queues in a test.
The interface is the same for trio and asyncio; an implementation is for one of them.
"""

from typing import Protocol

from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.outputs import Frame
from auricle.core.stimuli import LossKind


class WireLost(Exception):
    """The wire is lost. ``how`` is the kind of loss: the peer's Close frame (``eof``), a broken connection (``reset``),
    one that never opened (``refused``), one that takes no more data (``stalled``). ``code`` is a WebSocket close code.
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
        """The negotiated subprotocol, None where none was negotiated."""

    async def receive(self) -> Frame:
        """Return the next message. Raises `WireLost` once there are no more. A cancel loses no message."""

    async def send(self, frame: Frame) -> None:
        """Send one message. Raises `WireLost`. A cancelled send leaves the wire unusable: abort it."""

    async def close(self, code: int, reason: str) -> None:
        """Do the closing handshake: send the close, and go on reading until the peer's close has arrived.

        Has no timeout: the core's close timer bounds it. `receive` raises `WireLost` when the handshake is complete.
        """

    async def abort(self) -> None:
        """Drop the connection at once. Idempotent; `receive` and `send` raise `WireLost` from then on."""
