"""Audio that is heard at once: in its place among the other events, and among them again when nobody hears it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from auricle.core import AudioReceived, FlushRequested, Limits, ServerInfo, Start, Started
from auricle.core.client import ClientSession
from auricle.transports.in_memory_wire import memory_pair
from auricle.transports.trio.client import Client, run_client
from auricle.transports.trio.server import Connection, serve_wire

FRAME = bytes(640)
PATIENCE_S = 20.0


def test_audio_is_heard_in_its_place_and_the_rest_is_read() -> None:
    order: list[str] = []

    async def serve(wire) -> None:
        async with serve_wire(wire, limits=Limits()) as connection:
            connection.hear_audio(lambda event: order.append(f"heard {event.end_sample}"))
            async for event in connection:
                match event:
                    case Started():
                        connection.post(
                            lambda now: connection.session.accept("s", ServerInfo(name="n"), resume_token=None, now=now)
                        )
                    case AudioReceived():
                        order.append(f"read {event.end_sample}")
                    case FlushRequested(id=flush, at_sample=at):
                        order.append(f"flush {at}")
                        connection.hear_audio(None)
                        connection.post(lambda now: connection.session.progress(at, now=now))
                        connection.post(lambda now: connection.session.flushed(flush, at, now=now))
                    case _:
                        order.append(type(event).__name__)
                        connection.post(lambda now: connection.session.fail("internal", "over", now=now))

    async def scenario() -> None:
        with trio.fail_after(PATIENCE_S):
            session = ClientSession(Start(resume=False), now=trio.current_time(), limits=Limits(max_reconnects=0))
            async with memory_pair(trio.Event) as (ours, theirs), trio.open_nursery() as nursery:
                nursery.start_soon(serve, theirs)
                async with run_client(Client(session, lambda: held(ours))) as client:
                    await client.send_audio(FRAME * 2)
                    await client.send_audio(FRAME)
                    await client.flush()
                    async for event in client:
                        if type(event).__name__ == "Flushed":
                            break
                    await client.send_audio(FRAME)
                    await client.end_input()
                    _ = [event async for event in client]
                nursery.cancel_scope.cancel()

    trio.run(scenario)
    heard = [each for each in order if each.startswith("heard")]
    assert heard[-1] == "heard 960"
    assert order.index(heard[-1]) < order.index("flush 960"), "audio comes before the flush that is behind it"
    assert order[order.index("flush 960") + 1] == "read 1280", "nobody hears it any more, so it is read"


@asynccontextmanager
async def held(wire) -> AsyncIterator:
    yield wire


def test_audio_waits_behind_what_is_not_read_yet() -> None:
    async def scenario() -> None:
        heard: list[int] = []
        async with memory_pair(trio.Event) as (_, theirs):
            connection = Connection(theirs, Limits(), 0.0)
            connection.hear_audio(lambda event: heard.append(event.end_sample))
            connection._emit(AudioReceived(start_sample=0, end_sample=1))
            connection._emit(FlushRequested(id="f", at_sample=1))
            connection._emit(AudioReceived(start_sample=1, end_sample=2))
            assert heard == [1]
            assert [type(event).__name__ for event in connection._events] == ["FlushRequested", "AudioReceived"]

    trio.run(scenario)
