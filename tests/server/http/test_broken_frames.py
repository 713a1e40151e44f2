"""Clients that break RFC 6455, and clients that flood: each is told why, the log has one line, and the others go on."""

import contextlib
import logging

import pytest
import trio
from trio.testing import MockClock, trio_test

from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, running_server
from auricle.server.dialects.paths import AUDIO_IN_TEXT
from auricle.transports.address import parse_address
from auricle.transports.trio.frame_budget import BURST, PER_S, SMALL_BYTES
from auricle.transports.trio.websocket_connection import FRAMES_PER_TURN
from server.http.listener_harness import CLOSE, FAR_S, TEXT, connected, frame, read_all, read_until, upgrade_request

BINARY, PONG = 0x2, 0xA
START = frame(TEXT, b'{"type":"start"}')

BREACHES = {
    "bad UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "an unmasked frame": (b"\x81\x01x", 1002),
    "a bad opcode": (frame(0x3, b"x"), 1002),
    "a bad control opcode": (frame(0xB), 1002),
    "reserved bits": (b"\xc1" + frame(TEXT, b"x")[1:], 1002),
    "a continuation of nothing": (frame(0x0, b"x"), 1002),
    "a message within a message": (b"\x01" + frame(TEXT, b"x")[1:] + frame(TEXT, b"x"), 1002),
    "a ping of 126 bytes": (b"\x89\xfe\x00\x7e" + bytes(4 + 126), 1002),
    "a ping in fragments": (b"\x09" + frame(0x9, b"x")[1:], 1002),
    "a Close with half a code": (frame(0x8, b"\x03"), 1002),
    "a Close with a code that is none": (frame(0x8, b"\x03\xed"), 1002),
    "a Close with bad UTF-8": (frame(0x8, b"\x03\xe8\xff"), 1007),
    "a message of 2 MiB": (b"\x82\xff" + (1 << 21).to_bytes(8) + bytes(4) + bytes(1 << 21), 1009),
}


def fragments(count: int) -> bytes:
    """The beginning of a binary message, and as many empty fragments of it."""
    return b"\x02\x80" + bytes(4) + (b"\x00\x80" + bytes(4)) * count


FLOODS = {
    "empty fragments": fragments(3 * BURST),
    "empty frames": frame(BINARY) * 3 * BURST,
    "frames of a byte": frame(BINARY, b"x") * 3 * BURST,
    "pongs": frame(PONG) * 3 * BURST,
    "texts of a later version": frame(TEXT, b'{"type":"sing"}') * 3 * BURST,
}


@pytest.fixture
def clock() -> MockClock:
    return MockClock(autojump_threshold=0)


async def converse(url: str, said: bytes) -> bytes:
    """Say these bytes on a new WebSocket with a session, and return all that is answered."""
    address = parse_address(url)
    async with await trio.open_tcp_stream(address.host, address.port) as client:
        await client.send_all(upgrade_request() + START)
        received = await read_until(client, b'"ready"')
        rest = b""

        async def read() -> None:
            nonlocal rest
            rest = await read_all(client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            with contextlib.suppress(trio.BrokenResourceError):
                await client.send_all(said)
        return received + rest


def close_code(received: bytes) -> int:
    """Return the code of the Close frame at the end: one of less than 126 bytes."""
    at = received.rindex(b"\x88")
    assert len(received) == at + 2 + received[at + 1], received[-200:]
    return int.from_bytes(received[at + 2 : at + 4])


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(("said", "code"), BREACHES.values(), ids=BREACHES)
def test_a_breach_of_the_websocket_protocol_is_told(said: bytes, code: int, caplog: pytest.LogCaptureFixture) -> None:
    """With a Close frame, one line in the log, and the end of the session, which holds its place no longer."""

    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
                assert close_code(await converse(server.url, said)) == code
                while server.sessions:
                    await trio.testing.wait_all_tasks_blocked()

    trio.run(scenario)
    (line,) = complaints(caplog)
    assert str(code) in line


@pytest.mark.parametrize("said", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_frames_that_say_nothing_is_ended_and_told(said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever of it is still on its way, the Close frame arrives: nothing resets the connection before."""

    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
                received = await converse(server.url, said)
                assert close_code(received) == 1008
                assert b"small frames" in received
                while server.sessions:
                    await trio.testing.wait_all_tasks_blocked()

    trio.run(scenario)
    (line,) = complaints(caplog)
    assert "small frames" in line


def test_what_floods_in_after_the_end_is_discarded_and_the_end_arrives() -> None:
    """An empty text is no message: the session ends at the first one, and its last words must not be reset away."""

    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
                received = await converse(server.url, frame(TEXT) * 3 * BURST + frame(CLOSE, b"\x03\xe8"))
                assert b'"bad_message"' in received
                assert b'"closed"' in received
                assert close_code(received) == 1007

    trio.run(scenario)


@trio_test
async def test_as_many_small_frames_as_are_allowed_do_no_harm(clock: MockClock) -> None:
    async with connected() as (client, _server):
        await client.send_all(upgrade_request() + frame(TEXT, b"x") * BURST)
        for _ in range(30):
            await trio.sleep(1.0)
            await client.send_all(frame(PONG) * PER_S)
        await trio.sleep(1.0)
        await client.send_all(frame(TEXT, b"still here"))
        await read_until(client, b"still here")


@trio_test
async def test_frames_of_audio_are_not_counted(clock: MockClock) -> None:
    async with connected() as (client, _server):
        await client.send_all(upgrade_request() + frame(BINARY, bytes(SMALL_BYTES)) * 2 * BURST)
        await client.send_all(frame(TEXT, b"still here"))
        await read_until(client, b"still here")


@pytest.mark.parametrize("path", sorted(AUDIO_IN_TEXT))
@trio_test
async def test_audio_in_text_is_not_counted_where_a_dialect_has_it_there(path: str, clock: MockClock) -> None:
    """A recording that is streamed at once has thousands of messages."""
    async with connected() as (client, _server):
        await client.send_all(upgrade_request(path) + frame(TEXT, b"x" * SMALL_BYTES) * 2 * BURST)
        await client.send_all(frame(TEXT, b"still here"))
        await read_until(client, b"still here")


@trio_test
async def test_the_others_have_their_turn_while_a_chunk_of_empty_fragments_is_parsed() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with connected() as (client, _server):
        await client.send_all(upgrade_request())
        await read_until(client, b"\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            await client.send_all(fragments(BURST // 2) + frame(0x9, b"?"))
            nursery.start_soon(others)
            await read_until(client, b"?")
            nursery.cancel_scope.cancel()
    assert turns >= BURST // 2 // FRAMES_PER_TURN
