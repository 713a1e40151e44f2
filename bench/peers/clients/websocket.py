"""What the clients on WebSockets share: a connection, JSON messages, and speaking while listening."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

LARGEST_BYTES: Final = 64 * 1024 * 1024
"""Of a message: some servers send the whole transcript again with each word."""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a WebSocket for the length of the block."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=LARGEST_BYTES) as socket:
        yield socket


async def messages(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON objects that come, until the server closes. Raises `ConnectionError` where it just goes."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            yield json.loads(message.data)
    if socket.close_code not in (1000, 1001, None):
        raise ConnectionError(f"the server closed with {socket.close_code}")


async def speak_and_listen(speak: Awaitable[None], listen: Awaitable[None]) -> None:
    """Do both; whoever fails first ends both, and when the server has said all, nobody speaks on."""
    speaking, listening = asyncio.ensure_future(speak), asyncio.ensure_future(listen)
    try:
        await asyncio.wait((speaking, listening), return_when=asyncio.FIRST_EXCEPTION)
        for task in (listening, speaking):
            if task.done():
                task.result()
    finally:
        for task in (speaking, listening):
            task.cancel()
        await asyncio.gather(speaking, listening, return_exceptions=True)
