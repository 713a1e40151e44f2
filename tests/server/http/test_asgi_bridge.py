"""The HTTP side over real sockets: routes, keep-alive, pipelining, bodies nobody wants."""

import json
import re
from functools import partial

import pytest
import trio
import trio.testing
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send
from trio.testing import MockClock, trio_test

from auricle.server.dialects.paths import DIALECTS
from auricle.server.http.application import application
from auricle.server.http.asgi_bridge import CHUNKS_PER_TURN, UNREAD_BODY_BYTES, serve_http
from auricle.server.http.http_limits import HTTP_DEFAULTS
from auricle.server.http.negotiation import WEBSOCKET_PATHS
from auricle.server.http.operator_routes import operator_routes, status_routes
from auricle.server.http.web_pages import page, page_routes
from auricle.transports.trio.frame_budget import BURST
from server.http.listener_harness import FAR_S, ask, connected, get, listening, parsed, read_all, read_until, request


@pytest.fixture
def clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@trio_test
async def test_healthz_says_ok() -> None:
    status, headers, body = await get(request("GET /healthz?probe=1 HTTP/1.1"))
    assert (status, json.loads(body), headers["content-type"]) == (200, {"status": "ok"}, "application/json")


@trio_test
async def test_absolute_form_is_understood() -> None:
    assert (await get(request("GET http://127.0.0.1/healthz HTTP/1.1")))[0] == 200


@trio_test
async def test_head_is_a_get_without_its_body() -> None:
    status, headers, body = await get(request("HEAD /healthz HTTP/1.1"))
    assert (status, body, headers["content-length"]) == (200, b"", str(len('{"status": "ok"}')))


@pytest.mark.parametrize(("is_ready", "expected"), [(True, 200), (False, 503)])
@trio_test
async def test_readyz_follows_the_callable(is_ready: bool, expected: int) -> None:
    status, _, body = await get(request("GET /readyz HTTP/1.1"), operator_routes(lambda: (is_ready, "because.")))
    document = json.loads(body)
    assert (status, document["detail"]) == (expected, "because.")
    if not is_ready:
        assert document["code"] == "engine_unavailable"


@trio_test
async def test_a_page_that_has_not_changed_is_answered_without_a_body() -> None:
    _, headers, body = await get(request("GET /web/app.mjs HTTP/1.1"), page_routes())
    assert headers["cache-control"] == "no-cache"
    asked_again = request(f"GET /web/app.mjs HTTP/1.1\r\nIf-None-Match: {headers['etag']}")
    status, headers, rest = await get(asked_again, page_routes())
    assert (status, rest, "etag" in headers) == (304, b"", True)
    assert len(body) > 100


@pytest.mark.parametrize(
    ("accept", "expected"), [("", "application/json"), ("Accept: text/html,*/*", "text/html; charset=utf-8")]
)
@trio_test
async def test_status_is_json_for_programs_and_a_page_for_browsers(accept: str, expected: str) -> None:
    routes = status_routes(lambda: {"status": "ready"}, page("status.html"))
    head = "GET /status HTTP/1.1" + (f"\r\n{accept}" if accept else "")
    status, headers, body = await get(request(head), routes)
    assert (status, headers["content-type"], headers["vary"]) == (200, expected, "Accept")
    if not accept:
        assert (json.loads(body), headers["cache-control"]) == ({"status": "ready"}, "no-store")


@trio_test
async def test_elsewhere_is_a_404_problem() -> None:
    status, headers, body = await get(request("GET /nowhere HTTP/1.1"))
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path.",
        "code": "not_found",
    }


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "TRACE", "PATCH"])
@trio_test
async def test_another_method_is_405_with_allow(method: str) -> None:
    status, headers, body = await get(request(f"{method} /healthz HTTP/1.1"))
    assert (status, headers["allow"], json.loads(body)["code"]) == (405, "GET, HEAD", "method_not_allowed")


@pytest.mark.parametrize("path", [*WEBSOCKET_PATHS, *DIALECTS])
@trio_test
async def test_a_websocket_path_asks_for_the_upgrade(path: str) -> None:
    status, headers, body = await get(request(f"GET {path}?key=secret HTTP/1.1"))
    assert (status, headers["upgrade"]) == (426, "websocket")
    assert "upgrade" in headers["connection"].lower()
    said = json.loads(body)
    assert said["code"] == "upgrade_required"
    assert said["detail"] == f"{path} is a WebSocket: open it with a WebSocket client, as ws://HOST{path}."


@trio_test
async def test_a_websocket_path_that_also_takes_recordings_says_so() -> None:
    async def heard(_: Request) -> Response:
        return Response("heard")

    routes = [*operator_routes(lambda: (True, "ready")), Route("/v1/listen", heard, methods=["POST"])]
    _, _, body = await get(request("GET /v1/listen HTTP/1.1"), routes)
    assert json.loads(body)["detail"].endswith("; a whole recording is sent here with POST.")
    status, headers, _ = await get(request("DELETE /v1/listen HTTP/1.1"), routes)
    assert (status, headers["allow"]) == (405, "GET, HEAD, POST")
    status, _, _ = await get(request("POST /v1/listen HTTP/1.1"), routes)
    assert status == 200


