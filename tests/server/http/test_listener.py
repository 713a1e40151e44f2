"""One port, hostile clients: each costs its own connection, none the server, and none for long."""

import logging
import socket

import pytest
import trio
from trio.testing import MockClock, trio_test
from trio_websocket import ConnectionClosed, open_websocket_url

from auricle.server.http.http_limits import HttpLimits
from auricle.server.http.listener import RESERVED_CONNECTIONS, RESERVED_HEAD_TIMEOUT_S, Server
from auricle.server.http.request_head import HEAD_BYTES
from auricle.server.http.upgrade import Upgrade
from server.http.listener_harness import (
    FAR_S,
    ask,
    connected,
    echo,
    explode,
    listening,
    read_all,
    read_until,
    request,
    upgrade_request,
)


@pytest.fixture
def clock() -> MockClock:
    return MockClock(autojump_threshold=0)


async def still_serves(server: Server) -> None:
    assert (await ask(server, request())).startswith(b"HTTP/1.1 200 ")


# What is not a request


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"\x00" * 100, b"400"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HT", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * HEAD_BYTES + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * 500_000, b"431"),
    ],
    ids=["TLS", "zeros", "not ASCII", "no host", "half a request", "two lengths", "HTTP/2", "huge header", "huge line"],
)
@trio_test
async def test_what_is_not_a_request_is_told_so_and_closed(raw: bytes, status: bytes) -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            response = await ask(server, raw)
            assert response.startswith(b"HTTP/1.1 " + status)
            assert b'"code": "' in response
            assert b"application/problem+json" in response
            assert server.counts.refused == 1
            await still_serves(server)


@trio_test
async def test_a_client_that_says_nothing_is_closed_without_a_word() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            assert await ask(server, b"") == b""
            await still_serves(server)
            assert (server.counts.refused, server.counts.failed) == (0, 0)


@trio_test
async def test_a_reset_in_the_middle_of_a_head_is_not_a_failure() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            client = await trio.open_tcp_stream("127.0.0.1", server.port)
            await client.send_all(b"GET / HTTP")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            await client.aclose()
            await still_serves(server)
            assert server.counts.failed == 0


@trio_test
async def test_a_slow_loris_has_five_seconds_in_all(clock: MockClock) -> None:
    with trio.fail_after(60):
        async with connected() as (client, _server), trio.open_nursery() as nursery:

            @nursery.start_soon
            async def drip() -> None:
                for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1000:
                    await client.send_all(bytes([byte]))
                    await trio.sleep(0.5)

            response = await read_until(client, b"}")
            assert response.startswith(b"HTTP/1.1 408 ")
            assert trio.current_time() == pytest.approx(5.0)
            assert await read_all(client) == b""
            nursery.cancel_scope.cancel()


@trio_test
async def test_a_silent_connection_is_closed_after_five_seconds(clock: MockClock) -> None:
    with trio.fail_after(60):
        async with connected() as (client, server):
            assert await read_all(client) == b""
            assert trio.current_time() == pytest.approx(5.0)
            assert server.counts.refused == 0


@trio_test
async def test_one_connection_too_many_is_told_503() -> None:
    with trio.fail_after(FAR_S):
        async with (
            listening(http=HttpLimits(max_connections=1)) as server,
            open_websocket_url(f"ws://127.0.0.1:{server.port}/ws/transcribe") as first,
        ):
            response = await ask(server, request("GET / HTTP/1.1"))
            assert response.startswith(b"HTTP/1.1 503 ")
            assert b'"code": "capacity"' in response
            await first.send_message("still here")
            assert await first.get_message() == "still here"


@trio_test
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_full_server_answers_those_who_ask_for_its_health(path: str) -> None:
    with trio.fail_after(FAR_S):
        async with (
            listening(http=HttpLimits(max_connections=1)) as server,
            open_websocket_url(f"ws://127.0.0.1:{server.port}/ws/transcribe"),
        ):
            response = await ask(server, request(f"GET {path} HTTP/1.1"))
            assert response.startswith(b"HTTP/1.1 200 ")
            assert (await ask(server, upgrade_request())).startswith(b"HTTP/1.1 503 ")


