"""A model that is slow, comes in bursts, hangs, raises or returns garbage: no word is lost, and every session ends."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import pytest
import trio

from auricle.core import Features, Limits, Start
from auricle.engines.protocol import EngineError, Transcript, Window
from auricle.engines.scheduling.budgets import SHORTEST_S
from auricle.engines.supervised import EngineTrouble
from auricle.transports.trio import ConnectFailed
from server.virtual_server import (
    FakeModel,
    Heard,
    ProcessExit,
    SupervisedModel,
    VirtualServer,
    run_virtually,
    together,
    words,
)

CALL_S = 0.3
BURST_S = 15.0
SPEECH_S = 4.7
SAID = [f"u{utterance}w{word}" for utterance in range(2) for word in range(4)]
SCRIPT = words(4, utterances=2)


def every(number: int, happens: Callable[[], float], *, after: int = 2) -> Callable[[Sequence[Window]], float]:
    """Return the cost of a model on which something happens in each ``number``-th call ``after`` the first ones."""
    calls = count(1)

    def cost(windows: Sequence[Window]) -> float:
        call = next(calls)
        return happens() if call > after and call % number == 0 else CALL_S

    return cost


def raises() -> float:
    raise EngineError("It does not want to.")


def exits() -> float:
    raise ProcessExit


def in_bursts(windows: Sequence[Window]) -> float:
    """Nothing returns for a while, and then everything does."""
    return BURST_S - trio.current_time() % BURST_S


def has_a_bug() -> float:
    raise ZeroDivisionError("no")


def exits_twice_of_three_times() -> Callable[[Sequence[Window]], float]:
    calls = count(1)
    return lambda windows: CALL_S if next(calls) % 3 == 0 else exits()


class Garbling(FakeModel):
    """Returns what is no transcript in each third call."""

    def __init__(self, garbage: object) -> None:
        super().__init__(SCRIPT, lambda windows: CALL_S, batch=4)
        self._garbage = garbage

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        transcripts = super().decode(windows)
        return self._garbage if len(self.calls) % 3 == 0 else transcripts  # type: ignore[return-value]


MODELS = {
    "well": lambda: FakeModel(SCRIPT, lambda windows: CALL_S),
    "slow": lambda: FakeModel(SCRIPT, lambda windows: 20 * CALL_S),
    "slow and batched": lambda: FakeModel(SCRIPT, lambda windows: 20 * CALL_S, batch=8, count=2),
    "slow at times": lambda: FakeModel(SCRIPT, every(7, lambda: 40.0), batch=4),
    "in bursts": lambda: FakeModel(SCRIPT, in_bursts, batch=4, count=2),
    "in bursts alone": lambda: FakeModel(SCRIPT, in_bursts),
    "exiting": lambda: SupervisedModel(SCRIPT, every(3, exits), batch=4),
    "exiting alone": lambda: SupervisedModel(SCRIPT, every(3, exits)),
    "exiting in most calls": lambda: SupervisedModel(SCRIPT, exits_twice_of_three_times(), batch=4),
    "wedged": lambda: SupervisedModel(SCRIPT, every(7, lambda: math.inf), batch=4),
    "wedged alone": lambda: SupervisedModel(SCRIPT, every(7, lambda: math.inf)),
    "slower than its budget": lambda: SupervisedModel(SCRIPT, every(5, lambda: 3 * SHORTEST_S)),
    "raising": lambda: FakeModel(SCRIPT, every(3, raises), batch=4),
    "raising alone": lambda: FakeModel(SCRIPT, every(3, raises)),
    "with a bug": lambda: FakeModel(SCRIPT, every(3, has_a_bug), batch=2),
    "with nothing": lambda: Garbling(None),
    "with too few": lambda: Garbling([]),
    "with strings": lambda: Garbling(["what", "is", "that", "for"]),
    "with text that is none": lambda: Garbling([Transcript(text="no\ud800", confidence=0.5)]),
    "with confidence that is none": lambda: Garbling([Transcript(text="no", confidence=math.nan)]),
}

LONGEST_S = {"in bursts alone": BURST_S}
"""Virtual seconds of a call, one after the other, where it is not what most of them take."""


@pytest.mark.parametrize("sessions", [1, 12])
@pytest.mark.parametrize("name", MODELS)
def test_no_word_is_lost_and_none_doubled(name: str, sessions: int) -> None:
    async def scenario(virtual: VirtualServer) -> None:
        for heard in await together(virtual, sessions, SPEECH_S):
            assert heard.words == SAID
            assert heard.closed.complete is True
            assert heard.ended_s <= heard.deadline_s + Limits().drain_silence_s + sessions * 2 * LONGEST_S.get(
                name, 20 * CALL_S
            )

    run_virtually(scenario, MODELS[name]())


class TestAWedgedCall:
    def test_is_ended_in_seconds_and_the_server_is_not_ready_meanwhile(self) -> None:
        calls: Iterator[float] = iter([CALL_S] * 6 + [math.inf])
        model = SupervisedModel(SCRIPT, lambda windows: next(calls, CALL_S))
        unready: list[float] = []

        async def scenario(virtual: VirtualServer) -> None:
            async def probe() -> None:
                while True:
                    is_ready, why = virtual.server.overview.ready()
                    if not is_ready:
                        unready.append(trio.current_time())
                        assert why == "A call of the engine does not return: it is ended and repeated."
                    await trio.sleep(0.1)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(probe)
                heard = await together(virtual, 3, SPEECH_S)
                nursery.cancel_scope.cancel()
            assert [one.words for one in heard] == [SAID] * 3
            assert max(one.ended_s for one in heard) <= 2 * SHORTEST_S + model.RESTART_S
            assert unready
            assert unready[-1] - unready[0] <= model.RESTART_S + 2 * CALL_S
            assert virtual.server.overview.ready()[0]

        run_virtually(scenario, model)

    def test_that_nobody_can_end_ends_all_sessions_in_a_bound_and_admits_no_more(self) -> None:
        """An engine in the server's own process."""
        model = FakeModel(SCRIPT, every(1, lambda: math.inf, after=6))

        async def scenario(virtual: VirtualServer) -> None:
            for heard in await together(virtual, 3, SPEECH_S):
                assert heard.closed.error == "drain_timeout"
                assert heard.closed.complete is False
                assert heard.ended_s <= heard.deadline_s + 1.0
            is_ready, why = virtual.server.overview.ready()
            assert not is_ready
            assert "it should have returned" in why
            with pytest.raises(ConnectFailed) as refused:
                await virtual.talk(1.0)
            assert refused.value.closed is not None
            assert refused.value.closed.error == "engine_unavailable"
            assert refused.value.closed.retry_after_s

        run_virtually(scenario, model)

    def test_is_no_progress_for_its_own_session_however_others_are_served(self) -> None:
        """Two calls at a time: one of them never returns, and the other serves everybody else for minutes."""
        calls = count(1)

        def cost(windows: Sequence[Window]) -> float:
            return math.inf if next(calls) == 1 else CALL_S

        async def scenario(virtual: VirtualServer) -> None:
            config = Start(resume=False, features=Features(partials=False))
            heard: list[Heard] = []

            async def unlucky() -> None:
                heard.append(await virtual.talk(1.0, paced=False, config=config))  # its end cuts the utterance

            async with trio.open_nursery() as nursery:
                nursery.start_soon(unlucky)
                await trio.sleep(1.0)
                async with virtual.client(config) as client:
                    while not heard:
                        await client.send_audio(bytes(32_000))
                        await trio.sleep(1.0)
            assert heard[0].closed.error == "drain_timeout"
            assert heard[0].ended_s <= heard[0].deadline_s + 5.0

        run_virtually(scenario, FakeModel(words(4, utterances=400), cost, count=2))

    def test_that_ends_every_process_loses_one_utterance_and_says_so(self) -> None:
        def cost(windows: Sequence[Window]) -> float:
            return math.inf if any(w.final and w.start_sample == 0 for w in windows) else CALL_S

        async def scenario(virtual: VirtualServer) -> None:
            heard = await virtual.talk(SPEECH_S)
            assert heard.words == SAID[4:]
            assert heard.closed.complete is False
            assert heard.closed.accounting.dropped > 0

        run_virtually(scenario, SupervisedModel(SCRIPT, cost))


def test_an_engine_in_lasting_trouble_makes_the_server_unready_and_takes_no_session() -> None:
    model = SupervisedModel(SCRIPT, lambda windows: CALL_S)

    async def scenario(virtual: VirtualServer) -> None:
        model.trouble = EngineTrouble(why="The engine's process is being restarted.", lasting=False)
        assert virtual.server.overview.ready() == (False, "The engine's process is being restarted.")
        assert (await virtual.talk(SPEECH_S)).words == SAID
        model.trouble = EngineTrouble(why="It dies again and again.", lasting=True)
        assert virtual.server.overview.ready() == (False, "It dies again and again.")
        with pytest.raises(ConnectFailed, match="It dies again and again"):
            await virtual.talk(SPEECH_S)
        model.trouble = None
        assert virtual.server.overview.ready()[0]
        assert (await virtual.talk(SPEECH_S)).words == SAID

    run_virtually(scenario, model)
