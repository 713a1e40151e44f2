"""Clients of the old dialect on ``/ws/transcribe``: a configuration, PCM, ``end_of_stream``, as they always were."""

import asyncio
import json
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from server.dialects.dialect_server import SECOND, DialectServer, dialect_server

websockets = pytest.importorskip("websockets", reason="websockets is not installed")

PATIENCE_S = 60.0
CONFIG = {"language": "en", "sample_rate": 16_000, "task": "transcribe"}
READY = {"type": "ready", "message": "Ready to receive audio"}
END = '{"type":"end_of_stream"}'
LONGEST = 1024 * 1024


class Heard(NamedTuple):
    messages: list[dict[str, Any]]
    code: int | None

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages if message["type"] == "final"]


async def talk(server: DialectServer, frames: list[str | bytes], config: object = CONFIG) -> Heard:
    """Send a configuration and frames, and listen until the server closes."""
    heard = []
    async with asyncio.timeout(PATIENCE_S), websockets.connect(f"{server.ws}/ws/transcribe") as socket:
        with suppress(websockets.ConnectionClosed):
            await socket.send(json.dumps(config))
            for frame in frames:
                await socket.send(frame)
        with suppress(websockets.ConnectionClosedError):
            async for message in socket:
                heard.append(json.loads(message))
    return Heard(heard, socket.close_code)


def run(server: DialectServer, *frames: str | bytes, config: object = CONFIG) -> Heard:
    return asyncio.run(talk(server, list(frames), config))


def test_every_word_once_and_a_normal_close(server: DialectServer) -> None:
    heard = run(server, *[SECOND] * 4, END, END)
    assert heard.messages[0] == READY
    assert (heard.texts, heard.code) == (["one two three four five", "six seven"], 1000)
    assert all(set(final) == {"type", "text", "start", "end", "confidence"} for final in heard.messages[1:])
    assert (heard.messages[1]["start"], heard.messages[1]["end"], heard.messages[1]["confidence"]) == (0.0, 2.0, 0.9)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"language": None, "sample_rate": None},
        {"language": "auto", "sample_rate": "16000"},
        {"language": "", "sample_rate": 16_000.0},
        {"language": "en_US", "task": ""},
        {"language": "English", "chunk_ms": 20, "sample_rate": "16000.0"},
    ],
)
def test_a_configuration_as_old_clients_wrote_it(server: DialectServer, config: dict[str, Any]) -> None:
    assert run(server, SECOND, END, config=config).texts == ["one two"]


@pytest.mark.parametrize("length", [333, 32_001, 400_000, LONGEST])
def test_frames_of_any_length_are_taken_piece_by_piece(server: DialectServer, length: int) -> None:
    audio = bytes(max(length, 128_000))

    def heard_in(size: int) -> Heard:
        return run(server, *(audio[at : at + size] for at in range(0, len(audio), size)), END)

    heard = heard_in(length)
    assert heard.texts[0] == "one two three four five"
    assert heard == heard_in(len(SECOND))


def test_an_empty_session_ends_too(server: DialectServer) -> None:
    assert run(server, END) == Heard([READY], 1000)


def test_what_is_not_understood_ends_nothing(server: DialectServer) -> None:
    heard = run(server, "no json", '{"type":"flush"}', "[]", b"", SECOND, "{}", END, SECOND)
    assert (heard.texts, heard.code) == (["one two"], 1000)


@pytest.mark.parametrize(
    ("frames", "config", "why", "code"),
    [
        ([bytes(LONGEST + 1)], CONFIG, "too_large: a message has at most 1048576 bytes", 1009),
        ([b"OggS" + bytes(1_000)], CONFIG, "unsupported_data: the audio is an Ogg file, and not 16-bit PCM", 1003),
        ([b"\x1aE\xdf\xa3" + bytes(1_000)], CONFIG, "unsupported_data: the audio is a WebM or Matroska file", 1003),
        ([], {"sample_rate": "fast"}, "invalid_config: ", 4400),
    ],
)
def test_an_error_in_one_sentence_comes_before_the_close(
    server: DialectServer, frames: list[bytes], config: object, why: str, code: int
) -> None:
    heard = run(server, *frames, config=config)
    (error,) = [message for message in heard.messages if message["type"] == "error"]
    assert heard.messages[-1] is error
    assert error["message"].startswith(why)
    assert heard.code == code


def test_a_server_that_is_full_says_so_before_it_closes() -> None:
    with dialect_server(max_sessions=0) as full:
        heard = run(full, END)
    assert heard.messages[0]["type"] == "error"
    assert "this server has 0 sessions already" in heard.messages[0]["message"]
    assert heard.code == 1013


def test_a_cut_ends_its_own_session_alone_and_ten_go_on_at_once(server: DialectServer) -> None:
    async def act() -> list[Heard]:
        socket = await websockets.connect(f"{server.ws}/ws/transcribe")
        await socket.send(json.dumps(CONFIG))
        await socket.send(SECOND)
        socket.transport.abort()
        return await asyncio.gather(*(talk(server, [*[SECOND] * 4, END]) for _ in range(10)))

    assert [(heard.texts, heard.code) for heard in asyncio.run(act())] == [
        (["one two three four five", "six seven"], 1000)
    ] * 10
