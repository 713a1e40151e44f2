"""A client in the server's own process: whoever uploads a recording has a session like any other.

Credit, accounting, admission and drain are those of every session; only the wire is a pair of queues.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import trio

from auricle.core import ClientSession, Limits, Start
from auricle.transports.errors import ConnectFailed
from auricle.transports.in_memory_wire import memory_pair
from auricle.transports.tracing import traced
from auricle.transports.trio.client import Client, run_client
from auricle.transports.wire import Wire


@asynccontextmanager
async def local_client(
    config: Start, serve: Callable[[Wire], Awaitable[object]], limits: Limits
) -> AsyncIterator[Client]:
    """Run a client whose server is ``serve`` on the other end of its wire, for the length of the block.

    Leaving the block ends the session, and waits for its server's end of it. Raises `ConnectFailed` where the session
    is refused.
    """
    once = replace(limits, max_reconnects=0)  # there is one wire, and whoever is refused decides about another try
    session = traced(ClientSession)(config, now=trio.current_time(), limits=once)
    refused: ConnectFailed | None = None
    async with memory_pair(trio.Event) as (ours, theirs), trio.open_nursery() as nursery:
        nursery.start_soon(serve, theirs)
        try:
            async with run_client(Client(session, lambda: _held(ours))) as client:
                client.warns_after_s = None  # an upload may pause
                yield client
        except ConnectFailed as error:
            refused = error
    if refused is not None:
        raise refused


@asynccontextmanager
async def _held(wire: Wire) -> AsyncIterator[Wire]:
    try:
        yield wire
    finally:
        with trio.CancelScope(shield=True):
            await wire.abort()