@trio_test
async def test_whoever_says_nothing_beyond_the_limit_keeps_no_probe_out(clock: MockClock) -> None:
    """Any number of silent connections: the one that has waited longest makes room for the one that comes."""
    with trio.fail_after(60):
        async with connected(http=HttpLimits(max_connections=0)) as (first, server), trio.open_nursery() as nursery:
            silent = [first]
            for _ in range(2 * RESERVED_CONNECTIONS - 1):
                ours, theirs = trio.testing.memory_stream_pair()
                nursery.start_soon(server.serve_connection, theirs)
                await trio.testing.wait_all_tasks_blocked()
                silent.append(ours)
            probe, theirs = trio.testing.memory_stream_pair()
            await probe.send_all(request("GET /healthz HTTP/1.1"))
            nursery.start_soon(server.serve_connection, theirs)
            assert (await read_until(probe, b"}")).startswith(b"HTTP/1.1 200 ")
            assert (await read_until(first, b"}")).startswith(b"HTTP/1.1 503 ")
            assert trio.current_time() == 0.0, "nobody has been waited for"
            assert (await read_all(silent[-1])) == b""
            assert trio.current_time() == pytest.approx(RESERVED_HEAD_TIMEOUT_S)
            nursery.cancel_scope.cancel()


# Handlers that raise


@trio_test
async def test_a_handler_that_raises_costs_its_own_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def by_query(upgrade: Upgrade) -> None:
        await (explode if upgrade.path.endswith("explode") else echo)(upgrade)

    with trio.fail_after(FAR_S), caplog.at_level(logging.ERROR):
        async with listening(on_websocket=by_query) as server:
            url = f"ws://127.0.0.1:{server.port}/ws/transcribe"
            async with open_websocket_url(url) as good, open_websocket_url(url + "?explode") as bad:
                await bad.send_message("go")
                with pytest.raises(ConnectionClosed) as closed:
                    await bad.get_message()
                assert (closed.value.reason.code, closed.value.reason.reason) == (1011, "internal")
                await good.send_message("hello")
                assert await good.get_message() == "hello"
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert (server.counts.failed, server.counts.open) == (1, 0)
    assert "a bug in the handler" in caplog.text


@trio_test
async def test_a_handler_that_raises_before_it_answers_makes_a_500() -> None:
    async def broken(_upgrade: Upgrade) -> None:
        raise RuntimeError("a bug")

    async def silent(_upgrade: Upgrade) -> None:
        return

    with trio.fail_after(FAR_S):
        for handler in (broken, silent):
            async with listening(on_websocket=handler) as server:
                response = await ask(server, upgrade_request())
                assert response.startswith(b"HTTP/1.1 500 ")
                assert b'"code": "internal"' in response
                await still_serves(server)
                assert server.counts.failed == 1


@trio_test
async def test_an_http_handler_that_raises_costs_its_own_connection() -> None:
    async def on_http(_stream: trio.abc.HalfCloseableStream, first: bytes) -> bytes | None:
        raise ExceptionGroup("several", [RuntimeError(first.decode())])

    with trio.fail_after(FAR_S):
        async with listening(on_http=on_http) as server:
            assert await ask(server, request()) == b""
            assert await ask(server, request()) == b""
            assert server.counts.failed == 2
            assert server.counts.open == 0


@trio_test
async def test_no_token_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    with trio.fail_after(FAR_S), caplog.at_level(logging.DEBUG):
        async with listening(on_websocket=explode) as server:
            for raw in (
                upgrade_request("/ws/transcribe?key=s3cret", Sec_WebSocket_Protocol="auricle.v1, auricle.auth.s3cret"),
                upgrade_request("/ws/transcribe?key=s3cret", Sec_WebSocket_Protocol="s3cret\xff"),
                request("GET / HTTP/1.1", {"Authorization": "Bearer s3cret\x01"}),
                request("GET /s3cret\xff HTTP/1.1"),
            ):
                response = await ask(server, raw)
                assert b"s3cret" not in response
    assert "s3cret" not in caplog.text
