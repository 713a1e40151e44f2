"""A healthy engine that is slow, and shared: no word is lost, or the session is refused before its first sample."""

from dataclasses import replace

import pytest
import trio

from auricle.core import Features, Limits, Start
from auricle.transports.trio import ConnectFailed
from server.virtual_server import FakeModel, StatefulModel, VirtualServer, run_virtually, together, words

SLOW_S = 6.0
SESSIONS = 10


@pytest.mark.parametrize("partials", [True, False])
@pytest.mark.parametrize("paced", [True, False])
@pytest.mark.parametrize("utterances", [1, 4])
def test_ten_sessions_that_end_at_once_lose_no_word(*, utterances: int, paced: bool, partials: bool) -> None:
    async def scenario(virtual: VirtualServer) -> None:
        config = Start(resume=False, features=Features(partials=partials))
        seconds = 2.2 * utterances + 0.5
        for heard in await together(virtual, SESSIONS, seconds, paced=paced, config=config):
            assert heard.words == [f"u{utterance}w{word}" for utterance in range(utterances) for word in range(4)]
            assert heard.closed.complete is True
            # One call for each final, and one for what was decoded when the input ended.
            assert heard.ended_s <= (SESSIONS * utterances + 2) * SLOW_S + 1.0

    run_virtually(scenario, FakeModel(words(4, utterances=utterances), lambda windows: SLOW_S))


def test_a_queue_much_longer_than_any_deadline_loses_no_word() -> None:
    """Nothing is known of the engine when all of them end: what moves in the queue is all that they can go by."""

    async def scenario(virtual: VirtualServer) -> None:
        config = Start(resume=False, features=Features(partials=False))
        for heard in await together(virtual, 40, 2.7, paced=False, config=config):
            assert heard.words == ["u0w0", "u0w1", "u0w2", "u0w3"]
            assert heard.deadline_s < 40 * SLOW_S

    run_virtually(scenario, FakeModel(words(4), lambda windows: SLOW_S))


@pytest.mark.parametrize("utterances", [1, 3])
def test_the_deadline_that_is_told_covers_the_predicted_queue(utterances: int) -> None:
    """For clients that know nothing of queues, and hold their server to what it said when their input ended."""

    async def scenario(virtual: VirtualServer) -> None:
        for heard in await together(virtual, SESSIONS, 2.7 * utterances):
            assert heard.deadline_s + Limits().drain_silence_s >= heard.ended_s

    run_virtually(scenario, FakeModel(words(4, utterances=utterances), lambda windows: SLOW_S))


def test_whoever_could_not_be_served_in_time_is_refused_before_the_first_sample() -> None:
    """Once the engine has been seen at work: a second session would wait for minutes."""

    async def scenario(virtual: VirtualServer) -> None:
        await virtual.talk(2.7)
        async with virtual.client() as client:
            await client.send_audio(bytes(32_000))
            with pytest.raises(ConnectFailed) as refused:
                await virtual.talk(2.7)
            assert refused.value.closed is not None
            assert refused.value.closed.error == "capacity"
            assert refused.value.closed.retry_after_s
            assert refused.value.closed.accounting.received == 0

    run_virtually(scenario, FakeModel(words(4), lambda windows: SLOW_S))


def test_turns_of_an_engine_that_takes_audio_as_it_comes_are_a_queue_too() -> None:
    """Thirty sessions share its two workers: between two turns of one lie minutes."""

    async def scenario(virtual: VirtualServer) -> None:
        for heard in await together(virtual, 30, 1.5, paced=False):
            assert heard.words == ["u0w0", "u0w1", "u0w2", "u0w3"]
            assert heard.closed.complete is True

    run_virtually(scenario, StatefulModel(replace(words(4), call_s=SLOW_S / 10)))


def test_the_deadline_that_is_told_covers_the_audio_that_waits_for_turns() -> None:
    """Of an engine that takes audio as it comes: ten speakers share its two workers, which have time for two."""

    async def scenario(virtual: VirtualServer) -> None:
        for heard in await together(virtual, SESSIONS, 25.0):
            assert heard.closed.complete is True
            assert heard.deadline_s + Limits().drain_silence_s >= heard.ended_s

    run_virtually(scenario, StatefulModel(replace(words(4, utterances=10), call_s=0.3)))


def test_whoever_would_wait_too_long_for_a_turn_is_refused_before_the_first_sample() -> None:
    """And is taken again, once the audio that waited has been heard."""

    async def scenario(virtual: VirtualServer) -> None:
        async def refused() -> None:
            await trio.sleep(25.0)
            with pytest.raises(ConnectFailed) as failed:
                await virtual.talk(1.0)
            closed = failed.value.closed
            assert closed is not None
            assert closed.error == "capacity"
            assert closed.retry_after_s
            assert closed.accounting.received == 0

        async with trio.open_nursery() as nursery:
            nursery.start_soon(refused)
            for heard in await together(virtual, SESSIONS, 25.0):
                assert heard.closed.complete is True
        assert (await virtual.talk(2.7)).closed.complete is True

    run_virtually(scenario, StatefulModel(replace(words(4, utterances=10), call_s=0.2)))
