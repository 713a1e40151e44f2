"""WebSockets through the listener: the first bytes, the last bytes, and all that is wrong with a handshake."""

import socket
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, trio_test
from trio_websocket import ConnectionClosed, open_websocket_url

from auricle.core import Limits
from auricle.server.http.negotiation import Reject, negotiate
from auricle.server.http.upgrade import Upgrade
from server.http.listener_harness import (
    CLOSE,
    FAR_S,
    PING,
    TEXT,
    ask,
    connected,
    frame,
    listening,
    read_all,
    read_until,
    request,
    upgrade_request,
)

GOODBYE = frame(CLOSE, b"\x03\xe8")


@pytest.fixture
def clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@pytest.mark.parametrize("split", [None, 1, 50], ids=["in one packet", "after 1 byte", "after 50 bytes"])
@trio_test
async def test_frames_sent_with_the_request_are_not_lost(split: int | None) -> None:
    """hypercorn's trio worker ends at one byte here (operations.md §1.3); trio-websocket alone forgets the frames."""
    raw = upgrade_request() + frame(TEXT, b"early") + frame(TEXT, b"bird")
    with trio.fail_after(FAR_S):
        async with listening() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as client:
            await client.send_all(raw[:split])
            if split is not None:
                await client.send_all(raw[split:])
            received = await read_until(client, b"bird")
            assert received.startswith(b"HTTP/1.1 101 ")
            assert received.endswith(b"\x81\x05early" + b"\x81\x04bird")
            await client.send_all(GOODBYE)
            assert await read_all(client) == b"\x88\x02\x03\xe8"


@trio_test
async def test_a_close_frame_is_always_answered_even_while_the_handler_sends() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            for _ in range(50):
                received = await ask(server, upgrade_request() + frame(TEXT, b"x") + GOODBYE)
                assert received.endswith(b"\x88\x02\x03\xe8")
            assert server.counts.failed == 0


@trio_test
async def test_one_byte_of_a_frame_with_the_request_waits_for_the_rest() -> None:
    first, rest = frame(TEXT, b"x")[:1], frame(TEXT, b"x")[1:]
    with trio.fail_after(FAR_S):
        async with listening() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as client:
            await client.send_all(upgrade_request() + first)
            assert (await read_until(client, b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            await client.send_all(rest)
            assert await read_until(client, b"x") == b"\x81\x01x"


@trio_test
async def test_no_extension_is_negotiated() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            raw = upgrade_request(Sec_WebSocket_Extensions="permessage-deflate") + GOODBYE
            assert b"extensions" not in (await ask(server, raw)).lower()


@trio_test
async def test_an_upgrade_may_follow_other_requests_on_the_same_connection() -> None:
    """A proxy that keeps connections to us alive does that."""
    with trio.fail_after(FAR_S):
        async with listening() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as client:
            await client.send_all(request() * 2 + upgrade_request() + frame(TEXT, b"hi"))
            received = await read_until(client, b"\x81\x02hi")
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert received.count(b"HTTP/1.1 101 ") == 1


@trio_test
async def test_a_message_of_2_mib_is_closed_with_1009_and_the_client_can_read_that() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            async with open_websocket_url(f"ws://127.0.0.1:{server.port}/ws/transcribe") as client:
                await client.send_message(bytes(1024 * 1024))
                assert len(await client.get_message()) == 1024 * 1024
                with suppress(ConnectionClosed):
                    await client.send_message(bytes(2 * 1024 * 1024))
                with pytest.raises(ConnectionClosed) as closed:
                    await client.get_message()
                assert closed.value.reason.code == 1009
            assert server.counts.failed == 0


@trio_test
async def test_a_ping_after_our_close_frame_does_not_cut_the_closing_handshake() -> None:
    """The finals are out but unread, and a reset would wipe them (DESIGN.md §5)."""

    async def close_first(upgrade: Upgrade) -> None:
        connection = await upgrade.accept()
        await connection.send_message("final")
        await connection.aclose(1000, "normal")

    with trio.fail_after(FAR_S):
        async with listening(on_websocket=close_first) as server:
            async with await trio.open_tcp_stream("127.0.0.1", server.port) as client:
                await client.send_all(upgrade_request())
                await read_until(client, b"normal")
                for _ in range(3):
                    await client.send_all(frame(PING, b"?"))
                await trio.testing.wait_all_tasks_blocked(0.01)
                assert server.counts.open == 1
                await client.send_all(GOODBYE)
                assert await read_all(client) == b""
            assert server.counts.failed == 0


@trio_test
async def test_a_client_that_never_closes_is_dropped_after_the_close_timeout(clock: MockClock) -> None:
    async def leave(upgrade: Upgrade) -> None:
        await upgrade.accept()

    with trio.fail_after(60):
        async with connected(on_websocket=leave) as (client, _server):
            await client.send_all(upgrade_request())
            assert (await read_all(client)).endswith(b"\x88\x02\x03\xe8")
            assert trio.current_time() == pytest.approx(Limits().close_timeout_s)


@trio_test
async def test_a_client_that_never_reads_is_dropped_after_the_write_deadline(clock: MockClock) -> None:
    stalled = trio.Event()

    async def flood(upgrade: Upgrade) -> None:
        connection = await upgrade.accept()
        try:
            while True:
                await connection.send_message("x" * 1000)
        finally:
            stalled.set()

    with trio.fail_after(120):
        async with connected(lockstep_stream_pair, on_websocket=flood) as (client, server):
            await client.send_all(upgrade_request())
            await read_until(client, b"\r\n\r\n")
            await stalled.wait()
            assert trio.current_time() == pytest.approx(Limits().write_stall_s)
            await trio.testing.wait_all_tasks_blocked()
            assert (server.counts.lost, server.counts.failed, server.counts.open) == (1, 0, 0)


@trio_test
async def test_the_socket_below_has_no_delay() -> None:
    seen = []

    async def look(upgrade: Upgrade) -> None:
        below = upgrade.stream._stream
        assert isinstance(below, trio.SocketStream)
        seen.append(below.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await upgrade.accept()

    with trio.fail_after(FAR_S):
        async with listening(on_websocket=look) as server:
            await ask(server, upgrade_request() + GOODBYE)
    assert seen == [1]


@trio_test
async def test_a_refusal_reaches_the_client_as_a_problem() -> None:
    async def negotiated(upgrade: Upgrade) -> None:
        decision = negotiate(upgrade.offer)
        if isinstance(decision, Reject):
            await upgrade.refuse(decision.problem)
        else:
            await upgrade.accept(subprotocol=decision.subprotocol)

    offered = "other.v9, auricle.v1, auricle.auth.s3cret"
    with trio.fail_after(FAR_S):
        async with listening(on_websocket=negotiated) as server:
            elsewhere = await ask(server, upgrade_request("/nowhere?x=1") + frame(TEXT, b"early"))
            foreign = await ask(server, upgrade_request(Origin="https://evil.example"))
            welcome = await ask(server, upgrade_request(Sec_WebSocket_Protocol=offered) + GOODBYE)
            legacy = await ask(server, upgrade_request() + GOODBYE)
            assert server.counts.failed == 0
    assert elsewhere.startswith(b"HTTP/1.1 404 ")
    assert b'"code": "not_found"' in elsewhere
    assert b"application/problem+json" in elsewhere
    assert foreign.startswith(b"HTTP/1.1 403 ")
    assert b"sec-websocket-protocol: auricle.v1\r\n" in welcome.lower()
    assert b"s3cret" not in welcome
    assert legacy.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-protocol" not in legacy.lower()