@trio_test
async def test_pipelined_requests_are_answered_in_order() -> None:
    raw = (
        request()
        + request("HEAD /healthz HTTP/1.1")
        + request("POST /healthz HTTP/1.1", {"Host": "a", "Content-Length": "3"})
    )
    with trio.fail_after(FAR_S):
        async with listening() as server:
            received = await ask(server, raw + b"abc" + request("GET /nowhere HTTP/1.1"))
            assert server.counts.requests == 4
            assert server.counts.accepted == 1
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"200", b"405", b"404"]


@trio_test
async def test_a_connection_is_kept_for_five_idle_seconds(clock: MockClock) -> None:
    with trio.fail_after(60):
        async with connected() as (client, server):
            for _ in range(3):
                await client.send_all(request())
                await read_until(client, b"}")
                await trio.sleep(4.5)
            start = trio.current_time()
            assert await read_all(client) == b""
            assert trio.current_time() - start == pytest.approx(0.5)
            assert (server.counts.requests, server.counts.refused) == (3, 0)


@pytest.mark.parametrize(
    "raw",
    [request("GET /healthz HTTP/1.0", {}), request("GET /healthz HTTP/1.1", {"Host": "a", "Connection": "close"})],
)
@trio_test
async def test_a_client_that_wants_to_close_is_closed(raw: bytes) -> None:
    with trio.fail_after(FAR_S):
        async with listening() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as client:
            await client.send_all(raw)
            assert b"connection: close" in (await read_all(client)).lower()


@pytest.mark.parametrize("chunked", [True, False])
@trio_test
async def test_a_small_body_is_skipped_and_a_big_one_closes(chunked: bool) -> None:
    def post(size: int) -> bytes:
        if chunked:
            length, body = {"Transfer-Encoding": "chunked"}, f"{size:x}\r\n".encode() + bytes(size) + b"\r\n0\r\n\r\n"
        else:
            length, body = {"Content-Length": str(size)}, bytes(size)
        return request("POST /nowhere HTTP/1.1", {"Host": "a"} | length) + body

    with trio.fail_after(FAR_S):
        async with listening() as server:
            kept = await ask(server, post(UNREAD_BODY_BYTES) + request())
            closed = await ask(server, post(4 * UNREAD_BODY_BYTES) + request())
            assert server.counts.failed == 0
    assert kept.count(b"HTTP/1.1 404 ") == kept.count(b"HTTP/1.1 200 ") == 1
    assert closed.count(b"HTTP/1.1 404 ") == closed.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in closed.lower()


@trio_test
async def test_a_body_that_never_comes_is_waited_for_five_seconds(clock: MockClock) -> None:
    with trio.fail_after(60):
        async with connected() as (client, _server):
            await client.send_all(request("POST /nowhere HTTP/1.1", {"Host": "a", "Content-Length": "10"}))
            assert (await read_all(client)).startswith(b"HTTP/1.1 404 ")
            assert trio.current_time() == pytest.approx(5)


@trio_test
async def test_a_client_that_waits_for_100_continue_is_answered_at_once(clock: MockClock) -> None:
    headers = {"Host": "a", "Content-Length": "10", "Expect": "100-continue"}
    with trio.fail_after(60):
        async with connected() as (client, _server):
            await client.send_all(request("POST /nowhere HTTP/1.1", headers))
            assert (await read_all(client)).startswith(b"HTTP/1.1 404 ")
            assert trio.current_time() == 0


@trio_test
async def test_a_malformed_chunk_closes_after_the_answer() -> None:
    raw = request("POST /healthz HTTP/1.1", {"Host": "a", "Transfer-Encoding": "chunked"}) + b"zz\r\n"
    status, headers, _ = await get(raw)
    assert (status, headers["connection"]) == (405, "close")


@trio_test
async def test_a_handler_that_raises_is_a_500_problem() -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("a bug")

    with trio.fail_after(FAR_S):
        async with listening(on_http=partial(serve_http, app=application([Route("/", broken)]))) as server:
            status, headers, body = parsed(await ask(server, request("GET / HTTP/1.1")))
            assert (status, json.loads(body)["code"], headers["connection"]) == (500, "internal", "close")
            assert server.counts.failed == 1


async def echo_body(request: Request) -> Response:
    return StreamingResponse(request.stream())


ECHO = partial(serve_http, app=application([Route("/", echo_body, methods=["POST"])]))
POST = "POST / HTTP/1.1"


@trio_test
async def test_a_response_may_begin_while_the_body_is_still_coming() -> None:
    with trio.fail_after(FAR_S):
        async with connected(on_http=ECHO) as (client, _server):
            await client.send_all(request(POST, {"Host": "a", "Content-Length": "6"}) + b"one")
            begun = await read_until(client, b"one")
            await client.send_all(b"two")
            rest = await read_all(client)
    assert begun.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in begun.lower()
    assert rest.lstrip().startswith(b"3\r\ntwo\r\n0\r\n")


