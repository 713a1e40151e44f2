"""The actor, under trio and asyncio: turns, faults, people who leave, engines that never return."""

import threading
import time
from collections.abc import Awaitable, Callable

import anyio
import pytest

from auricle.engines import actor as actor_module
from auricle.engines.actor import EngineActor
from auricle.engines.loading import Loaded
from auricle.engines.protocol import (
    EngineError,
    EngineUnavailable,
    FinalResult,
    PartialResult,
    Processed,
    StreamDone,
    UtteranceFailed,
)
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from engines.session_harness import check_record, config, silence, text_of

LONGEST_S = 20.0
"""A test that takes longer hangs. None waits for this time to pass."""


@pytest.fixture(params=["asyncio", "trio"])
def run(request) -> Callable[[Callable[[], Awaitable[None]]], None]:
    """Run a scenario in one of the two worlds, and fail rather than hang."""

    def run_in(scenario: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            with anyio.fail_after(LONGEST_S):
                await scenario()

        anyio.run(bounded, backend=request.param)

    return run_in


async def inline(call):
    """Run a call where it stands: no threads, so that what happens first is known."""
    await anyio.lowlevel.checkpoint()
    return call()


def word(number: int) -> ScriptedWord:
    """The word of second ``number``: half a second of voice, half a second of none."""
    return ScriptedWord(text=f"w{number}", start=number * 16_000, end=number * 16_000 + 8_000)


def script(words: int = 4, **options) -> Script:
    return Script(words=tuple(word(number) for number in range(words)), **options)


HOW = config(silence_s=0.3)


@pytest.mark.parametrize("kind", [ScriptedEngine, ScriptedWindowEngine])
def test_a_session_from_open_to_done(run, kind):
    async def scenario():
        async with EngineActor(kind(script())) as actor:
            assert (await actor.loaded()).name == "scripted"
            session = actor.open(HOW)
            for _ in range(200):
                session.feed(silence(0.02))
            session.finish()
            results = [result async for result in session]
            assert not await session.receive()
        check_record(results, 64_000)
        assert text_of(results) == "w0 w1 w2 w3"

    run(scenario)


def test_control_keeps_its_place_among_the_audio(run):
    async def scenario():
        async with EngineActor(ScriptedEngine(script()), run_sync=inline) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(0.25))
            session.flush("early", 4_000)
            session.feed(silence(3.75))
            session.flush("late", 32_000)
            session.finish()
            results = [result async for result in session]
        check_record(results, 64_000)
        assert results[next(i for i, r in enumerate(results) if isinstance(r, FinalResult))].end_sample == 4_000

    run(scenario)


def test_sessions_take_turns(run):
    """One that brings a minute at once does not make the others wait for it."""

    async def scenario():
        order: list[str] = []
        async with EngineActor(ScriptedEngine(Script()), workers=1, run_sync=inline) as actor:
            await actor.loaded()

            async def listen(name: str, seconds: float) -> None:
                session = actor.open(HOW)
                session.feed(silence(seconds))
                session.finish()
                async for _ in session:
                    pass
                order.append(name)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen, "long", 60.0)
                for number in range(5):
                    tasks.start_soon(listen, f"short {number}", 1.0)
        assert len(order) == 6
        assert order[-1] == "long"

    run(scenario)


def test_a_turn_is_bounded_and_the_backlog_is_known(run):
    async def scenario():
        calls = []

        async def counting(call):
            calls.append(session.backlog_samples if calls else None)
            return await inline(call)

        async with EngineActor(ScriptedEngine(Script()), workers=1, run_sync=counting) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(2.0))
            assert session.backlog_samples == 32_000
            session.finish()
            async for _ in session:
                pass
            assert calls[1:5] == [24_000, 16_000, 8_000, 0]

    run(scenario)


def test_one_session_is_never_in_two_turns(run):
    async def scenario():
        inside, most = [], []

        class Watched(ScriptedEngine):
            def voice_detector(self, config):
                def voice(blocks):
                    inside.append(1)
                    most.append(len(inside))
                    time.sleep(0.0005)
                    inside.pop()
                    return [0.0] * len(blocks)

                return voice

        async with EngineActor(Watched(Script()), workers=4) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            for _ in range(20):
                session.feed(silence(0.1))
                await anyio.lowlevel.checkpoint()
            session.finish()
            async for _ in session:
                pass
        assert set(most) == {1}

    run(scenario)


