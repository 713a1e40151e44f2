"""A server that goes away or sends its clients away: no word is lost, and what is lost is said."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from livekit_plugin.simulated_server import SimulatedServer
from pipecat.frames.frames import EndFrame

from auricle.core import Limits
from pipecat_plugin.harness import KEY, Harness, run_scenario
from pipecat_plugin.running_pipeline import now

WORD = (1, 0, 0, 0, 0)
"""A word and the silence that ends an utterance, half a second in all."""


def sentence(first: int, count: int) -> tuple[int, ...]:
    return tuple(value for word in range(first, first + count) for value in (word, *WORD[1:]))


def words(count: int) -> list[str]:
    return [f"w{word}" for word in range(1, count + 1)]


@contextmanager
def away(server: SimulatedServer) -> Iterator[None]:
    """The server is killed: it loses its sessions, and refuses connections until the end of the block."""
    server.down = True
    server.cut(forget=True)
    try:
        yield
    finally:
        server.down = False


def test_a_cut_connection_is_resumed_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(*sentence(1, 2), 3)
        it.server.cut()
        await it.say(*sentence(4, 3))
        await it.end()
        assert it.words == ["w1", "w2", "w3", "w4", "w5", "w6"]
        assert it.errors == []
        assert len(it.server.starts) == 1

    run_scenario(monkeypatch, scenario)


@pytest.mark.parametrize("seconds", [5, 25])
def test_an_outage_costs_no_word(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(*sentence(1, 4), 5)
        with away(it.server):
            await it.say(*sentence(6, 2 * seconds))
        await it.say(*sentence(6 + 2 * seconds, 6))
        await it.end()
        assert it.words == words(11 + 2 * seconds)
        report = it.stt.report
        assert report is not None
        assert (report.complete, report.lost_s) == (True, 0.0)
        assert len(it.errors) == (1 if seconds > 10 else 0), "one error an outage, and none for a short one"
        assert it.stt.is_usable
        starts = [final.result.start for final in it.finals]
        assert starts == sorted(starts), "times go on where a session has ended"
        assert starts[-1] == pytest.approx((sum([2 + 0.1, seconds, 2.5])), abs=0.2)

    run_scenario(monkeypatch, scenario)


def test_what_no_longer_fits_is_lost_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(*sentence(1, 4))
        with away(it.server):
            await it.say(*sentence(5, 60))
        await asyncio.sleep(3)  # and what waited has been heard
        await it.say(*sentence(65, 2))
        await it.end()
        report = it.stt.report
        assert report is not None
        assert report.complete is False
        assert 9 < report.lost_s < 13
        assert report.decided_s + report.lost_s == pytest.approx(report.given_s)
        assert it.words[:4] == words(4)
        assert it.words[-2:] == ["w65", "w66"]
        assert any("were not heard" in error.error for error in it.errors)

    run_scenario(monkeypatch, scenario, max_backlog_s=20.0)


def test_a_server_that_comes_late_hears_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimulatedServer()
    server.down = True

    async def scenario(it: Harness) -> None:
        await it.say(*sentence(1, 30))
        it.server.down = False
        await it.end()
        assert it.words == words(30)

    run_scenario(monkeypatch, scenario, server)


def test_a_session_that_the_server_ends_goes_on_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(*sentence(1, 12))  # the sessions end in the silence between two words
        await it.end()
        assert it.words == words(12)
        assert it.errors == []
        assert len(it.server.starts) > 2

    run_scenario(monkeypatch, scenario, SimulatedServer(limits=Limits(session_max_s=2.3)))


@pytest.mark.parametrize("seconds", [0, 15])
def test_a_flush_that_a_dying_server_did_not_answer_is_answered_by_the_next(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    server = SimulatedServer()
    server.ignore_flushes = True

    async def scenario(it: Harness) -> None:
        await it.speech_begins()
        await it.say(1, 0)
        await it.speech_ends()
        await asyncio.sleep(0.1)
        it.server.ignore_flushes = False
        with away(it.server):
            await asyncio.sleep(seconds)
        await asyncio.sleep(3)
        assert [(frame.text, frame.finalized) for frame in it.finals] == [("w1", True)]
        await it.end()

    run_scenario(monkeypatch, scenario, server)


def test_a_refusal_is_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimulatedServer()
    server.refusal = ("unsupported_language", "no Klingon here")

    async def scenario(it: Harness) -> None:
        await it.say(1)
        await asyncio.sleep(1)
        assert not it.stt.is_usable
        (error,) = it.errors
        assert "no Klingon here" in error.error
        await it.end()
        assert it.server.connects == 1
        assert it.sink.of(EndFrame)

    run_scenario(monkeypatch, scenario, server)


def test_another_service_gets_its_turn_where_patience_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(it: Harness) -> None:
        await it.say(1)
        with away(it.server):
            begun = now()
            while it.stt.is_usable:  # noqa: ASYNC110  # on virtual time
                await asyncio.sleep(0.1)
            assert now() - begun < 20
        assert len(it.errors) == 2

    run_scenario(monkeypatch, scenario, give_up_after_s=1.0)


def test_no_error_tells_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimulatedServer()
    server.refusal = ("unauthorized", f"the key {KEY} is not one of ours")

    async def scenario(it: Harness) -> None:
        await it.say(1)
        await asyncio.sleep(1)
        (error,) = it.errors
        assert KEY not in error.error
        await it.end()

    run_scenario(monkeypatch, scenario, server)
