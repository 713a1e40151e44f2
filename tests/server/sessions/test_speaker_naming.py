"""Who speaks, from the audio of a client to its events: behind the finals, and at nobody's cost."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import trio
from engines.speakers.fake_embedder import FakeEmbedder

from auricle.core import Annotate, AudioFormat, Features, Final, Start
from auricle.engines.protocol import EngineError, EngineUnavailable, Samples
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.speakers import registry
from auricle.engines.speakers.protocol import Embedding
from auricle.server.app import ServerConfig, running_server
from auricle.server.sessions import speaker_naming
from auricle.transports.trio import connect

RATE = 16_000
FAR_S = 60.0
ASKED = Start(features=Features(speakers=True))
TURNS = ((0.5, 3.5, 3), (4.5, 7.5, 5), (8.5, 11.5, 3))
"""From, to, and the level of the voice, in tenths."""
SECONDS = 12.5
SAID = Script(
    words=tuple(
        ScriptedWord(
            text=f"w{number}", start=round((begin + step / 2) * RATE), end=round((begin + step / 2 + 0.5) * RATE)
        )
        for number, (begin, end, _) in enumerate(TURNS)
        for step in range(round(2 * (end - begin)))
    )
)


def speech(rate: int = RATE) -> bytes:
    audio = np.zeros(round(SECONDS * rate))
    for begin, end, level in TURNS:
        audio[round(begin * rate) : round(end * rate)] = level / 10
    return (audio * 32_768).astype("<i2").tobytes()


async def told(config: Start, speakers: str | None = "fake") -> Sequence[Any]:
    with trio.fail_after(FAR_S):
        async with (
            running_server(ServerConfig(port=0, speakers=speakers), ScriptedWindowEngine(SAID)) as server,
            connect(server.url, config) as client,
        ):
            assert client.ready.server.speakers == speakers
            await client.send_audio(speech(config.audio.sample_rate))
            await client.end_input()
            events = [event async for event in client]
    assert events[-1].complete, events[-1]
    return events


def who(events: Sequence[Any]) -> dict[int, str]:
    """Who speaks in each segment, by what was told last."""
    return {
        event.segment: "".join(span.speaker for span in event.speakers)
        for event in events
        if isinstance(event, Annotate)
    }


def finals(events: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(event.text, event.words) for event in events if isinstance(event, Final)]


def with_embedder(monkeypatch: pytest.MonkeyPatch, embedder: Any) -> None:
    monkeypatch.setattr(registry, "create", lambda name: embedder)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    with_embedder(monkeypatch, FakeEmbedder())


@pytest.mark.usefixtures("fake")
def test_each_segment_is_annotated_behind_its_final() -> None:
    events = trio.run(told, ASKED)
    assert who(events) == {0: "A", 1: "B", 2: "A"}
    spans = [event.speakers[0] for event in events if isinstance(event, Annotate) and event.segment == 1]
    assert (spans[-1].start, spans[-1].end) == (pytest.approx(4.5, abs=0.1), pytest.approx(7.5, abs=0.1))
    places = {event.segment: number for number, event in enumerate(events) if isinstance(event, Final)}
    assert all(places[event.segment] < number for number, event in enumerate(events) if isinstance(event, Annotate))


@pytest.mark.usefixtures("fake")
def test_finals_are_the_same_with_it_and_without() -> None:
    asked, unasked = trio.run(told, ASKED), trio.run(told, Start())
    assert finals(asked) == finals(unasked)
    assert not who(unasked)


@pytest.mark.usefixtures("fake")
def test_a_client_may_ask_in_mid_session() -> None:
    """Features may change, so that the audio of a session is kept as soon as they do."""
    audio, middle = speech(), 2 * round(4 * RATE)

    async def scenario() -> Sequence[Any]:
        with trio.fail_after(FAR_S):
            async with (
                running_server(ServerConfig(port=0, speakers="fake"), ScriptedWindowEngine(SAID)) as server,
                connect(server.url, Start()) as client,
            ):
                await client.send_audio(audio[:middle])
                await client.configure(features={"speakers": True})
                await client.send_audio(audio[middle:])
                await client.end_input()
                return [event async for event in client]

    assert who(trio.run(scenario)) == {1: "A", 2: "B"}


@pytest.mark.usefixtures("fake")
def test_audio_at_another_rate_is_the_same_voice() -> None:
    config = Start(features=Features(speakers=True), audio=AudioFormat(sample_rate=32_000))
    assert who(trio.run(told, config)) == {0: "A", 1: "B", 2: "A"}


def test_a_server_that_was_told_of_no_embedder_names_nobody() -> None:
    assert not who(trio.run(told, ASKED, None))


def test_an_embedder_that_fails_costs_the_names_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Deaf(FakeEmbedder):
        def embed(self, audio: Samples) -> Embedding:
            asked.append(len(audio))
            raise EngineError("it hears nothing")

    with_embedder(monkeypatch, Deaf())
    events = trio.run(told, ASKED)
    assert not who(events)
    assert len(finals(events)) == len(TURNS)
    assert len(asked) == 1, "it is not asked again in that session"


def test_the_end_waits_for_a_stuck_embedder_no_longer_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_naming, "LAST_S", 0.1)
    released = threading.Event()

    class Stuck(FakeEmbedder):
        def embed(self, audio: Samples) -> Embedding:
            released.wait(FAR_S)
            return super().embed(audio)

    with_embedder(monkeypatch, Stuck())
    try:
        events = trio.run(told, ASKED)
    finally:
        released.set()
    assert not who(events)
    assert len(finals(events)) == len(TURNS)


def test_a_final_that_has_waited_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_naming, "BUDGET_S", -1.0)
    with_embedder(monkeypatch, FakeEmbedder())
    assert not who(trio.run(told, ASKED))


def test_one_that_cannot_be_used_is_told_before_anything_listens() -> None:
    with pytest.raises(EngineUnavailable, match="no-such"):
        trio.run(told, ASKED, "no-such")