def test_a_failing_call_is_one_failure_and_the_next_utterance_works(run):
    async def scenario():
        async with EngineActor(ScriptedEngine(script(failing_utterances=frozenset({1})))) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(4.0))
            session.finish()
            results = [result async for result in session]
        check_record(results, 64_000)
        assert len([r for r in results if isinstance(r, UtteranceFailed)]) == 1
        assert text_of(results) == "w0 w2 w3"

    run(scenario)


class Deaf(ScriptedEngine):
    """Its voice detector breaks: nothing can be recognised any more, but for this session only."""

    broken = True

    def voice_detector(self, config):
        if self.broken:
            raise OSError("no ear")
        return super().voice_detector(config)


def test_an_engine_that_breaks_a_session_breaks_no_other(run):
    async def scenario():
        engine = Deaf(script())
        async with EngineActor(engine) as actor:
            await actor.loaded()
            broken = actor.open(HOW)
            broken.feed(silence(1.0))
            for _ in range(2):
                with pytest.raises(EngineError, match="OSError"):
                    await broken.receive()
            broken.feed(silence(1.0))
            broken.close()
            engine.broken = False
            session = actor.open(HOW)
            session.feed(silence(4.0))
            session.finish()
            assert text_of([result async for result in session]) == "w0 w1 w2 w3"

    run(scenario)


