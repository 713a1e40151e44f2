"""`Dialect`: pure translation between frames and messages. It holds no socket, no clock and no policy.

A session uses exactly one dialect with its peer. `V1` is the identity; `auricle.core.legacy` is another, and servers
have those of other services (``auricle.server.dialects``). Dialects are immutable: decoding and encoding return the
dialect to use from now on, which holds what its peer has to be told and no message says.
"""

from typing import NamedTuple, Protocol

from auricle.core import codec
from auricle.core.codec import Decoded
from auricle.core.limits import Limits
from auricle.core.messages import Closed, Message
from auricle.core.outputs import Frame
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role
from auricle.core.stimuli import Lose


class Dialect(Protocol):
    """How messages are encoded on the wire of one session."""

    @property
    def legacy(self) -> bool:
        """Whether the peer lacks credit, acks and coverage."""

    def decode(self, frame: Frame, s: Snapshot) -> "tuple[Dialect, tuple[Decoded, ...]]":
        """Return the dialect from now on and the messages in a frame, `Answer` among them. Never raises."""

    def encode(self, message: Message, s: Snapshot) -> "tuple[Dialect, tuple[Frame, ...]]":
        """Return the dialect from now on and the frames of ``message``: none where this dialect has none for it."""

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return the code and the reason of the Close frame; ``code`` and ``reason`` are those of ``auricle.v1``."""

    def conclude(self, lost: Lose, s: Snapshot) -> Closed | None:
        """Return the ``closed`` that the end of this transport implies, None where it implies none."""


class V1(NamedTuple):
    """``auricle.v1`` itself."""

    peer: Role
    limits: Limits
    legacy: bool = False

    def decode(self, frame: Frame, s: Snapshot) -> tuple[Dialect, tuple[Decoded, ...]]:
        """Decode one message; an empty binary frame is ignored (wire-protocols §3.2)."""
        if frame == b"":
            return self, ()
        return self, (codec.decode(frame, self.peer, self.limits),)

    def encode(self, message: Message, s: Snapshot) -> tuple[Dialect, tuple[Frame, ...]]:
        """Encode any message."""
        return self, (codec.encode(message),)

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return them as they are."""
        return code, reason

    def conclude(self, lost: Lose, s: Snapshot) -> Closed | None:
        """Return None: a close without ``closed`` is never a success."""
        return None
