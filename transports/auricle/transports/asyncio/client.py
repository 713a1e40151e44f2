"""The asyncio client: `connect` and `Client`."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from random import getrandbits

from aiohttp import BaseConnector

from auricle.core import ClientSession, Limits, Start
from auricle.transports.address import parse_address
from auricle.transports.asyncio.driver import Driver
from auricle.transports.asyncio.tasks import cancel_and_wait
from auricle.transports.asyncio.websocket import open_websocket
from auricle.transports.client import BaseClient
from auricle.transports.connecting import Connecting, check_arguments
from auricle.transports.driver import OpenWire, Signal
from auricle.transports.tracing import secret_headers, traced
from auricle.transports.wire import Wire


class Client(BaseClient):
    """One session with a server. Made by `connect`.

    Iterate it for the events; the last is always a `SessionClosed`, whatever happens to the server or the network.
    """

    def __init__(self, session: ClientSession, open_wire: OpenWire) -> None:
        super().__init__(session, asyncio.Event)
        self._driver: Driver = Driver(session, open_wire=open_wire, opened=self._opened, emit=self._emit)
        self._task: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Close now: a session that is not complete is cancelled. Idempotent; waits until the connection is gone.

        Takes at most ``Limits.abort_timeout_s`` (``close_timeout_s`` after a regular end); cancelled, it drops the
        connection instead of waiting for the peer, and still leaves no task behind.
        """
        self._driver.post(lambda now: self._session.abort(now=now))
        if self._task is None:
            return
        try:
            await asyncio.wait([self._task])
        except asyncio.CancelledError:
            await cancel_and_wait(self._task)
            raise

    async def _wait_at_most(self, signal: Signal, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                await signal.wait()
        except TimeoutError:
            return False
        return True

    def _start(self) -> None:
        first = self._session.connect(now=asyncio.get_running_loop().time())
        self._task = asyncio.create_task(self._driver.run(first), name="auricle client")


def connect(
    url: str,
    config: Start | None = None,
    *,
    api_key: str | None = None,
    limits: Limits | None = None,
    allow_legacy: bool = False,
    ssl_context: ssl.SSLContext | None = None,
    headers: Sequence[tuple[str, str]] = (),
    connector: BaseConnector | None = None,
) -> Connecting[Client]:
    """Connect to a server and yield a `Client` once it is ready; leaving the block closes the session.

    ``url`` is ``ws://``, ``wss://``, ``http://`` or ``https://``; without a path it gets ``/ws/transcribe``.
    ``connector`` is one of aiohttp's that the application has (DNS, proxies, TLS), and stays open.
    ``allow_legacy`` accepts a server that speaks only the legacy dialect; its transcripts are unverified.

    Raises `TypeError` for arguments of other types; entered, `InvalidURL` for a malformed URL, and `ConnectFailed` when
    no session can be opened.
    """
    check_arguments(url, config)
    return Connecting(
        _connected(
            url, config or Start(), api_key=api_key, limits=limits or Limits(), allow_legacy=allow_legacy,
            ssl_context=ssl_context, headers=headers, connector=connector,
        )
    )  # fmt: skip


@asynccontextmanager
async def _connected(
    url: str,
    config: Start,
    *,
    api_key: str | None,
    limits: Limits,
    allow_legacy: bool,
    ssl_context: ssl.SSLContext | None,
    headers: Sequence[tuple[str, str]],
    connector: BaseConnector | None,
) -> AsyncIterator[Client]:
    address = parse_address(url)
    new_session = traced(ClientSession, secrets=[api_key, *secret_headers(headers)])
    session = new_session(
        config,
        now=asyncio.get_running_loop().time(),
        limits=limits,
        allow_legacy=allow_legacy,
        seed=getrandbits(32),
    )
    authorization = [("Authorization", f"Bearer {api_key}")] if api_key else []

    opening = open_websocket if connector is None else partial(open_websocket, connector=connector)

    def open_wire() -> AbstractAsyncContextManager[Wire]:
        # The id is known only once the session is ready, and its node is of use only when it is to be resumed.
        towards = address.towards(session.snapshot.recovery.session)
        return opening(towards, [*headers, *authorization], ssl_context, limits.max_message_bytes)

    async with run_client(Client(session, open_wire)) as client:
        yield client


@asynccontextmanager
async def run_client(client: Client) -> AsyncIterator[Client]:
    """Run a client for the length of the block; use it for wires other than WebSockets.

    Raises `InternalError` where a mistake of ours, or of a wire, has ended the session.
    """
    client._start()
    try:
        await client._wait_until_ready()
        yield client
    except Exception:
        await client.aclose()
        client._driver.raise_failure()
        raise
    finally:
        await client.aclose()
    client._driver.raise_failure()