class Lending(ScriptedEngine):
    """Counts the utterances it has lent."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.lent = 0

    def begin(self, config, start_sample):
        utterance = super().begin(config, start_sample)
        self.lent += 1

        def close():
            self.lent -= 1

        utterance.close = close
        return utterance


def test_a_client_that_leaves_gives_everything_back(run):
    async def scenario():
        gate = threading.Event()
        engine = Lending(script(1), gate=gate)
        gate.set()
        async with EngineActor(engine, workers=1) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(0.4))
            async for result in session:
                if isinstance(result, PartialResult | Processed):
                    break
            assert engine.lent == 1
            gate.clear()
            session.feed(silence(5.0))
            while session.backlog_samples == 80_000:
                await anyio.lowlevel.checkpoint()
            session.close()  # in the middle of a turn
            session.close()
            assert session.backlog_samples == 0
            assert not await session.receive()
            gate.set()
            other = actor.open(HOW)
            other.feed(silence(1.0))
            other.finish()
            assert text_of([result async for result in other]) == "w0"
            assert engine.lent == 0
            while actor._sessions:
                await anyio.lowlevel.checkpoint()
            assert session.over
            assert other.over
        assert engine.closed.is_set()

    run(scenario)


def test_a_cancelled_reader_loses_no_result(run):
    async def scenario():
        async with EngineActor(ScriptedEngine(script())) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            results = []

            async def read():
                while True:
                    results.extend(await session.receive())

            for _ in range(8):
                session.feed(silence(0.5))
                with anyio.move_on_after(0.001):
                    await read()
            session.finish()
            results += [result async for result in session]
        check_record(results, 64_000)
        assert text_of(results) == "w0 w1 w2 w3"

    run(scenario)


def test_what_nobody_takes_does_not_grow(run):
    async def scenario():
        async with EngineActor(ScriptedEngine(script()), run_sync=inline) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            for _ in range(40):
                session.feed(silence(0.1))
                while session.backlog_samples:
                    await anyio.lowlevel.checkpoint()
            session.finish()
            while not session.over:
                await anyio.lowlevel.checkpoint()
            batch = await session.receive()
            assert len([r for r in batch if isinstance(r, Processed)]) == 1
            assert len([r for r in batch if isinstance(r, PartialResult)]) <= 1
            assert text_of(batch) == "w0 w1 w2 w3"

    run(scenario)


def test_verbs_after_the_end(run):
    async def scenario():
        async with EngineActor(ScriptedEngine(script())) as actor:
            await actor.loaded()
            session = actor.open(HOW)
            with pytest.raises(ValueError, match="frames"):
                session.feed(b"odd")
            session.finish()
            for late in (lambda: session.feed(b"12"), session.finish, lambda: session.flush("f", 0)):
                with pytest.raises(RuntimeError, match="finished"):
                    late()
            assert [r async for r in session] == [StreamDone(upto_sample=0)]
            session.close()

    run(scenario)


def test_waiters_learn_that_nothing_could_be_loaded(run):
    async def scenario():
        async with EngineActor(ScriptedEngine(script(load_failure="There is no model."))) as actor:
            refusals = []

            async def wait():
                with pytest.raises(EngineUnavailable) as caught:
                    await actor.loaded()
                refusals.append(str(caught.value))

            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(wait)
            assert refusals == ["There is no model."] * 3
            with pytest.raises(EngineUnavailable):
                actor.open(HOW)

    run(scenario)


def test_a_loader_may_raise_anything(run):
    async def scenario():
        def load(progress):
            raise MemoryError("far too large")

        async with EngineActor(load) as actor:
            with pytest.raises(EngineUnavailable, match="far too large"):
                await actor.loaded()

    run(scenario)


def test_loading_tells_how_far_it_is(run):
    async def scenario():
        gate, told = threading.Event(), anyio.Event()
        token = anyio.lowlevel.current_token()

        def load(progress):
            progress("Downloading", 0.5)
            anyio.from_thread.run_sync(told.set, token=token)
            assert gate.wait(LONGEST_S)
            return Loaded(engine=ScriptedEngine(Script()), note="It had to be this one.")

        async with EngineActor(load) as actor:
            await told.wait()
            assert (actor.stage.stage, actor.stage.fraction) == ("Downloading", 0.5)
            with pytest.raises(EngineUnavailable, match="not ready"):
                actor.open(HOW)
            gate.set()
            await actor.loaded()
            assert actor.note == "It had to be this one."

    run(scenario)


def test_stopping_ends_open_sessions_and_closes_the_engine(run):
    async def scenario():
        engine = Lending(script())
        async with anyio.create_task_group() as tasks:
            actor = EngineActor(engine)
            tasks.start_soon(actor.run)
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(0.4))
            await session.receive()
            actor.stop()
        assert engine.closed.is_set()
        assert engine.lent == 0
        with pytest.raises(EngineError, match="stopped"):
            async for _ in session:
                pass
        with pytest.raises(EngineUnavailable, match="stopped"):
            await actor.loaded()

    run(scenario)


def test_a_wedged_call_is_abandoned(run, monkeypatch):
    monkeypatch.setattr(actor_module, "STOP_GRACE_S", 0.05)

    async def scenario():
        gate = threading.Event()
        engine = ScriptedEngine(script(), gate=gate)
        try:
            async with EngineActor(engine) as actor:
                await actor.loaded()
                session = actor.open(HOW)
                session.feed(silence(1.0))
                await anyio.wait_all_tasks_blocked()
            assert not engine.closed.is_set(), "it is still in use"
            with pytest.raises(EngineError, match="stopped"):
                await session.receive()
        finally:
            gate.set()

    run(scenario)


def test_cancelling_the_actor_waits_for_a_call_and_then_closes_the_engine(run):
    async def scenario():
        gate, entered = threading.Event(), threading.Event()

        class Entered(ScriptedEngine):
            def begin(self, config, start_sample):
                entered.set()
                return super().begin(config, start_sample)

        engine = Entered(script(), gate=gate)
        async with anyio.create_task_group() as tasks:
            actor = EngineActor(engine)
            tasks.start_soon(actor.run)
            await actor.loaded()
            session = actor.open(HOW)
            session.feed(silence(1.0))
            await anyio.to_thread.run_sync(entered.wait)
            tasks.cancel_scope.cancel()
            gate.set()
        assert engine.closed.is_set()

    run(scenario)


def test_the_body_keeps_its_own_exception(run):
    async def scenario():
        with pytest.raises(KeyError):
            async with EngineActor(ScriptedEngine(Script())):
                raise KeyError("mine")

    run(scenario)


def test_two_hundred_sessions(run):
    async def scenario():
        texts = []
        async with EngineActor(ScriptedEngine(script(2))) as actor:
            await actor.loaded()

            async def listen():
                session = actor.open(HOW)
                for _ in range(4):
                    session.feed(silence(0.5))
                    await anyio.lowlevel.checkpoint()
                session.finish()
                texts.append(text_of([result async for result in session]))

            async with anyio.create_task_group() as tasks:
                for _ in range(200):
                    tasks.start_soon(listen)
        assert texts == ["w0 w1"] * 200

    run(scenario)
