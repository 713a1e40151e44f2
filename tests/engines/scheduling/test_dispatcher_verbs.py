"""The dispatcher alone, on virtual time: what it holds, when it looks, whom it tells, what it does with a failure."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import anyio
import numpy as np
import pytest
import trio
import trio.testing

from auricle.engines.policy.events import Drop, Urgency
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    EngineInfo,
    Lanes,
    LoadProgress,
    StreamConfig,
    Transcript,
    VoiceDetector,
    Window,
)
from auricle.engines.scheduling import dispatcher as module
from auricle.engines.scheduling.decode_request import DecodeRequest, Outcome
from auricle.engines.scheduling.dispatcher import COUNT_S, LOAD_S, MOST_LANES, MOST_WORKERS, TELL_S, Dispatcher
from auricle.engines.scheduling.native_calls import Calls
from auricle.engines.supervised import CallGivenUp, WorkersStatus
from engines.session_harness import config

CALL_S = 4.0
"""Virtual seconds that a call takes."""


class Engine:
    """Answers with the number of its call. ``fails`` raises in its place, where it returns an error."""

    def __init__(self, *, count: int = 1, batch: int = 8) -> None:
        self.lanes = Lanes(count=count, batch=batch)
        self.calls: list[Sequence[Window]] = []
        self.fails: Callable[[Sequence[Window]], Exception | None] = lambda _windows: None

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        self.calls.append(windows)
        error = self.fails(windows)
        if error is not None:
            raise error
        return [Transcript(text=str(len(self.calls)))] * len(windows)


class Client:
    """A session that notes what it is told, and when."""

    owner: object = None

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.moves: list[tuple[float, float]] = []
        """The time and the prediction of every move of the queue."""

    def take(self, job: int, outcome: Outcome) -> None:
        self.outcomes[job] = outcome

    def queue_moved(self, engine_s: float) -> None:
        self.moves.append((trio.current_time(), engine_s))


def request(job: int, urgency: Urgency = Urgency.FINAL, *, context: str = "") -> DecodeRequest:
    how: StreamConfig = config()
    audio = np.zeros(ENGINE_RATE, np.float32)
    window = Window(audio=audio, config=how, final=urgency is Urgency.FINAL, context=context)
    return DecodeRequest(job=job, urgency=urgency, window=window)


async def taking_long(call: Callable[[], Any]) -> Any:
    await trio.sleep(CALL_S)
    return call()


def run(scenario: Callable[[Dispatcher, Engine], Awaitable[None]], engine: Engine | None = None) -> None:
    """Run a scenario on virtual time, with as many lanes as the engine has."""
    engine = engine or Engine()

    async def bounded() -> None:
        dispatcher = Dispatcher(engine, Calls(taking_long))
        async with trio.open_nursery() as nursery:
            for _ in range(dispatcher.lanes):
                nursery.start_soon(dispatcher.lane)
            await scenario(dispatcher, engine)
            nursery.cancel_scope.cancel()

    trio.run(bounded, clock=trio.testing.MockClock(autojump_threshold=0))


def opened(dispatcher: Dispatcher, count: int) -> list[Client]:
    clients = [Client() for _ in range(count)]
    for client in clients:
        dispatcher.open(client)
    return clients


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (MOST_LANES, MOST_LANES), (1_000, MOST_LANES)])
def test_lanes_are_bounded_whatever_an_engine_says(count: int, expected: int) -> None:
    async def scenario(dispatcher: Dispatcher, _engine: Engine) -> None:
        assert dispatcher.lanes == expected

    run(scenario, Engine(count=count))


class Workers(Engine):
    """An engine on workers, of which there are as many as a test says."""

    workers = WorkersStatus(address="fake", wanted=0, workers=(), refused=(), lost=0, answered=0, repeated=0)
    trouble = None
    info = EngineInfo(name="workers", model="fake")

    def load(self, progress: LoadProgress) -> None:
        """Nothing."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing."""


def run_on_workers(count: int, scenario: Callable[[Dispatcher, Workers], Awaitable[None]]) -> None:
    engine = Workers(count=count, batch=1)

    async def bounded() -> None:
        dispatcher = Dispatcher(engine, Calls(taking_long))
        async with anyio.create_task_group() as tasks:
            dispatcher.start(tasks)
            await scenario(dispatcher, engine)
            tasks.cancel_scope.cancel()

    trio.run(bounded, clock=trio.testing.MockClock(autojump_threshold=0))


def running(dispatcher: Dispatcher) -> int:
    return len(dispatcher._schedule.running)


