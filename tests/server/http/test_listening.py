"""Where the listener listens, how it stops, and what it says when it cannot start."""

from contextlib import suppress
from functools import partial

import pytest
import trio
from trio.testing import trio_test
from trio_websocket import open_websocket_url

from auricle.server.http.application import application
from auricle.server.http.asgi_bridge import serve_http
from auricle.server.http.listener import ListenError, Server, serve_tcp
from auricle.server.http.upgrade import Upgrade
from server.http.listener_harness import FAR_S, ROUTES, echo, listening, read_all, read_until, request, upgrade_request


@trio_test
async def test_a_port_that_is_taken_is_one_clear_sentence() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            with pytest.raises(ListenError) as taken:
                await serve_tcp("127.0.0.1", server.port, on_websocket=echo, on_http=server._on_http)
    assert str(taken.value) == (
        f"Cannot listen on 127.0.0.1, port {server.port}: another program listens there already."
    )


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("127.0.0.1", 65536, "ports go from 0 to 65535"),
        ("192.0.2.1", 0, "this machine has no such address"),
        ("no-such-host.invalid", 0, "this machine has no such address"),
        ("x" * 64 + ".invalid", 0, "this machine has no such address"),
    ],
)
@trio_test
async def test_an_address_that_cannot_be_had_is_one_clear_sentence(host: str, port: int, why: str) -> None:
    with trio.fail_after(FAR_S), pytest.raises(ListenError, match=why):
        await serve_tcp(host, port, on_websocket=echo, on_http=None)  # type: ignore[arg-type]


@trio_test
async def test_it_listens_on_ipv6_and_tells_the_client_by_address() -> None:
    peers = []

    async def note(upgrade: Upgrade) -> None:
        peers.append((upgrade.peer, upgrade.remote))
        await echo(upgrade)

    with trio.fail_after(FAR_S):
        async with trio.open_nursery() as nursery:
            try:
                server: Server = await nursery.start(
                    lambda task_status: serve_tcp("::1", 0, on_websocket=note, on_http=None, task_status=task_status)  # type: ignore[arg-type]
                )
            except ListenError:
                pytest.skip("no IPv6 here")
            assert server.addresses == (f"[::1]:{server.port}",)
            async with open_websocket_url(f"ws://[::1]:{server.port}/ws/transcribe") as client:
                await client.send_message("hi")
                assert await client.get_message() == "hi"
            server.closing.set()
    assert peers[0][0] == peers[0][1]
    assert peers[0][0].startswith("[::1]:")


@trio_test
async def test_stopping_refuses_newcomers_lets_the_others_finish_and_then_returns() -> None:
    with trio.fail_after(FAR_S):
        async with trio.open_nursery() as nursery:
            server: Server = await nursery.start(
                lambda task_status: serve_tcp(
                    "127.0.0.1",
                    0,
                    on_websocket=echo,
                    on_http=None,
                    task_status=task_status,  # type: ignore[arg-type]
                )
            )
            async with open_websocket_url(f"ws://127.0.0.1:{server.port}/ws/transcribe") as client:
                server.closing.set()
                await trio.testing.wait_all_tasks_blocked(0.01)
                with pytest.raises(OSError, match=r".*"):
                    await trio.open_tcp_stream("127.0.0.1", server.port)
                await client.send_message("still here")
                assert await client.get_message() == "still here"


@trio_test
async def test_a_kept_alive_connection_does_not_outlive_the_stop() -> None:
    closing = trio.Event()
    on_http = partial(serve_http, app=application(ROUTES), closing=closing)
    with trio.fail_after(FAR_S):
        async with (
            listening(closing=closing, on_http=on_http) as server,
            await trio.open_tcp_stream("127.0.0.1", server.port) as client,
        ):
            await client.send_all(request())
            await read_until(client, b"}")
            server.closing.set()
            await client.send_all(request())
            last = await read_all(client)
    assert last.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in last.lower()


@trio_test
async def test_cancelling_drops_everything() -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server:
            client = await trio.open_tcp_stream("127.0.0.1", server.port)
            await client.send_all(upgrade_request())
            await read_until(client, b"\r\n\r\n")
        with suppress(trio.BrokenResourceError):  # a reset is as good
            assert await client.receive_some(1) == b""
        await client.aclose()
    assert server.counts.open == 0
