"""What an actor tells its observer, and what the probe does: under trio and asyncio, without threads."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from auricle.engines.actor import EngineActor
from auricle.engines.policy.events import Urgency
from auricle.engines.probe import clip
from auricle.engines.protocol import ENGINE_RATE, EngineError, EngineUnavailable
from auricle.engines.scheduling.observer import CallReturned, TurnTaken
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from engines.session_harness import config, silence

LONGEST_S = 20.0
HOW = config(silence_s=0.3)


@pytest.fixture(params=["asyncio", "trio"])
def run(request) -> Callable[[Callable[[], Awaitable[None]]], None]:
    def run_in(scenario: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            with anyio.fail_after(LONGEST_S):
                await scenario()

        anyio.run(bounded, backend=request.param)

    return run_in


async def inline(call):
    await anyio.lowlevel.checkpoint()
    return call()


class Watcher:
    def __init__(self) -> None:
        self.calls: list[CallReturned] = []
        self.turns: list[TurnTaken] = []

    def call_returned(self, call: CallReturned) -> None:
        self.calls.append(call)

    def turn_taken(self, turn: TurnTaken) -> None:
        self.turns.append(turn)


def script(**options) -> Script:
    words = tuple(ScriptedWord(text=f"w{n}", start=n * 16_000, end=n * 16_000 + 8_000) for n in range(3))
    return Script(words=words, **options)


async def hear(actor: EngineActor, owner: object, seconds: int = 4) -> None:
    await actor.loaded()
    session = actor.open(HOW, owner)
    for _ in range(seconds * 50):
        session.feed(silence(0.02))
    session.finish()
    _ = [result async for result in session]


def test_every_window_of_a_call_is_told_with_its_session(run):
    async def scenario():
        watcher, owner = Watcher(), object()
        async with EngineActor(ScriptedWindowEngine(script()), run_sync=inline, observer=watcher) as actor:
            await hear(actor, owner)
            summary = actor.decodes
        windows = [window for call in watcher.calls for window in call.windows]
        assert summary is not None
        assert summary.calls == len(watcher.calls)
        assert {window.owner for window in windows} == {owner}
        assert {Urgency.FINAL, Urgency.SPECULATIVE} & {window.urgency for window in windows}
        assert all(window.tries == 1 and window.believed and not window.failed for window in windows)
        assert all(0.0 < window.audio_s < 5.0 and window.waited_s >= 0.0 for window in windows)
        assert all(call.audio_s == sum(window.audio_s for window in call.windows) for call in watcher.calls)
        assert not watcher.turns

    run(scenario)


def test_a_window_that_failed_is_told_as_failed(run):
    async def scenario():
        watcher = Watcher()
        every = frozenset(range(1000))
        async with EngineActor(
            ScriptedWindowEngine(script(failing_calls=every)), run_sync=inline, observer=watcher
        ) as actor:
            await hear(actor, None)
        assert watcher.calls
        assert all(call.failed for call in watcher.calls)
        assert all(window.tries == 0 and not window.believed for call in watcher.calls for window in call.windows)

    run(scenario)


def test_a_stateful_engine_tells_of_turns_and_all_of_their_audio(run):
    async def scenario():
        watcher, owner = Watcher(), object()
        async with EngineActor(ScriptedEngine(script()), run_sync=inline, observer=watcher) as actor:
            await hear(actor, owner)
        assert not watcher.calls
        assert sum(turn.audio_s for turn in watcher.turns) == pytest.approx(4.0)
        assert all(turn.owner is owner and not turn.failed and turn.waited_s >= 0.0 for turn in watcher.turns)

    run(scenario)


@pytest.mark.parametrize("kind", [ScriptedEngine, ScriptedWindowEngine])
def test_a_probe_is_not_counted_by_a_script(run, kind):
    async def scenario():
        async with EngineActor(kind(script(failing_utterances=frozenset({0}))), run_sync=inline) as actor:
            await actor.loaded()
            await actor.probe()
            session = actor.open(HOW)
            session.feed(silence(1.0))
            session.finish()
            kinds = [type(result).__name__ async for result in session]
        assert "UtteranceFailed" in kinds

    run(scenario)


@pytest.mark.parametrize("kind", [ScriptedEngine, ScriptedWindowEngine])
def test_a_probe_is_a_decode_of_which_nobody_is_told(run, kind):
    async def scenario():
        watcher, called = Watcher(), []
        engine = kind(script(call_s=0.001), sleep=called.append)
        async with EngineActor(engine, run_sync=inline, observer=watcher) as actor:
            await actor.loaded()
            called.clear()
            await actor.probe()
            assert called
            assert actor.decodes is None
            assert actor.busy_for_s is None
        assert not watcher.calls
        assert not watcher.turns

    run(scenario)


class NoWindow(ScriptedWindowEngine):
    def decode(self, windows):
        raise EngineError("It fails.")


class NoUtterance(ScriptedEngine):
    def begin(self, config, start_sample):
        raise EngineError("It fails.")


@pytest.mark.parametrize("kind", [NoUtterance, NoWindow])
def test_a_probe_of_an_engine_that_fails_says_so(run, kind):
    async def scenario():
        async with EngineActor(kind(script()), run_sync=inline) as actor:
            await actor.loaded()
            with pytest.raises(EngineError, match="fails"):
                await actor.probe()
            assert (actor.load is None) == (kind is NoUtterance)

    run(scenario)


def test_there_is_no_probe_before_the_engine_is_loaded(run):
    async def scenario():
        actor = EngineActor(ScriptedEngine())
        with pytest.raises(EngineUnavailable):
            await actor.probe()
        assert actor.process is None

    run(scenario)


def test_the_clip_is_a_second_that_is_heard_and_not_clipped():
    samples = clip()
    assert (len(samples), samples.dtype) == (ENGINE_RATE, "float32")
    assert 0.2 < abs(samples).max() < 0.5
    assert (clip() == samples).all()
