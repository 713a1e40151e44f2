"""Twilio Media Streams: a call as Twilio sends it, in the order of its reference, and those who listen to its feed."""

import asyncio
import base64
import json
from typing import Any

import pytest

from server.dialects.dialect_server import DialectServer, dialect_server

websockets = pytest.importorskip("websockets", reason="websockets is not installed")

PATIENCE_S = 60.0
COUNTED = "one two three four five"
PIECE = base64.b64encode(bytes([0xFF]) * 160).decode()
"""20 ms of mu-law silence; the scripted engine counts whatever it hears."""


def start(name: str, **parameters: str) -> dict[str, Any]:
    return {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": f"MZ{name}",
        "start": {
            "accountSid": "AC0",
            "streamSid": f"MZ{name}",
            "callSid": f"CA{name}",
            "tracks": ["inbound", "outbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        },
    }


def media(number: int, track: str = "inbound", at_ms: int | None = None) -> dict[str, Any]:
    timestamp = str(number * 20 if at_ms is None else at_ms)
    inner = {"track": track, "chunk": str(number + 1), "timestamp": timestamp, "payload": PIECE}
    return {"event": "media", "sequenceNumber": str(number + 2), "media": inner, "streamSid": "MZ"}


def call(name: str, pieces: int = 200, **parameters: str) -> list[dict[str, Any]]:
    """Four seconds of a call, of both tracks."""
    spoken = [item for number in range(pieces) for item in (media(number), media(number, "outbound"))]
    mark = {"event": "mark", "streamSid": f"MZ{name}", "mark": {"name": "greeting"}}
    stop = {"event": "stop", "streamSid": f"MZ{name}", "stop": {"accountSid": "AC0", "callSid": f"CA{name}"}}
    connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    return [connected, start(name, **parameters), *spoken, mark, stop]


async def place(server: DialectServer, messages: list[dict[str, Any]]) -> list[Any]:
    """Be Twilio: send the messages and hang up, without waiting for anything. Return what has come back by then."""
    async with websockets.connect(f"{server.ws}/v1/twilio") as socket:
        for message in messages:
            await socket.send(json.dumps(message))
    return [item async for item in socket]


async def listen(server: DialectServer, key: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE_S), websockets.connect(f"{server.ws}/v1/twilio/transcripts?{key}") as socket:
        return [json.loads(item) async for item in socket]


def finals(heard: list[dict[str, Any]]) -> list[str]:
    return [item["text"] for item in heard if item["event"] == "transcript" and item["final"]]


def test_a_call_is_told_to_those_who_listen_and_twilio_hears_nothing(server: DialectServer) -> None:
    async def act() -> tuple[list[dict[str, Any]], list[Any]]:
        early = asyncio.create_task(listen(server, "callSid=CAone"))
        back = await place(server, call("one"))
        return await early, back

    heard, back = asyncio.run(act())
    assert back == []
    assert finals(heard) == [COUNTED, "six seven"]
    assert (heard[0]["event"], heard[-1]["event"], heard[-1]["complete"]) == ("start", "stop", True)
    assert heard[-1]["duration"] == 4.0
    assert all((item["callSid"], item["streamSid"]) == ("CAone", "MZone") for item in heard)
    words = next(item for item in heard if item.get("final"))["words"]
    assert [(word["word"], word["start"]) for word in words[:2]] == [("one", 0.0), ("two", 0.4)]


def test_who_comes_late_misses_no_final(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        await place(server, call("late"))
        return await listen(server, "streamSid=MZlate")

    assert finals(asyncio.run(act())) == [COUNTED, "six seven"]


def test_the_parameters_of_the_stream_configure_it(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        await place(server, call("terms", language="English", terms="Auricle, pebble", partials="false"))
        return await listen(server, "callSid=CAterms")

    heard = asyncio.run(act())
    assert [item for item in heard if item["event"] == "transcript" and not item["final"]] == []
    begun = next(message for message in server.traces[-1].heard if message.type == "start")
    assert (begun.language, begun.bias.terms) == ("en", ("Auricle", "pebble"))  # type: ignore[attr-defined]


def test_media_that_is_missing_is_a_gap_and_times_stay_those_of_the_call(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        first, later = [media(number) for number in range(50)], [media(number) for number in range(100, 150)]
        stop = call("gap")[-1]
        await place(server, [start("gap"), *first, *later, stop])
        return await listen(server, "callSid=CAgap")

    heard = asyncio.run(act())
    assert heard[-1]["duration"] == 3.0
    assert finals(heard)[0] == COUNTED


def test_a_cut_is_the_end_of_the_call_and_its_last_words_are_told(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        socket = await websockets.connect(f"{server.ws}/v1/twilio")
        for message in call("cut")[:-2]:
            await socket.send(json.dumps(message))
        socket.transport.abort()
        return await listen(server, "callSid=CAcut")

    heard = asyncio.run(act())
    assert heard[-1]["event"] == "stop"
    assert len(" ".join(finals(heard)).split()) >= 5, "all that arrived"


def test_a_message_that_is_too_long_is_the_end_of_the_call_and_its_last_words_are_told(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        with pytest.raises(websockets.ConnectionClosedError, match="1009"):
            await place(server, [*call("long")[:-1], {"event": "media", "media": {"payload": "A" * 2**20}}])
        return await listen(server, "callSid=CAlong")

    heard = asyncio.run(act())
    assert finals(heard) == [COUNTED, "six seven"]
    assert (heard[-1]["event"], heard[-1]["complete"]) == ("stop", True)


def test_an_empty_call_ends_too(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        await place(server, call("empty", pieces=0))
        return await listen(server, "callSid=CAempty")

    assert [item["event"] for item in asyncio.run(act())] == ["start", "stop"]


def test_ten_calls_at_once(server: DialectServer) -> None:
    async def one(name: str) -> list[str]:
        await place(server, call(name))
        return finals(await listen(server, f"callSid=CA{name}"))

    async def ten() -> list[list[str]]:
        return await asyncio.gather(*(one(f"ten{number}") for number in range(10)))

    assert asyncio.run(ten()) == [[COUNTED, "six seven"]] * 10


@pytest.mark.parametrize("wrong", ['{"event":"media"', '{"event":"media","media":{"payload":"!"}}', "[]"])
def test_what_twilio_never_sends_ends_its_own_call_with_an_error(server: DialectServer, wrong: str) -> None:
    async def act() -> list[dict[str, Any]]:
        name = f"wrong{abs(hash(wrong))}"
        async with asyncio.timeout(PATIENCE_S), websockets.connect(f"{server.ws}/v1/twilio") as socket:
            await socket.send(json.dumps(start(name)))
            await socket.send(wrong)
            with pytest.raises(websockets.ConnectionClosedError):
                await socket.recv()
        return await listen(server, f"callSid=CA{name}")

    heard = asyncio.run(act())
    assert [item["event"] for item in heard[-2:]] == ["error", "stop"]


def test_a_listener_must_name_a_call_and_may_leave(server: DialectServer) -> None:
    async def act() -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{server.ws}/v1/twilio/transcripts")
        assert b"callSid" in refused.value.response.body
        async with websockets.connect(f"{server.ws}/v1/twilio/transcripts?callSid=CAnever"):
            pass

    asyncio.run(act())


def test_a_listener_to_a_call_that_never_comes_does_not_hold_the_server() -> None:
    async def act(server: DialectServer) -> None:
        socket = await websockets.connect(f"{server.ws}/v1/twilio/transcripts?callSid=CAnever")
        server.drain()
        async with asyncio.timeout(PATIENCE_S):
            assert [item async for item in socket] == []

    with dialect_server() as server:
        asyncio.run(act(server))
