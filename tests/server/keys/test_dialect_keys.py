"""Keys, and the limits of keys, as the clients of every dialect meet them: ours, and the official ones."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import trio

pytest.importorskip("deepgram", reason="deepgram-sdk is not installed")
pytest.importorskip("openai", reason="openai is not installed")
pytest.importorskip("websockets", reason="websockets is not installed")

import websockets

from auricle.core import SessionClosed
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.scopes import Scope
from auricle.transports.trio import ConnectFailed, connect
from server.dialects.test_twilio import start
from server.keys import keyed_server as client
from server.keys.keyed_server import SECOND, Outcome, bearer, hold, post, ws
from server.keys.making import made_key
from server.uploads.upload_server import FAR_S, UploadServer, upload_server

GOOD, GOOD_TEXT = made_key("good")
GONE, GONE_TEXT = made_key("gone")
ONE_SESSION, ONE_SESSION_TEXT = made_key("one-session", sessions=1)
ONE_REQUEST, ONE_REQUEST_TEXT = made_key("one-request", requests_per_minute=1)
THREE_SECONDS, THREE_SECONDS_TEXT = made_key("three-seconds", audio_minutes_per_day=0.05)
OPERATOR, OPERATOR_TEXT = made_key("operator", scopes=frozenset({Scope.OPERATOR}))
KEYS = (GOOD, ONE_SESSION, ONE_REQUEST, THREE_SECONDS, OPERATOR)

Attempt = Callable[[UploadServer, str | None], Outcome]


@pytest.fixture(scope="module")
def server() -> Iterator[UploadServer]:
    with upload_server(keys=Keyring((*KEYS, GONE)), wyoming_port=0) as running:
        running.call(lambda: running.server.use_keys(Keyring(KEYS)))  # as at SIGHUP: one is revoked
        yield running


@pytest.fixture(autouse=True)
def fresh(server: UploadServer) -> None:
    """Keys of whose requests nothing has been counted yet."""
    server.call(lambda: server.server._keys.access._usage.clear())


def invalid(outcome: Outcome) -> str:
    """What a client of ours, or a browser, is told."""
    return str(outcome[1]["detail"] if isinstance(outcome[1], dict) else outcome[1])


def deepgram_error(outcome: Outcome) -> str:
    body = outcome[1] if isinstance(outcome[1], dict) else json.loads(outcome[1])
    assert {"err_code", "err_msg", "request_id"} <= set(body)
    return str(body["err_code"])


def openai_error(outcome: Outcome) -> str:
    error = outcome[1]["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    return str(error["code"])


IN_SUBPROTOCOL = client.raw("/ws/transcribe", ["auricle.v1", "auricle.auth.{encoded}"])
OPENAI_BROWSER = client.raw("/v1/realtime", ["realtime", "openai-insecure-api-key.{key}"])
DEEPGRAM_BROWSER = client.raw("/v1/listen", ["token", "{key}"])
LISTENER = client.raw("/v1/twilio/transcripts?callSid=CA1&key={key}", [])
WAYS: list[Any] = [
    pytest.param(client.our_client, invalid, "it wants a valid API key: give api_key", id="auricle"),
    pytest.param(IN_SUBPROTOCOL, invalid, "API key", id="subprotocol"),
    pytest.param(client.raw("/ws/transcribe?key={key}", []), invalid, "API key", id="query"),
    pytest.param(client.our_upload, invalid, "API key", id="upload"),
    pytest.param(client.our_token, invalid, "API key", id="session token"),
    pytest.param(client.deepgram_live, invalid, "invalid credentials", id="Deepgram live"),
    pytest.param(client.raw("/v1/listen?key={key}", []), deepgram_error, "INVALID_AUTH", id="Deepgram query"),
    pytest.param(DEEPGRAM_BROWSER, deepgram_error, "INVALID_AUTH", id="Deepgram browser"),
    pytest.param(client.deepgram_file, deepgram_error, "INVALID_AUTH", id="Deepgram file"),
    pytest.param(client.openai_live, openai_error, "invalid_api_key", id="OpenAI live"),
    pytest.param(OPENAI_BROWSER, openai_error, "invalid_api_key", id="OpenAI browser"),
    pytest.param(client.openai_file, openai_error, "invalid_api_key", id="OpenAI file"),
    pytest.param(client.openai_models, openai_error, "invalid_api_key", id="OpenAI models"),
    pytest.param(LISTENER, invalid, "API key", id="Twilio listener"),
]  # fmt: skip


@pytest.mark.parametrize(("attempt", "error", "told"), WAYS)
def test_a_key_lets_in_and_nothing_else_does(
    server: UploadServer, attempt: Attempt, error: Callable[[Outcome], str], told: str
) -> None:
    assert attempt(server, GOOD_TEXT)[0] == 200
    for wrong in (None, f"{GOOD_TEXT}x", "anything", GONE_TEXT):
        outcome = attempt(server, wrong)
        assert outcome[0] == 401, wrong
        assert told in error(outcome)
        assert wrong is None or wrong not in str(outcome[1])
    assert attempt(server, OPERATOR_TEXT)[0] == 403, "that key is for something else"


def test_selected_subprotocols_never_hold_the_key(server: UploadServer) -> None:
    for path, offered, selected in (
        ("/ws/transcribe", ["auricle.v1", "auricle.auth.{encoded}"], "auricle.v1"),
        ("/v1/listen", ["token", "{key}"], "token"),
        ("/v1/realtime", ["realtime", "openai-insecure-api-key.{key}"], "realtime"),
    ):
        assert client.raw(path, offered)(server, GOOD_TEXT) == (200, selected)


@pytest.mark.parametrize("key", [GOOD_TEXT, "wrong", None], ids=["its key", "another", "none"])
def test_a_call_has_its_key_in_its_parameters(server: UploadServer, key: str | None) -> None:
    async def call() -> int:
        async with asyncio.timeout(FAR_S), websockets.connect(ws(server, "/v1/twilio")) as socket:
            await socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
            await socket.send(json.dumps(start(f"key{key}", **({} if key is None else {"key": key}))))
            if key != GOOD_TEXT:
                await socket.send(json.dumps({"event": "media"}))
            else:
                await socket.send(json.dumps({"event": "stop"}))
            await socket.wait_closed()
            return socket.close_code or 0

    assert asyncio.run(call()) == (1000 if key == GOOD_TEXT else 4401)


# ---------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("attempt", "error", "told"),
    [
        (client.deepgram_live, invalid, "Unexpected error when initializing websocket connection."),
        (DEEPGRAM_BROWSER, deepgram_error, "TOO_MANY_REQUESTS"),
        (client.deepgram_file, deepgram_error, "TOO_MANY_REQUESTS"),
        (client.openai_live, openai_error, "rate_limit_exceeded"),
        (client.openai_file, openai_error, "rate_limit_exceeded"),
        (client.our_upload, invalid, "This key may begin 1 requests a minute."),
    ],
)
def test_too_many_requests_are_told_in_the_words_of_the_service(
    server: UploadServer, attempt: Attempt, error: Callable[[Outcome], str], told: str
) -> None:
    assert attempt(server, ONE_REQUEST_TEXT)[0] == 200
    outcome = attempt(server, ONE_REQUEST_TEXT)
    assert outcome[0] == 429
    assert error(outcome) == told
    server.wait_until_idle()


def test_a_response_says_when_to_come_back(server: UploadServer) -> None:
    assert client.our_upload(server, ONE_REQUEST_TEXT)[0] == 200
    _, body = client.our_upload(server, ONE_REQUEST_TEXT)
    assert 50 <= int(body["headers"]["retry-after"]) <= 60


def test_ours_are_told_in_the_session_with_the_delay(server: UploadServer) -> None:
    async def twice() -> None:
        await hold(ws(server), ONE_REQUEST_TEXT)
        with pytest.raises(ConnectFailed) as refused:
            await hold(ws(server), ONE_REQUEST_TEXT)
        closed = refused.value.closed
        assert (closed.error, closed.retriable) == ("rate_limited", True)
        assert closed.retry_after_s == pytest.approx(60, abs=10)
        assert "1 requests a minute" in closed.message

    trio.run(twice)


def test_sessions_of_a_key_at_once(server: UploadServer) -> None:
    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with connect(ws(server), api_key=ONE_SESSION_TEXT) as first:
                assert first.ready.limits["key_sessions"] == 1
                with pytest.raises(ConnectFailed) as refused:
                    await hold(ws(server), ONE_SESSION_TEXT)
                assert (refused.value.closed.error, refused.value.closed.retry_after_s) == ("capacity", 5.0)
                assert "this key has 1 sessions already" in refused.value.closed.message
                for attempt in (client.deepgram_live, client.openai_live, client.openai_file, client.our_upload):
                    status, _ = await trio.to_thread.run_sync(attempt, server, ONE_SESSION_TEXT)
                    assert status == 429
                assert (await hold(ws(server), GOOD_TEXT)).complete, "other keys have limits of their own"
            assert (await hold(ws(server), ONE_SESSION_TEXT)).complete

    trio.run(scenario)


def test_audio_of_a_day_ends_the_input_with_all_results(server: UploadServer) -> None:
    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with connect(ws(server), api_key=THREE_SECONDS_TEXT) as session:
                assert session.ready.limits["key_audio_left_s"] == 3.0
                for _ in range(4):
                    await session.send_audio(SECOND)
                events = [event async for event in session]
            closed = events[-1]
            assert isinstance(closed, SessionClosed)
            assert (closed.reason, closed.error) == ("session_limit", None)
            assert closed.accounting.received == closed.accounting.committed >= 3 * 16_000
            with pytest.raises(ConnectFailed) as refused:
                await hold(ws(server), THREE_SECONDS_TEXT)
            assert "has had its 0.05 minutes of audio today" in refused.value.closed.message

    trio.run(scenario)
    assert client.openai_file(server, THREE_SECONDS_TEXT)[0] == 429


# ---------------------------------------------------------------------------- keys that end


def test_a_key_that_is_revoked_ends_its_sessions_and_no_others(server: UploadServer) -> None:
    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with (
                connect(ws(server), api_key=GOOD_TEXT) as ours,
                connect(ws(server), api_key=ONE_SESSION_TEXT) as theirs,
            ):
                others = tuple(key for key in KEYS if key is not GOOD)
                await trio.to_thread.run_sync(lambda: server.call(lambda: server.server.use_keys(Keyring(others))))
                (closed,) = [event async for event in ours][-1:]
                assert (closed.error, closed.retriable) == ("unauthorized", False)  # type: ignore[union-attr]
                assert "its API key has been revoked" in closed.message  # type: ignore[union-attr]
                await theirs.send_audio(SECOND)
                await theirs.end_input()
                assert [event async for event in theirs][-1].complete  # type: ignore[union-attr]

    try:
        trio.run(scenario)
    finally:
        server.call(lambda: server.server.use_keys(Keyring(KEYS)))


def test_a_key_that_expires_ends_its_sessions(server: UploadServer) -> None:
    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with connect(ws(server), api_key=GOOD_TEXT) as session:
                over = Keyring(tuple(replace(key, expires=key.created) if key is GOOD else key for key in KEYS))
                await trio.to_thread.run_sync(lambda: server.call(lambda: server.server.use_keys(over)))
                assert "its API key has expired" in [event async for event in session][-1].message  # type: ignore[union-attr]

    try:
        trio.run(scenario)
    finally:
        server.call(lambda: server.server.use_keys(Keyring(KEYS)))


# ---------------------------------------------------------------------------- tokens, and what operators see


def test_a_token_opens_sessions_in_every_way_that_a_key_does_and_makes_no_tokens(server: UploadServer) -> None:
    status, body = client.our_token(server, GOOD_TEXT)
    assert (status, body.keys()) == (200, {"token", "expires_at"})
    assert body["expires_at"].endswith("Z")
    for attempt in (
        client.our_client,
        client.raw("/ws/transcribe", ["auricle.v1", "auricle.auth.{encoded}"]),
        client.deepgram_live,
        client.raw("/v1/listen", ["token", "{key}"]),
        client.openai_file,
        client.our_upload,
    ):
        assert attempt(server, body["token"])[0] == 200
    assert client.our_token(server, body["token"])[0] == 403
    assert client.our_token(server, body["token"] + "x")[0] == 401


def test_no_page_of_elsewhere_gets_a_token(server: UploadServer) -> None:
    url = f"http://127.0.0.1:{server.port}/v1/session-tokens"
    assert post(url, {**bearer(GOOD_TEXT), "Origin": "https://evil.example"})[0] == 403
    assert post(url, {**bearer(GOOD_TEXT), "Origin": f"http://127.0.0.1:{server.port}"})[0] == 200


THROUGH_A_PROXY = {"X-Forwarded-For": "203.0.113.7"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/status", {}, 200),
        ("/status", THROUGH_A_PROXY, 401),
        ("/status", {"Forwarded": "for=203.0.113.7"}, 401),
        ("/status", {**THROUGH_A_PROXY, **bearer(GOOD_TEXT)}, 403),
        ("/status", {**THROUGH_A_PROXY, **bearer(OPERATOR_TEXT)}, 200),
        ("/status", {**THROUGH_A_PROXY, "Accept": "text/html"}, 200),
        ("/status", {**THROUGH_A_PROXY, "Host": "a?"}, 401),
        ("/status", {**THROUGH_A_PROXY, "Host": "a/b#"}, 401),
        ("/%73tatus", THROUGH_A_PROXY, 401),
        ("/status", {"Host": "rebound.example"}, 401),
        ("/status", {"Host": "localhost:8765"}, 200),
        ("/metrics", THROUGH_A_PROXY, 401),
        ("/metrics/anything", THROUGH_A_PROXY, 401),
        ("/healthz", THROUGH_A_PROXY, 200),
        ("/readyz", THROUGH_A_PROXY, 200),
        ("/", THROUGH_A_PROXY, 200),
    ],
)
def test_what_the_server_tells_of_itself_is_for_operators_and_this_machine(
    server: UploadServer, path: str, headers: dict[str, str], status: int
) -> None:
    assert post(f"http://127.0.0.1:{server.port}{path}", headers, None, "GET")[0] == status


def test_a_server_without_keys_is_as_it_was() -> None:
    with upload_server() as open_to_all:
        assert client.our_client(open_to_all, None)[0] == 200
        assert client.our_client(open_to_all, "any key")[0] == 200
        assert client.our_token(open_to_all, None) == (204, "")
        assert post(f"http://127.0.0.1:{open_to_all.port}/status", THROUGH_A_PROXY, None, "GET")[0] == 200
