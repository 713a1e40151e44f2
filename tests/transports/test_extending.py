"""docs/extending.md keeps its word: the example passes the kit, and carries a session of ours from end to end."""

import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from auricle.core import AudioReceived, ClientSession, Final, InputFinished, ServerInfo, SessionClosed, Start, Started
from auricle.transports.testing.transport import CHECKS, TRICKLING, Check, run_check
from auricle.transports.testing.trio import Trickle, TrioLoop, check_transport
from auricle.transports.trio.client import Client, run_client
from auricle.transports.trio.server import Connection, serve_wire
from auricle.transports.wire import Wire, WireLost

ROOT = Path(__file__).parents[2]
EXAMPLE = runpy.run_path(str(ROOT / "examples" / "unix_socket_transport.py"))
SocketWire, greet, open_unix_socket = EXAMPLE["SocketWire"], EXAMPLE["greet"], EXAMPLE["open_unix_socket"]
SECOND = bytes(32_000)


@asynccontextmanager
async def pair_over(wrap: Any) -> AsyncIterator[tuple[Wire, Wire]]:
    ends = [SocketWire(wrap(trio.SocketStream(end))) for end in trio.socket.socketpair()]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(greet, ends[0])
        await greet(ends[1])
    try:
        yield ends[0], ends[1]
    finally:
        with trio.CancelScope(shield=True):
            await ends[0].abort()
            await ends[1].abort()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_example_passes_the_kit(check: Check) -> None:
    trio.run(run_check, TrioLoop(), check, lambda: pair_over(lambda stream: stream))


@pytest.mark.parametrize("check", TRICKLING, ids=lambda check: check.__name__)
def test_the_example_passes_it_byte_by_byte(check: Check) -> None:
    trio.run(run_check, TrioLoop(), check, lambda: pair_over(Trickle))


def test_the_whole_kit_is_one_call() -> None:
    trio.run(check_transport, lambda: pair_over(lambda stream: stream), lambda: pair_over(Trickle))


async def answer(connection: Connection) -> None:
    """The smallest engine: a final for every piece of audio."""
    session = connection.session
    async for event in connection:
        match event:
            case Started():
                await connection.do(lambda now: session.accept("s", ServerInfo(name="echo"), now=now))
            case AudioReceived(end_sample=end):
                await connection.do(lambda now, end=end: session.progress(end, now=now))  # type: ignore[misc]
                said = f"{end} samples"
                await connection.do(
                    lambda now, end=end, said=said: session.final(  # type: ignore[misc]
                        said, end_sample=end, start_s=0.0, end_s=0.1, confidence=1.0, reason="endpoint", now=now
                    )
                )
            case InputFinished():
                await connection.do(lambda now: session.finish(now=now))
            case _:
                pass


def test_a_session_over_the_example_is_complete(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    async def serve(stream: trio.abc.Stream) -> None:
        async with serve_wire(await greet(SocketWire(stream))) as connection:
            await answer(connection)

    async def main() -> None:
        with trio.socket.socket(trio.socket.AF_UNIX) as listening:
            await listening.bind(path)
            listening.listen()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.serve_listeners, serve, [trio.SocketListener(listening)])
                session = ClientSession(Start(), now=trio.current_time())
                async with run_client(Client(session, lambda: open_unix_socket(path))) as client:
                    await client.send_audio(SECOND)
                    await client.end_input()
                    events = [event async for event in client]
                nursery.cancel_scope.cancel()
        assert [event.text for event in events if isinstance(event, Final)] == ["16000 samples"]
        assert isinstance(events[-1], SessionClosed)
        assert events[-1].complete is True

    trio.run(main)


def test_nobody_there_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(WireLost) as caught:
            async with open_unix_socket(str(tmp_path / "nothing")):
                pass
        assert caught.value.how == "refused"

    trio.run(main)
