"""One small conversation, held by either client on a real socket: everything a test wants to know comes back."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import trio

import auricle.transports.asyncio as asyncio_transport
import auricle.transports.trio as trio_transport
from auricle.core import ClientEvent, Final, Limits, SessionClosed, Start
from auricle.transports.client import BaseClient
from auricle.transports.errors import SessionOver

Backend = Literal["trio", "asyncio"]
BACKENDS: tuple[Backend, ...] = ("trio", "asyncio")
PATIENCE_S = 60.0
"""Real seconds after which a conversation counts as hung."""


@dataclass
class Talk:
    """What a conversation came to."""

    events: list[ClientEvent] = field(default_factory=list)

    @property
    def closed(self) -> SessionClosed:
        assert isinstance(self.events[-1], SessionClosed)
        return self.events[-1]

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Final)]


def talk(
    backend: Backend,
    url: str,
    *,
    chunks: list[bytes],
    limits: Limits | None = None,
    config: Start | None = None,
    allow_legacy: bool = False,
    ssl_context: ssl.SSLContext | None = None,
    ends: int = 1,
    on_event: Callable[[ClientEvent], None] = lambda event: None,
) -> Talk:
    """Connect, send, end the input, read to the end. Raises what `connect` raises; a hang is a failure."""
    result = Talk()

    async def converse(client: BaseClient) -> None:
        with suppress(SessionOver):  # a session may end while we are still sending; the events say how
            for chunk in chunks:
                await client.send_audio(chunk)
        for _ in range(ends):
            await client.end_input()
        async for event in client:
            result.events.append(event)
            on_event(event)

    arguments: dict[str, Any] = {
        "config": config,
        "limits": limits,
        "allow_legacy": allow_legacy,
        "ssl_context": ssl_context,
    }

    async def with_trio() -> None:
        with trio.fail_after(PATIENCE_S):
            async with trio_transport.connect(url, **arguments) as client:
                await converse(client)

    async def with_asyncio() -> None:
        async with asyncio.timeout(PATIENCE_S), asyncio_transport.connect(url, **arguments) as client:
            await converse(client)

    if backend == "trio":
        trio.run(with_trio)
    else:
        asyncio.run(with_asyncio())
    return result
