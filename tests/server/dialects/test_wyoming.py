"""The official Wyoming client against our ``--wyoming-port``, in Home Assistant's order of events."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from auricle.server.dialect_connections import MOST_SILENT_WYOMING, MOST_WYOMING
from auricle.transports.trio.frame_budget import BURST
from server.dialects.dialect_server import DialectServer, dialect_server

pytest.importorskip("wyoming", reason="wyoming is not installed")

from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

PATIENCE_S = 60.0
COUNTED = "one two three four five"
FORMAT = {"rate": 16_000, "width": 2, "channels": 1}
PIECE = bytes(2 * 1_024)


@pytest.fixture(scope="module")
def server() -> Iterator[DialectServer]:
    with dialect_server(wyoming_port=0) as running:
        yield running


async def send_command(client: AsyncTcpClient, seconds: float, **asked: Any) -> None:
    """What Home Assistant sends for one command."""
    await client.write_event(Transcribe(**asked).event())
    await client.write_event(AudioStart(**FORMAT).event())
    pcm = bytes(int(32_000 * seconds))
    for at in range(0, len(pcm), len(PIECE)):
        await client.write_event(AudioChunk(audio=pcm[at : at + len(PIECE)], **FORMAT).event())
    await client.write_event(AudioStop().event())


async def until(client: AsyncTcpClient, name: str) -> tuple[Event, list[Event]]:
    events = []
    while True:
        event = await client.read_event()
        assert event is not None, f"the connection ended before {name}: {events}"
        events.append(event)
        if event.type == name:
            return event, events


async def command(server: DialectServer, seconds: float = 4.0, **asked: Any) -> list[Event]:
    async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
        await send_command(client, seconds, **asked)
        return (await until(client, "transcript-stop"))[1]


def test_the_transcript_of_a_command_and_its_text_as_it_grows(server: DialectServer) -> None:
    events = asyncio.run(command(server, language="en", context={"id": 7}))
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-2:], kinds.count("transcript")) == (
        "transcript-start",
        ["transcript", "transcript-stop"],
        1,
    )
    transcript = Transcript.from_event(events[-2])
    assert transcript == Transcript(text=f"{COUNTED} six seven", language="en", context={"id": 7})
    chunks = [TranscriptChunk.from_event(event).text for event in events if event.type == "transcript-chunk"]
    assert len(chunks) > 2
    assert "".join(chunks) == transcript.text


def test_names_and_terms_reach_the_engine_names_first(server: DialectServer) -> None:
    asyncio.run(command(server, 1.0, transcript_terms=["lamp"], transcript_names=["Kitchen", "Bath"]))
    begun = next(message for message in server.traces[-1].heard if message.type == "start")
    assert begun.bias.terms == ("Kitchen", "Bath", "lamp")  # type: ignore[attr-defined]


def test_describe_is_answered_with_the_model_that_answers(server: DialectServer) -> None:
    async def describe() -> Info:
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            await client.write_event(Describe().event())
            event = await client.read_event()
            assert event is not None
            return Info.from_event(event)

    sessions = len(server.traces)
    (program,) = asyncio.run(describe()).asr
    assert (program.models[0].name, program.models[0].installed) == ("counting", True)
    assert program.supports_transcript_streaming
    assert {"en", "de", "zh"} <= set(program.models[0].languages)
    assert len(server.traces) == sessions, "it takes no session"


def test_several_commands_on_one_connection_each_with_its_own_terms(server: DialectServer) -> None:
    async def act() -> list[str]:
        texts = []
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            for names in (["a"], ["a"], ["b"]):
                await client.write_event(Describe().event())
                await until(client, "info")
                await send_command(client, 1.0, transcript_names=names)
                texts.append(Transcript.from_event((await until(client, "transcript"))[0]).text)
        return texts

    assert asyncio.run(act()) == ["one two", "three four five", "one two"], (
        "the scripted engine counts anew at a change"
    )


def test_a_command_without_audio_has_an_empty_transcript(server: DialectServer) -> None:
    events = asyncio.run(command(server, 0.0))
    assert [event.type for event in events] == ["transcript-start", "transcript", "transcript-stop"]
    assert events[1].data["text"] == ""


def test_who_hangs_up_half_way_still_hears_the_rest(server: DialectServer) -> None:
    async def act() -> Event:
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            await client.write_event(AudioStart(**FORMAT).event())
            await client.write_event(AudioChunk(audio=bytes(32_000), **FORMAT).event())
            client._writer.write_eof()  # type: ignore[union-attr]
            event, _ = await until(client, "transcript")
            assert [item async for item in _rest(client)][-1].type == "transcript-stop"
            return event

    assert Transcript.from_event(asyncio.run(act())).text == "one two"


async def _rest(client: AsyncTcpClient) -> Any:
    while (event := await client.read_event()) is not None:
        yield event


@pytest.mark.parametrize("late", ["audio-start", "audio-chunk"])
def test_another_format_on_the_same_connection_is_an_error(server: DialectServer, late: str) -> None:
    async def act() -> Event:
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            await client.write_event(AudioStart(**FORMAT).event())
            await client.write_event(Event(late, {**FORMAT, "rate": 8_000}))
            return (await until(client, "error"))[0]

    assert Error.from_event(asyncio.run(act())).code == "invalid_config"


def test_ping_and_unknown_events(server: DialectServer) -> None:
    async def act() -> str | None:
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            await client.write_event(Event("select-program", {"name": "auricle"}))
            await client.write_event(Ping(text="here").event())
            return Pong.from_event((await until(client, "pong"))[0]).text

    assert asyncio.run(act()) == "here"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"no json\n", "bad_message"),
        (b"[]\n", "bad_message"),
        (b'{"type":"audio-chunk","payload_length":99999999}\n', "too_large"),
        (b'{"type":"audio-chunk","payload_length":-1}\n', "bad_message"),
        (b'{"type":"audio-start","data":{"rate":16000,"width":3,"channels":1}}\n', "unsupported_encoding"),
        (b'{"type":"audio-start","data":{"rate":"x","width":2,"channels":1}}\n', "invalid_config"),
        (b"x" * 300_000, "too_large"),
    ],
)
def test_what_cannot_be_is_an_error_and_ends_its_own_connection_alone(
    server: DialectServer, raw: bytes, code: str
) -> None:
    async def act() -> list[Event]:
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            client._writer.write(raw)  # type: ignore[union-attr]
            return [event async for event in _rest(client)]

    (error,) = asyncio.run(act())
    assert Error.from_event(error).code == code
    assert Transcript.from_event(asyncio.run(command(server, 1.0))[-2]).text == "one two"


def test_a_flood_of_events_is_told_and_ended(server: DialectServer) -> None:
    async def act() -> list[Event]:
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            client._writer.write(b'{"type":"x"}\n' * 10 * BURST)  # type: ignore[union-attr]
            return [event async for event in _rest(client)]

    (error,) = asyncio.run(act())
    assert Error.from_event(error).text == "too many events come that hold no audio"


def test_silent_connections_make_room_for_others(server: DialectServer) -> None:
    """More than there may be: the longest silent one is closed, and a command goes on as ever."""

    async def act() -> tuple[bytes, list[Event]]:
        silent = [
            await asyncio.open_connection("127.0.0.1", server.wyoming_port) for _ in range(MOST_SILENT_WYOMING + 1)
        ]
        async with asyncio.timeout(PATIENCE_S):
            first = await silent[0][0].read()
            events = await command(server, 1.0)
        for _, writer in silent:
            writer.close()
        return first, events

    first, events = asyncio.run(act())
    assert first == b""
    assert Transcript.from_event(events[-2]).text == "one two"


def test_there_are_so_many_connections_and_no_more() -> None:
    async def act(server: DialectServer) -> bytes:
        begun = []
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(MOST_WYOMING):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.wyoming_port)
                writer.write(b'{"type":"ping","data":{"text":"here"}}\n')
                assert b"here" in await reader.readline()
                begun.append(writer)
            reader, _ = await asyncio.open_connection("127.0.0.1", server.wyoming_port)
            refused = await reader.read()
        for writer in begun:
            writer.close()
        return refused

    with dialect_server(wyoming_port=0) as server:
        assert asyncio.run(act(server)) == b""


def test_ten_commands_at_once_and_one_that_is_cut(server: DialectServer) -> None:
    async def cut() -> None:
        client = AsyncTcpClient("127.0.0.1", server.wyoming_port)
        await client.connect()
        await client.write_event(AudioStart(**FORMAT).event())
        client._writer.transport.abort()  # type: ignore[union-attr]

    async def act() -> list[str]:
        await cut()
        return [
            Transcript.from_event(events[-2]).text
            for events in await asyncio.gather(*(command(server) for _ in range(10)))
        ]

    assert asyncio.run(act()) == [f"{COUNTED} six seven"] * 10
