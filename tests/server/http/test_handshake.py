"""A request for a WebSocket that is not one gets an answer: trio-websocket alone would wait for ever."""

import logging

import pytest
import trio
from trio.testing import trio_test

from server.http.listener_harness import FAR_S, ask, listening, upgrade_request


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (upgrade_request(Connection="keep-alive"), 400),
        (upgrade_request(Sec_WebSocket_Key=None), 400),
        (upgrade_request(Sec_WebSocket_Key="c2hvcnQ="), 400),
        (upgrade_request(Sec_WebSocket_Key="\xff"), 400),
        (upgrade_request(Sec_WebSocket_Version=None), 426),
        (upgrade_request(Sec_WebSocket_Version="8"), 426),
        (upgrade_request(Sec_WebSocket_Protocol="\xe9"), 400),
        (upgrade_request(Sec_WebSocket_Extensions="\xe9"), 400),
        (upgrade_request(Host="\xff"), 400),
        (upgrade_request(Host="xn--zzzzzzzzzz9999999.example"), 400),
        (upgrade_request(Host=""), 400),
        (upgrade_request(Content_Length="3") + b"abc", 400),
        (upgrade_request().replace(b"GET", b"POST"), 400),
        (upgrade_request().replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    ],
)
@trio_test
async def test_a_bad_handshake_is_answered(raw: bytes, status: int, caplog: pytest.LogCaptureFixture) -> None:
    with trio.fail_after(FAR_S), caplog.at_level(logging.WARNING):
        async with listening() as server:
            response = await ask(server, raw)
            assert response.startswith(f"HTTP/1.1 {status} ".encode())
            assert b'"code": "bad_handshake"' in response
            assert (server.counts.refused, server.counts.websockets, server.counts.failed) == (1, 0, 0)
    assert (b"Sec-WebSocket-Version: 13" in response) == (status == 426)
    assert [record.getMessage() for record in caplog.records] == ["request refused"]
