"""OpenAI's own client for Python against our ``/v1/realtime``, with its base URL set."""

import asyncio
import base64
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.dialects.dialect_server import DialectServer

pytest.importorskip("openai", reason="openai is not installed")

from openai import AsyncOpenAI

PATIENCE_S = 60.0
SECOND = base64.b64encode(bytes(48_000)).decode()
"""A second at 24 kHz. The scripted engine counts, 0.4 s a number, with a pause of 1.0 s after every five."""
COUNTED = "one two three four five"
MANUAL = {"turn_detection": None}
ITEM = "conversation.item.input_audio_transcription"


class Talk:
    """One connection of the official client, and the events that it got."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Any] = []

    async def configure(self, **audio_input: Any) -> Any:
        session = {"type": "transcription", "audio": {"input": audio_input}}
        if "include" in audio_input:
            session["include"] = audio_input.pop("include")
        await self.connection.session.update(session=session)
        return await self.until("session.updated")

    async def append(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            await self.connection.input_audio_buffer.append(audio=SECOND)

    async def until(self, name: str) -> Any:
        while True:
            event = await self.connection.recv()
            self.events.append(event)
            assert event.type != "error", event
            if event.type == name:
                return event

    def of(self, name: str) -> list[Any]:
        return [event for event in self.events if event.type == name]

    def deltas(self, item_id: str) -> str:
        return "".join(event.delta for event in self.of(f"{ITEM}.delta") if event.item_id == item_id)


async def talking(server: DialectServer, act: Callable[[Talk], Awaitable[Any]], **query: Any) -> Talk:
    client = AsyncOpenAI(api_key="any", base_url=f"{server.http}/v1", websocket_base_url=f"{server.ws}/v1")
    query = {"extra_query": {"intent": "transcription", **query}}
    async with asyncio.timeout(PATIENCE_S), client.realtime.connect(**query) as connection:
        talk = Talk(connection)
        await act(talk)
    return talk


def run(server: DialectServer, act: Callable[[Talk], Awaitable[Any]], **query: Any) -> Talk:
    return asyncio.run(talking(server, act, **query))


def test_the_client_commits_and_gets_each_item_once_in_order(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        await talk.append(4)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")
        await talk.append(2)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")

    talk = run(server, act)
    first, second = talk.of(f"{ITEM}.completed")
    assert (first.transcript, second.transcript) == (f"{COUNTED} six seven", "eight nine ten")
    assert talk.deltas(first.item_id) == first.transcript
    assert talk.deltas(second.item_id) == second.transcript
    chain = [(event.item_id, event.previous_item_id) for event in talk.of("input_audio_buffer.committed")]
    assert chain == [(first.item_id, None), (second.item_id, first.item_id)]
    assert (first.usage.type, first.usage.seconds, second.usage.seconds) == ("duration", 4.0, 2.0)
    assert not talk.of("input_audio_buffer.speech_started")
    assert len({event.event_id for event in talk.events}) == len(talk.events)


def test_the_greeting_comes_first_and_an_update_is_answered_with_what_is_in_effect(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        created = await talk.until("session.created")
        assert created.session.object == "realtime.transcription_session"
        told = await talk.configure(
            turn_detection={"type": "semantic_vad"},
            noise_reduction={"type": "near_field"},
            transcription={"model": "gpt-transcribe", "keywords": ["Auricle"], "languages": ["en"], "delay": "low"},
        )
        asked = told.session.audio.input
        assert asked.noise_reduction is None, "it is not done, and not said to be"
        assert asked.turn_detection.type == "server_vad"
        assert (asked.transcription.keywords, asked.transcription.delay) == (["Auricle"], "low")

    run(server, act)
    start = next(message for message in server.traces[-1].heard if message.type == "start")
    assert (start.bias.terms, start.language) == (("Auricle",), "en")  # type: ignore[attr-defined]


def test_the_server_commits_at_pauses(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(turn_detection={"type": "server_vad", "silence_duration_ms": 400})
        await talk.append(7)
        for _ in range(2):
            await talk.until(f"{ITEM}.completed")

    talk = run(server, act)
    items = talk.of(f"{ITEM}.completed")
    assert [item.transcript for item in items] == [COUNTED, "six seven eight nine ten"]
    for item in items:
        names = [event.type for event in talk.events if getattr(event, "item_id", None) == item.item_id]
        told = [name for name in names if not name.endswith(".delta")]
        assert told == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            f"{ITEM}.completed",
        ]
        assert talk.deltas(item.item_id) == item.transcript


def test_a_commit_with_nothing_pending_completes_an_empty_item(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        for _ in range(3):
            await talk.connection.input_audio_buffer.commit()
            await talk.until(f"{ITEM}.completed")

    talk = run(server, act)
    assert [item.transcript for item in talk.of(f"{ITEM}.completed")] == ["", "", ""]


def test_logprobs_and_a_delay_that_waits_for_finals(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(
            **MANUAL, transcription={"delay": "xhigh"}, include=["item.input_audio_transcription.logprobs"]
        )
        await talk.append(1)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")

    talk = run(server, act)
    (item,) = talk.of(f"{ITEM}.completed")
    assert len(talk.of(f"{ITEM}.delta")) == 1
    assert [(token.token, token.logprob) for token in item.logprobs] == [
        ("one", pytest.approx(math.log(0.9), abs=1e-5)),
        ("two", pytest.approx(math.log(0.9), abs=1e-5)),
    ]
    assert bytes(item.logprobs[0].bytes) == b"one"


def test_a_session_that_says_nothing_but_audio_has_the_defaults(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.append(4)
        await talk.until(f"{ITEM}.completed")

    assert run(server, act).of(f"{ITEM}.completed")[0].transcript == COUNTED


def test_an_empty_session_ends_with_its_client(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.until("session.created")

    assert [event.type for event in run(server, act).events] == ["session.created"]


def test_what_is_cleared_is_not_told(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        await talk.append(4)
        await talk.connection.input_audio_buffer.clear()
        await talk.until("input_audio_buffer.cleared")
        await talk.append(2)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")

    talk = run(server, act)
    (item,) = talk.of(f"{ITEM}.completed")
    assert item.transcript == "eight nine ten"
    cleared = talk.events.index(talk.of("input_audio_buffer.cleared")[0])
    assert all(event.item_id == item.item_id for event in talk.events[cleared:] if event.type == f"{ITEM}.delta")


def test_the_last_commit_of_vllm_ends_the_session(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        await talk.append(1)
        await talk.connection.send({"type": "input_audio_buffer.commit", "final": True})
        await talk.until(f"{ITEM}.completed")
        socket = talk.connection._connection
        async for _ in socket:
            pass
        assert socket.close_code == 1000

    assert run(server, act).of(f"{ITEM}.completed")[0].transcript == "one two"


def test_a_whole_file_in_one_event(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        audio = base64.b64encode(bytes(48_000 * 100)).decode()
        await talk.connection.input_audio_buffer.append(audio=audio)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")

    (item,) = run(server, act).of(f"{ITEM}.completed")
    assert item.usage.seconds == 100.0
    assert len(item.transcript.split()) == 167


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({"type": "input_audio_buffer.append", "audio": "!"}, "audio"),
        ({"type": "input_audio_buffer.append"}, "audio"),
        ({"type": "session.update", "session": {"type": "realtime"}}, "session.type"),
        ({"type": "session.update", "session": {"audio": {"input": {"format": {"type": "mp3"}}}}}, "format.type"),
        ({"type": "session.update", "session": {"audio": {"input": {"transcription": {"delay": "x"}}}}}, "delay"),
    ],
)
def test_what_cannot_be_is_an_error_that_names_the_event(
    server: DialectServer, event: dict[str, Any], param: str
) -> None:
    async def act(talk: Talk) -> None:
        await talk.until("session.created")
        await talk.connection.send({**event, "event_id": "mine"})
        error = (await talk.connection.recv()).error
        assert (error.type, error.event_id) == ("invalid_request_error", "mine")
        assert error.param.endswith(param)
        await talk.connection.send({"type": "response.create"})
        await talk.append(4)
        await talk.until(f"{ITEM}.completed")

    run(server, act)


def test_a_message_that_is_too_long_and_a_cut_end_their_own_sessions_alone(server: DialectServer) -> None:
    async def too_long(talk: Talk) -> None:
        socket = talk.connection._connection
        await talk.configure(**MANUAL)
        await socket.send("x" * 17 * 1024 * 1024)
        error = (await talk.connection.recv()).error
        assert (error.type, error.code) == ("invalid_request_error", "too_large")
        async for _ in socket:
            pass

    async def cut(talk: Talk) -> None:
        await talk.append(1)
        talk.connection._connection.transport.abort()

    with pytest.raises(Exception, match="1009"):
        run(server, too_long)
    run(server, cut)
    test_a_session_that_says_nothing_but_audio_has_the_defaults(server)


def test_ten_sessions_at_once(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        await talk.append(4)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")

    async def ten() -> list[Talk]:
        return await asyncio.gather(*(talking(server, act) for _ in range(10)))

    texts = [talk.of(f"{ITEM}.completed")[0].transcript for talk in asyncio.run(ten())]
    assert texts == [f"{COUNTED} six seven"] * 10


def test_an_update_in_mid_stream_reaches_the_engine(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        await talk.configure(**MANUAL)
        await talk.append(1)
        told = await talk.configure(transcription={"keywords": ["pebble"], "language": "en"})
        assert told.session.audio.input.transcription.language == "en"
        await talk.append(1)
        await talk.connection.input_audio_buffer.commit()
        await talk.until(f"{ITEM}.completed")

    talk = run(server, act)
    assert talk.of(f"{ITEM}.completed")[0].transcript == "one two one two", "the scripted engine counts anew"
    change = next(message for message in server.traces[-1].heard if message.type == "configure")
    assert change.set == {"language": "en", "bias": {"terms": ["pebble"]}}  # type: ignore[attr-defined]


def test_only_transcription_is_served(server: DialectServer) -> None:
    async def act(talk: Talk) -> None:
        pass

    with pytest.raises(Exception, match="400") as refused:
        run(server, act, intent="conversation")
    assert "intent" in json.loads(refused.value.response.body)["error"]["message"]  # type: ignore[attr-defined]
