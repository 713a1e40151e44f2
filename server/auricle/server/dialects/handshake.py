"""What a dialect is asked when a client connects, and what it answers: the session that this opens, or none."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from auricle.core import Frame, Limits
from auricle.core.dialect import Dialect
from auricle.core.messages import Message
from auricle.core.parts import AudioFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """The request of a client. ``query`` and ``subprotocols`` may hold a token: the ``repr`` leaves them out."""

    session_id: str
    query: str = field(default="", repr=False)
    """As it was sent, still percent-encoded."""
    subprotocols: tuple[str, ...] = field(default=(), repr=False)
    created: datetime
    limits: Limits = field(default_factory=Limits)
    """Those of the server."""
    models: tuple[str, ...] = ()
    """The models that a client may name; any other name means the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Compressed audio in the binary frames of a client. What the dialect gets of it is `DECODED`."""

    kind: Literal["opus", "container"]
    """Single Opus packets, or a container of any kind, from its beginning on."""
    is_end: Callable[[Frame], bool]
    """Whether a frame of the client says that there is no more audio."""


DECODED: Final = AudioFormat(encoding="pcm_s16le", sample_rate=16_000)
"""Compressed audio, once it is decoded: the rate of the engines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Accept the handshake, with a session in this dialect."""

    dialect: Dialect
    messages: tuple[Message, ...] = ()
    """What the handshake says: ``start``, where the client's configuration is in it, and what it is greeted with."""
    subprotocol: str | None = None
    """The one to select; never one that holds a token."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the response."""
    limits: Limits | None = None
    """Limits of the session, where they differ from the server's."""
    media: "Media | None" = None
    """How the client's audio is compressed, where it is; the dialect then gets PCM."""
    feed: str | None = None
    """The client takes no answers: they go to the feed that the first of them names (``callSid``, ``streamSid``), and
    this frame stands for the end of the connection. None: the client is answered."""


@dataclass(frozen=True, slots=True)
class FeedSubscription:
    """Accept a listener to the feed of this name."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Refuse the handshake, with an HTTP response in the words of the dialect."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of a JSON response. A new list each time: trio-websocket appends to it."""
        named = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Connection", "close"))
        return [(name.encode(), value.encode()) for name, value in (*named, *self.headers)]


OpenDialect = Callable[[Handshake], Opening | FeedSubscription | Refused]
"""Opens a session for a handshake. Never raises."""