class TestWorkersThatComeAndGo:
    def test_those_that_come_take_what_waits(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Workers) -> None:
            clients = opened(dispatcher, 6)
            for client in clients:
                dispatcher.dispatch(client, request(1))
            await trio.sleep(CALL_S / 2)
            assert running(dispatcher) == 1
            busy = dispatcher.load.utilisation
            engine.lanes = Lanes(count=5, batch=1)
            await trio.sleep(2 * COUNT_S)
            assert running(dispatcher) == 5, "a call on each"
            assert dispatcher.load.utilisation < busy / 4, "and there is room for more sessions"
            await trio.sleep(2 * CALL_S)
            assert all(client.outcomes for client in clients)

        run_on_workers(1, scenario)

    def test_those_that_go_are_missed_and_nothing_is_lost(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Workers) -> None:
            clients = opened(dispatcher, 8)
            for client in clients:
                dispatcher.dispatch(client, request(1))
            await trio.sleep(CALL_S / 2)
            assert running(dispatcher) == 4
            engine.lanes = Lanes(count=1, batch=1)
            await trio.sleep(CALL_S)
            assert len(engine.calls) == 4, "they return as if nothing were"
            assert running(dispatcher) == 1, "and then there is one call at a time"
            await trio.sleep(4 * CALL_S)
            assert all(client.outcomes for client in clients)

        run_on_workers(4, scenario)

    def test_with_none_at_all_a_call_waits_in_the_engine(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Workers) -> None:
            assert dispatcher.lanes == 1
            (client,) = opened(dispatcher, 1)
            dispatcher.dispatch(client, request(1))
            await trio.sleep(2 * CALL_S)
            assert client.outcomes

        run_on_workers(0, scenario)

    def test_there_may_be_more_than_lanes_of_this_machine(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Workers) -> None:
            assert dispatcher.lanes == MOST_WORKERS

        run_on_workers(1_000, scenario)


