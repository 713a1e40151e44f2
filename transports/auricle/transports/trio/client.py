"""The trio client: `connect` and `Client`."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import getrandbits

import trio

from auricle.core import ClientSession, Limits, Start
from auricle.transports.address import parse_address
from auricle.transports.client import BaseClient
from auricle.transports.connecting import Connecting, check_arguments
from auricle.transports.driver import OpenWire, Signal
from auricle.transports.tracing import secret_headers, traced
from auricle.transports.trio.driver import Driver
from auricle.transports.trio.websocket import open_websocket
from auricle.transports.wire import Wire


class Client(BaseClient):
    """One session with a server. Made by `connect`.

    Iterate it for the events; the last is always a `SessionClosed`, whatever happens to the server or the network.
    """

    def __init__(self, session: ClientSession, open_wire: OpenWire) -> None:
        super().__init__(session, trio.Event)
        self._driver: Driver = Driver(session, open_wire=open_wire, opened=self._opened, emit=self._emit)
        self._over = trio.Event()

    async def aclose(self) -> None:
        """Close now: a session that is not complete is cancelled. Idempotent; waits until the connection is gone.

        Takes at most ``Limits.abort_timeout_s`` (``close_timeout_s`` after a regular end), even when cancelled.
        """
        with trio.CancelScope(shield=True):
            await self._driver.call(lambda now: self._session.abort(now=now))
            await self._over.wait()

    async def _wait_at_most(self, signal: Signal, timeout_s: float) -> bool:
        with trio.move_on_after(max(0.0, timeout_s)) as scope:
            await signal.wait()
        return not scope.cancelled_caught

    async def _run(self) -> None:
        try:
            await self._driver.run(self._session.connect(now=trio.current_time()))
        finally:
            self._over.set()


def connect(
    url: str,
    config: Start | None = None,
    *,
    api_key: str | None = None,
    limits: Limits | None = None,
    allow_legacy: bool = False,
    ssl_context: ssl.SSLContext | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> Connecting[Client]:
    """Connect to a server and yield a `Client` once it is ready; leaving the block closes the session.

    ``url`` is ``ws://``, ``wss://``, ``http://`` or ``https://``; without a path it gets ``/ws/transcribe``.
    ``allow_legacy`` accepts a server that speaks only the legacy dialect; its transcripts are unverified.

    Raises `TypeError` for arguments of other types; entered, `InvalidURL` for a malformed URL, and `ConnectFailed` when
    no session can be opened.
    """
    check_arguments(url, config)
    return Connecting(
        _connected(
            url, config or Start(), api_key=api_key, limits=limits or Limits(), allow_legacy=allow_legacy,
            ssl_context=ssl_context, headers=headers,
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
) -> AsyncIterator[Client]:
    address = parse_address(url)
    new_session = traced(ClientSession, secrets=[api_key, *secret_headers(headers)])
    session = new_session(
        config, now=trio.current_time(), limits=limits, allow_legacy=allow_legacy, seed=getrandbits(32)
    )
    authorization = [("Authorization", f"Bearer {api_key}")] if api_key else []

    def open_wire() -> AbstractAsyncContextManager[Wire]:
        # The id is known only once the session is ready, and its node is of use only when it is to be resumed.
        towards = address.towards(session.snapshot.recovery.session)
        return open_websocket(towards, [*headers, *authorization], ssl_context, limits.max_message_bytes)

    async with run_client(Client(session, open_wire)) as client:
        yield client


@asynccontextmanager
async def run_client(client: Client) -> AsyncIterator[Client]:
    """Run a client for the length of the block; use it for wires other than WebSockets.

    An exception of the block leaves it as it is, not wrapped in a group: the tasks beside it never raise. Raises
    `InternalError` where a mistake of ours, or of a wire, has ended the session.
    """
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client._run)
        try:
            await client._wait_until_ready()
            yield client
        except Exception as error:
            failure = error
        finally:
            await client.aclose()
    client._driver.raise_failure()
    if failure is not None:
        raise failure
