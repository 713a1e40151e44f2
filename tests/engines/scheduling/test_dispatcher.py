"""The decode desk, through the actor: company, faults, people who leave; no thread and no clock of its own."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from auricle.engines.actor import EngineActor
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    FinalResult,
    Lanes,
    PartialResult,
    Transcript,
    UtteranceFailed,
)
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from engines.session_harness import check_record, config, silence, text_of

LONGEST_S = 20.0
"""A test that takes longer hangs. None waits for this time to pass."""
HOW = config(silence_s=0.3)


@pytest.fixture(params=["asyncio", "trio"])
def run(request) -> Callable[[Callable[[], Awaitable[None]]], None]:
    def run_in(scenario: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            with anyio.fail_after(LONGEST_S):
                await scenario()

        anyio.run(bounded, backend=request.param)

    return run_in


def script(words: int = 2) -> Script:
    """A word of half a second in every second."""
    said = (ScriptedWord(text=f"w{n}", start=n * 16_000, end=n * 16_000 + 8_000) for n in range(words))
    return Script(words=tuple(said))


class Batching(ScriptedWindowEngine):
    """Remembers its calls; ``lanes`` as given."""

    def __init__(self, script: Script, **lanes) -> None:
        super().__init__(script)
        self._lanes = Lanes(**lanes)
        self.calls: list[list[bool]] = []
        """For each call, whether each of its windows is a final."""

    @property
    def lanes(self) -> Lanes:
        return self._lanes

    def decode(self, windows):
        self.calls.append([window.final for window in windows])
        return super().decode(windows)


class Gate:
    """Runs calls where they stand, but those of `decode` only once it is open."""

    def __init__(self) -> None:
        self.open = anyio.Event()
        self.waiting = 0

    async def __call__(self, call):
        await anyio.lowlevel.checkpoint()
        if "_transcripts" in call.__qualname__:
            self.waiting += 1
            await self.open.wait()
        return call()


async def results_of(session) -> list:
    return [result async for result in session]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await anyio.lowlevel.checkpoint()


def test_what_gathers_while_the_engine_is_busy_goes_together(run):
    async def scenario():
        gate = Gate()
        engine = Batching(script(), batch=8)
        async with EngineActor(engine, workers=1, run_sync=gate) as actor:
            await actor.loaded()
            sessions = [actor.open(config(silence_s=0.3, partials=False)) for _ in range(6)]
            for session in sessions:
                session.feed(silence(2.0))
                session.finish()
            await until(lambda: gate.waiting == 1 and all(not session.backlog_samples for session in sessions))
            gate.open.set()
            for session in sessions:
                told = await results_of(session)
                check_record(told, 32_000)
                assert text_of(told) == "w0 w1"
        assert sum(len(call) for call in engine.calls) == 12
        assert max(len(call) for call in engine.calls) >= 5
        assert all(all(call) for call in engine.calls)

    run(scenario)


def test_nobody_waits_for_partials_in_the_call_of_a_final(run):
    async def scenario():
        gate = Gate()
        long_word = Script(words=(ScriptedWord(text="well", start=0, end=48_000),))
        engine = Batching(long_word, batch=8)
        async with EngineActor(engine, workers=1, run_sync=gate) as actor:
            await actor.loaded()
            sessions = [actor.open(config(silence_s=0.3)) for _ in range(6)]
            speaking, ending = sessions[:-1], sessions[-1:]
            for session in sessions:
                session.feed(silence(1.4))
            for session in ending:
                session.finish()
            await anyio.wait_all_tasks_blocked()
            gate.open.set()
            await until(lambda: sum(map(len, engine.calls)) == len(sessions))
            for session in speaking:
                session.finish()
            for session in sessions:
                check_record(await results_of(session), round(1.4 * 16_000))
        assert {True, False} == {final for call in engine.calls for final in call}
        assert all(len(set(call)) == 1 for call in engine.calls)

    run(scenario)


def test_one_lane_is_one_call_at_a_time(run):
    async def scenario():
        gate = Gate()
        engine = Batching(script())
        async with EngineActor(engine, workers=3, run_sync=gate) as actor:
            await actor.loaded()
            sessions = [actor.open(HOW) for _ in range(3)]
            for session in sessions:
                session.feed(silence(2.0))
                session.finish()
            await until(lambda: all(not session.backlog_samples for session in sessions))
            assert gate.waiting == 1
            gate.open.set()
            for session in sessions:
                assert text_of(await results_of(session)) == "w0 w1"
        assert {len(call) for call in engine.calls} == {1}

    run(scenario)


def test_every_lane_that_was_idle_is_woken(run):
    """However many waited for work at once."""

    async def scenario():
        gate = Gate()
        engine = Batching(script(), count=3)
        async with EngineActor(engine, workers=3, run_sync=gate) as actor:
            await actor.loaded()
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            sessions = [actor.open(HOW) for _ in range(3)]
            for session in sessions:
                session.feed(silence(2.0))
                session.finish()
            await until(lambda: gate.waiting == 3)
            gate.open.set()
            for session in sessions:
                assert text_of(await results_of(session)) == "w0 w1"

    run(scenario)


def test_a_window_that_breaks_a_call_costs_only_its_own_utterance(run):
    class Allergic(Batching):
        def decode(self, windows):
            if any(window.config.prompt == "poison" for window in windows):
                raise EngineError("It does not like this one.")
            return super().decode(windows)

    async def scenario():
        engine = Allergic(script(1), batch=8)
        async with EngineActor(engine, workers=1) as actor:
            await actor.loaded()
            well = [actor.open(HOW) for _ in range(3)]
            ill = actor.open(config(silence_s=0.3, prompt="poison"))
            for session in (*well, ill):
                session.feed(silence(1.0))
                session.finish()
            for session in well:
                assert text_of(await results_of(session)) == "w0"
            told = await results_of(ill)
            check_record(told, 16_000)
            assert [result.message for result in told if isinstance(result, UtteranceFailed)] == [
                "It does not like this one."
            ]

    run(scenario)


@pytest.mark.parametrize("surplus", [-1, 1])
def test_an_engine_that_cannot_count_loses_an_utterance_and_no_session(run, surplus):
    class Miscounting(Batching):
        def decode(self, windows):
            return [Transcript(text="w0")] * (len(windows) + surplus)

    async def scenario():
        async with EngineActor(Miscounting(script(1)), workers=1) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(1.0))
            session.finish()
            told = await results_of(session)
            check_record(told, 16_000)
            (lost,) = (result for result in told if isinstance(result, UtteranceFailed))
            assert lost.message == "The engine returned too few or too many transcripts."

    run(scenario)


def test_what_somebody_who_left_had_wished_for_is_not_decoded(run):
    async def scenario():
        gate = Gate()
        engine = Batching(script(1))
        async with EngineActor(engine, workers=1, run_sync=gate) as actor:
            await actor.loaded()
            busy, gone = actor.open(HOW), actor.open(HOW)
            for session in (busy, gone):
                session.feed(silence(1.0))
                session.finish()
            await until(lambda: gate.waiting == 1 and not gone.backlog_samples)
            gone.close()
            await until(lambda: gone.over)
            gate.open.set()
            assert text_of(await results_of(busy)) == "w0"
            assert not await results_of(gone)
        assert [final for call in engine.calls for final in call].count(True) == 1

    run(scenario)


def test_a_partial_that_was_never_decoded_gives_way_to_the_final(run):
    async def scenario():
        gate = Gate()
        engine = Batching(script(1))
        async with EngineActor(engine, workers=1, run_sync=gate) as actor:
            await actor.loaded()
            other, session = actor.open(HOW), actor.open(HOW)
            other.feed(silence(1.0))
            other.finish()
            await until(lambda: gate.waiting == 1)
            for _ in range(10):
                session.feed(silence(0.1))
                await until(lambda: session.backlog_samples < 0.3 * ENGINE_RATE)
            session.finish()
            await anyio.lowlevel.checkpoint()
            gate.open.set()
            told = await results_of(session)
            assert [result.text for result in told if isinstance(result, FinalResult)] == ["w0"]
            assert len([result for result in told if isinstance(result, PartialResult)]) <= 1

    run(scenario)


def test_an_engine_that_has_room_says_so(run):
    async def scenario():
        async with EngineActor(Batching(script())) as actor:
            await actor.loaded()
            actor.open(HOW)
            assert actor.busy_for_s is None
            assert actor.partial_interval_s == 0.5

    run(scenario)