@trio_test
async def test_100_continue_is_said_where_somebody_wants_the_body() -> None:
    headers = {"Host": "a", "Content-Length": "3", "Expect": "100-continue"}
    with trio.fail_after(FAR_S):
        async with connected(on_http=ECHO) as (client, _server):
            await client.send_all(request(POST, headers))
            assert (await read_until(client, b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            await client.send_all(b"abc")
            assert (await read_until(client, b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


@trio_test
async def test_a_body_is_not_read_before_it_is_wanted() -> None:
    wanted = trio.Event()

    async def slow(http_request: Request) -> Response:
        async for _ in http_request.stream():
            await wanted.wait()
        return Response(b"done")

    with trio.fail_after(FAR_S):
        app = application([Route("/", slow, methods=["POST"])])
        async with connected(trio.testing.lockstep_stream_pair, on_http=partial(serve_http, app=app)) as (client, _):
            await client.send_all(request(POST, {"Host": "a", "Content-Length": "200000"}))
            await client.send_all(bytes(60_000))
            with trio.move_on_after(0.05) as blocked:
                await client.send_all(bytes(140_000))
            assert blocked.cancelled_caught
            wanted.set()


@trio_test
async def test_a_body_that_stalls_is_a_408(clock: MockClock) -> None:
    with trio.fail_after(2 * HTTP_DEFAULTS.body_stall_s):
        async with connected(on_http=partial(serve_http, app=application([Route("/", read_it, methods=["POST"])]))) as (
            client,
            server,
        ):
            await client.send_all(request(POST, {"Host": "a", "Content-Length": "9"}) + b"abc")
            assert (await read_all(client)).startswith(b"HTTP/1.1 408 ")
            assert trio.current_time() == pytest.approx(HTTP_DEFAULTS.body_stall_s)
            assert server.counts.failed == 0


async def read_it(http_request: Request) -> Response:
    return Response(await http_request.body())


@pytest.mark.parametrize("headers", [{"Content-Length": "9"}, {"Transfer-Encoding": "chunked"}])
@trio_test
async def test_a_body_that_is_cut_ends_the_request_and_nothing_else(headers: dict[str, str]) -> None:
    with trio.fail_after(FAR_S):
        app = application([Route("/", read_it, methods=["POST"])])
        async with listening(on_http=partial(serve_http, app=app)) as server:
            answered = await ask(server, request(POST, {"Host": "a"} | headers) + b"3\r\n")
            assert answered.startswith(b"HTTP/1.1 400 ")
            assert server.counts.failed == 0


@trio_test
async def test_who_waits_is_told_that_the_client_is_gone() -> None:
    told: list[Message] = []

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        told.extend([await receive(), await receive()])

    with trio.fail_after(FAR_S):
        async with listening(on_http=partial(serve_http, app=waits)) as server:
            assert await ask(server, request()) == b""
    assert [message["type"] for message in told] == ["http.request", "http.disconnect"]


@trio_test
async def test_a_request_behind_one_that_is_watched_is_answered_in_its_turn() -> None:
    async def watches(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        with trio.move_on_after(0.01):
            await receive()
        await Response(b"here")(scope, receive, send)

    with trio.fail_after(FAR_S):
        async with connected(on_http=partial(serve_http, app=watches)) as (client, server):
            await client.send_all(request() + request())
            received = b""
            while received.count(b"here") < 2:
                received += await client.receive_some(65536)
            assert server.counts.requests == 2


@trio_test
async def test_an_application_that_says_nothing_is_a_500() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None: ...

    with trio.fail_after(FAR_S):
        async with listening(on_http=partial(serve_http, app=silent)) as server:
            assert (await ask(server, request())).startswith(b"HTTP/1.1 500 ")
            assert server.counts.failed == 1


def in_chunks_of_a_byte(count: int) -> bytes:
    head = request("POST /read HTTP/1.1", {"Host": "a", "Transfer-Encoding": "chunked", "Connection": "close"})
    return head + b"1\r\nx\r\n" * count + b"0\r\n\r\n"


READING: list[BaseRoute] = [Route("/read", read_it, methods=["POST"])]


@trio_test
async def test_others_have_their_turn_while_chunks_of_a_byte_are_parsed() -> None:
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    on_http = partial(serve_http, app=application(READING))
    async with connected(on_http=on_http) as (ours, _), trio.open_nursery() as nursery:
        with trio.fail_after(FAR_S):
            await ours.send_all(in_chunks_of_a_byte(BURST))
            nursery.start_soon(another)
            assert b"HTTP/1.1 200" in await read_until(ours, b"\r\n\r\n")
        nursery.cancel_scope.cancel()
    assert turns >= BURST / CHUNKS_PER_TURN


@trio_test
async def test_a_flood_of_small_chunks_is_refused() -> None:
    status, _, body = await get(in_chunks_of_a_byte(10 * BURST), READING)
    assert (status, json.loads(body)["detail"]) == (400, "The body is in too many small chunks.")
    assert (await get(in_chunks_of_a_byte(BURST), READING))[0] == 200