class TestWhatItHolds:
    """A window is held for each job that waits or runs, and for no other."""

    def test_nothing_of_a_session_that_has_left(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            busy, gone = opened(dispatcher, 2)
            dispatcher.dispatch(busy, request(1))
            await trio.sleep(1.0)
            dispatcher.dispatch(gone, request(1))
            assert len(dispatcher._pending) == 1
            dispatcher.close(gone)
            dispatcher.close(gone)
            assert not dispatcher._pending
            await trio.sleep(10 * CALL_S)
            assert (busy.outcomes, gone.outcomes, len(engine.calls)) == ({1: Transcript(text="1")}, {}, 1)

        run(scenario)

    @pytest.mark.parametrize("command", [Drop(job=1), request(2, Urgency.PARTIAL)], ids=["dropped", "replaced"])
    def test_nothing_that_nobody_wants_any_more(self, command: Drop | DecodeRequest) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            busy, client = opened(dispatcher, 2)
            dispatcher.dispatch(busy, request(1))
            await trio.sleep(1.0)
            dispatcher.dispatch(client, request(1, Urgency.PARTIAL))
            dispatcher.dispatch(client, command)
            wanted = [] if isinstance(command, Drop) else [command.job]
            assert [which.number for which in dispatcher._pending] == wanted
            await trio.sleep(10 * CALL_S)
            assert list(client.outcomes) == wanted
            assert not dispatcher._pending

        run(scenario)


def test_windows_with_context_and_without_are_not_decoded_together() -> None:
    async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
        busy, *others = opened(dispatcher, 4)
        dispatcher.dispatch(busy, request(1))
        await trio.sleep(1.0)
        for client, context in zip(others, ("", "said before", "said elsewhere"), strict=True):
            dispatcher.dispatch(client, request(1, context=context))
        await trio.sleep(10 * CALL_S)
        assert sorted(len(call) for call in engine.calls[1:]) == [1, 2]
        assert all(len({bool(window.context) for window in call}) == 1 for call in engine.calls)

    run(scenario)


class TestAFailure:
    @pytest.mark.parametrize(
        ("error", "urgency", "calls"),
        [
            (EngineError("It does not like this one."), Urgency.FINAL, 2),
            (EngineError("It does not like this one."), Urgency.PARTIAL, 1),
            (CallGivenUp("It ended three processes."), Urgency.FINAL, 1),
        ],
        ids=["a final has another chance", "a partial has none", "what has been given up has none"],
    )
    def test_alone(self, error: Exception, urgency: Urgency, calls: int) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            engine.fails = lambda _windows: error
            (client,) = opened(dispatcher, 1)
            dispatcher.dispatch(client, request(1, urgency))
            await trio.sleep(10 * CALL_S)
            assert client.outcomes == {1: str(error)}
            assert len(engine.calls) == calls

        run(scenario)

    def test_in_company_moves_the_queue_with_every_other_chance(self) -> None:
        """Its calls go on for as long as there are windows, and whoever is among them is not given up meanwhile."""

        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            engine.fails = lambda windows: EngineError("Together they are too much.") if len(windows) > 1 else None
            busy, *others = opened(dispatcher, 4)
            dispatcher.dispatch(busy, request(1))
            await trio.sleep(1.0)
            for client in others:
                dispatcher.dispatch(client, request(1))
            await trio.sleep(10 * CALL_S)
            assert [len(call) for call in engine.calls] == [1, 3, 1, 1, 1]
            for client in others:
                assert [at for at, _ in client.moves] == pytest.approx([CALL_S * n for n in (1, 2, 3, 4)])

        run(scenario)


class TestWhomItTells:
    def test_whoever_waits_for_a_final_and_is_served_hears_that_the_queue_moves(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            first, second, third = opened(dispatcher, 3)
            for client in (first, second, third):
                dispatcher.dispatch(client, request(1))
            await trio.sleep(10 * CALL_S)
            assert not first.moves, "it did not wait"
            assert [at for at, _ in second.moves] == pytest.approx([CALL_S]), "it is served then"
            assert [at for at, _ in third.moves] == pytest.approx([CALL_S, 2 * CALL_S])
            assert all(engine_s > CALL_S for _, engine_s in third.moves), "a prediction that covers a call"

        run(scenario, Engine(batch=1))

    def test_whoever_waits_for_a_partial_does_not(self) -> None:
        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            busy, client = opened(dispatcher, 2)
            dispatcher.dispatch(busy, request(1))
            await trio.sleep(1.0)
            dispatcher.dispatch(client, request(1, Urgency.PARTIAL))
            await trio.sleep(10 * CALL_S)
            assert client.outcomes
            assert not client.moves

        run(scenario, Engine(batch=1))

    def test_nobody_is_told_more_often_than_he_can_use_it_nor_before_he_has_waited(self) -> None:
        """Nine lanes begin a call each within a second, and everybody has just come."""

        async def scenario(dispatcher: Dispatcher, engine: Engine) -> None:
            clients = opened(dispatcher, 30)
            for client in clients:
                dispatcher.dispatch(client, request(1))
                await trio.sleep(TELL_S / 10)
            await trio.sleep(20 * CALL_S)
            for number, client in enumerate(clients):
                asked_at = number * TELL_S / 10
                times = [at for at, _ in client.moves]
                assert all(at - asked_at >= TELL_S - 1e-9 for at in times)
                assert all(later - at >= TELL_S - 1e-9 for at, later in pairwise(times))
            assert sum(bool(client.moves) for client in clients) > 10

        run(scenario, Engine(count=9, batch=1))


class TestWhenItLooks:
    def test_a_look_at_the_load_is_good_for_a_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every turn of every session asks: a look for each would cost more than the turns."""
        looks: list[float] = []
        look = module.schedule.load
        monkeypatch.setattr(
            module.schedule, "load", lambda state, *, now_s: looks.append(now_s) or look(state, now_s=now_s)
        )

        async def scenario(dispatcher: Dispatcher, _engine: Engine) -> None:
            opened(dispatcher, 1)
            del looks[:]
            for _ in range(100):
                assert dispatcher.load.admits
                assert dispatcher.engine_s >= 0.0
            assert len(looks) == 1
            await trio.sleep(LOAD_S)
            assert dispatcher.load.admits
            assert len(looks) == 2

        run(scenario)

    def test_who_comes_who_goes_and_a_call_that_returns_are_seen_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[float] = []
        look = module.schedule.load
        monkeypatch.setattr(
            module.schedule, "load", lambda state, *, now_s: looks.append(now_s) or look(state, now_s=now_s)
        )

        async def scenario(dispatcher: Dispatcher, _engine: Engine) -> None:
            def is_seen(change: Callable[[], object]) -> bool:
                assert dispatcher.load
                before = len(looks)
                change()
                assert dispatcher.load
                return len(looks) == before + 1

            client = Client()
            assert is_seen(lambda: dispatcher.open(client))
            assert not is_seen(lambda: dispatcher.dispatch(client, request(1)))
            await trio.sleep(CALL_S - LOAD_S / 4)
            assert dispatcher.load
            before = len(looks)
            await trio.sleep(LOAD_S / 2)
            assert client.outcomes
            assert dispatcher.load
            assert len(looks) == before + 1, "the call has returned since the last look"
            assert is_seen(lambda: dispatcher.close(client))

        run(scenario)
