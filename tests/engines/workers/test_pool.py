"""The pool of workers: each is called one call at a time, and whatever becomes of one, its call is answered."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from auricle.engines.plain_data import to_plain
from auricle.engines.protocol import EngineError, EngineUnavailable, StreamConfig, Window
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.supervised import CallGivenUp
from auricle.engines.workers import pool as pool_module
from auricle.engines.workers.host import own_version
from auricle.engines.workers.pool import WorkerPool
from auricle.engines.workers.protocol import Hosted
from engines.workers.fake_cluster import FakeCluster
from engines.workers.patience import PATIENCE_S, until

SCRIPT = Script(words=tuple(ScriptedWord(text=f"w{n}", start=n * 16_000, end=n * 16_000 + 8_000) for n in range(4)))
COUNTING = Hosted(
    create="engines.isolation.brittle:window_counting", arguments=(to_plain(SCRIPT),), device=None, threads=1
)


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    for name, value in {
        "LOOK_S": 0.005,
        "COUNT_S": 0.01,
        "EXCESS_S": 0.02,
        "SILENT_S": 10.0,
        "GONE_S": 30.0,
        "WAIT_S": 10.0,
    }.items():
        monkeypatch.setattr(pool_module, name, value)


@contextmanager
def running(cluster: FakeCluster, *, most: int | None = None) -> Iterator[WorkerPool]:
    pool = WorkerPool(cluster, address="fake", version=own_version(), most=most, piece_bytes=10_000)
    try:
        pool.start(lambda stage, fraction: None)
        yield pool
    finally:
        pool.close()


def window(seconds: float = 4.0) -> Window:
    return Window(audio=np.zeros(round(16_000 * seconds), dtype=np.float32), config=StreamConfig(), final=False)


def text_of(pool: WorkerPool, budget_s: float = 10.0) -> str:
    (transcript,) = pool.call((window(),), budget_s)
    return transcript.text


SAID = "w0 w1 w2 w3"


def test_there_are_as_many_workers_as_there_is_room_for():
    with running(FakeCluster(hosted=COUNTING, a=2, b=1)) as pool:
        until(lambda: pool.serving == 3)
        assert sorted(worker.node for worker in pool.status.workers) == ["a", "a", "b"]
        assert text_of(pool) == SAID


def test_an_operator_may_want_fewer():
    with running(FakeCluster(hosted=COUNTING, a=5), most=2) as pool:
        until(lambda: pool.serving == 2)
        assert pool.status.wanted == 2


def test_a_node_that_joins_is_used_and_one_that_goes_is_not_missed():
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        until(lambda: pool.serving == 1)
        cluster.by_node["b"] = 2
        until(lambda: pool.serving == 3)
        cluster.lose("b")
        until(lambda: pool.serving == 1)
        assert text_of(pool) == SAID
        assert pool.status.lost == 2


def test_when_room_goes_the_worker_that_was_asked_for_last_is_given_up():
    """It waits for the room; the one before it has a place, and may be about to be ready."""
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        until(lambda: pool.serving == 1)
        cluster.loads.clear()
        cluster.by_node["b"] = 2
        until(lambda: len(pool.status.workers) == 3)
        cluster.by_node["b"] = 1
        until(lambda: len(pool.status.workers) == 2)
        assert [worker.is_dead for worker in cluster.workers] == [False, False, True]
        cluster.loads.set()
        until(lambda: pool.serving == 2)
        assert len(cluster.workers) == 3


def test_a_worker_that_is_about_to_be_ready_is_not_given_up_for_one_whose_node_is_gone(monkeypatch):
    """The cluster still counts a node that has died: a worker was to begin there, and one more where there is room."""
    monkeypatch.setattr(pool_module, "EXCESS_S", 30.0)
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        until(lambda: pool.serving == 1)
        cluster.loads.clear()
        for number, node in enumerate(("dead", "b"), start=2):
            cluster.by_node[node] = 1
            until(lambda number=number: len(pool.status.workers) == number)
        cluster.by_node.pop("dead")
        looks = cluster.looks
        until(lambda: cluster.looks >= looks + 4)
        assert pool.status.wanted == 2
        assert not any(worker.is_dead for worker in cluster.workers)
        cluster.workers[1].lose_node()
        until(lambda: len(pool.status.workers) == 2)
        cluster.loads.set()
        until(lambda: pool.serving == 2)
        assert [worker.is_dead for worker in cluster.workers] == [False, True, False]


def test_a_worker_whose_node_dies_while_it_starts_is_replaced_at_once():
    """As often as that happens: it says nothing against the model or the version of the others."""
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        until(lambda: pool.serving == 1)
        cluster.loads.clear()
        for number in range(3):
            cluster.by_node[f"n{number}"] = 1
            until(lambda: len(pool.status.workers) == 2)
            cluster.lose(f"n{number}")
            until(lambda: len(pool.status.workers) == 1)
        cluster.loads.set()
        cluster.by_node["b"] = 1
        until(lambda: pool.serving == 2)
        assert pool.status.refused == ()


def test_a_worker_has_one_call_at_a_time_and_calls_wait_for_a_free_one():
    cluster = FakeCluster(hosted=COUNTING, a=2)
    with running(cluster) as pool, ThreadPoolExecutor(5) as threads:
        until(lambda: pool.serving == 2)
        for worker in cluster.workers:
            worker.answers.clear()
        calls = [threads.submit(text_of, pool) for _ in range(5)]
        until(lambda: all(len(worker.requests) == 1 for worker in cluster.workers))
        assert [worker.state for worker in pool.status.workers] == ["decoding", "decoding"]
        for worker in cluster.workers:
            worker.answers.set()
        assert [call.result(PATIENCE_S) for call in calls] == [SAID] * 5


def test_the_call_of_a_worker_that_dies_is_made_on_another_one():
    cluster = FakeCluster(hosted=COUNTING, a=1, b=1)
    with running(cluster) as pool, ThreadPoolExecutor(1) as threads:
        until(lambda: pool.serving == 2)
        for worker in cluster.workers:
            worker.answers.clear()
        call = threads.submit(text_of, pool)
        until(lambda: any(worker.requests for worker in cluster.workers))
        (busy,) = (worker for worker in cluster.workers if worker.requests)
        (other,) = (worker for worker in cluster.workers if not worker.requests)
        other.answers.set()
        cluster.lose(busy.node)
        assert call.result(PATIENCE_S) == SAID
        assert len(other.requests) == 1
        assert (pool.status.repeated, pool.status.answered) == (1, 1)
        cluster.lose(other.node)
        until(lambda: not pool.status.workers)
        assert pool.status.answered == 1, "what a worker has answered is not taken back when it is lost"


def test_the_call_of_a_worker_that_falls_silent_is_made_elsewhere_and_it_comes_back(monkeypatch):
    """Nobody says that it has ended: the machine may have lost its power, or the network."""
    monkeypatch.setattr(pool_module, "SILENT_S", 0.2)
    cluster = FakeCluster(hosted=COUNTING, a=1, b=1)
    with running(cluster) as pool, ThreadPoolExecutor(1) as threads:
        until(lambda: pool.serving == 2)
        for worker in cluster.workers:
            worker.answers.clear()
        call = threads.submit(text_of, pool)
        until(lambda: any(worker.requests for worker in cluster.workers))
        (mute,) = (worker for worker in cluster.workers if worker.requests)
        (other,) = (worker for worker in cluster.workers if not worker.requests)
        other.answers.set()
        mute.is_silent = True
        assert call.result(PATIENCE_S) == SAID
        assert pool.serving == 1
        assert {worker.name: worker.state for worker in pool.status.workers}[mute.name] == "silent"
        mute.answers.set()  # its answer comes after all, which is no second one
        mute.speak()
        until(lambda: pool.serving == 2)
        assert not mute.is_dead
        assert pool.status.lost == 0


def test_a_worker_that_is_silent_for_good_is_replaced(monkeypatch):
    monkeypatch.setattr(pool_module, "GONE_S", 0.3)
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        until(lambda: pool.serving == 1)
        cluster.workers[0].is_silent = True
        until(lambda: len(cluster.workers) == 2 and pool.serving == 1)
        assert cluster.workers[0].is_dead
        assert text_of(pool) == SAID


def test_a_call_that_takes_longer_than_it_may_is_made_again_with_more_time():
    cluster = FakeCluster(hosted=COUNTING, a=2)
    with running(cluster) as pool, ThreadPoolExecutor(1) as threads:
        until(lambda: pool.serving == 2)
        for worker in cluster.workers:
            worker.answers.clear()
        call = threads.submit(text_of, pool, 0.2)
        until(lambda: sum(len(worker.requests) for worker in cluster.workers) == 2)
        assert sum(worker.is_dead for worker in cluster.workers) >= 1, "the wedged one is ended"
        for worker in cluster.workers:
            worker.answers.set()
        assert call.result(PATIENCE_S) == SAID


def test_a_call_that_ends_each_worker_it_is_made_on_is_given_up():
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool, ThreadPoolExecutor(1) as threads:
        until(lambda: pool.serving == 1)
        stop = threading.Event()

        def murder() -> None:
            while not stop.is_set():
                for worker in list(cluster.workers):
                    worker.answers.clear()
                    if worker.requests:
                        worker.kill()
                stop.wait(0.001)

        killer = threading.Thread(target=murder)
        killer.start()
        with pytest.raises(CallGivenUp):
            threads.submit(text_of, pool).result(PATIENCE_S)
        stop.set()
        killer.join()


def test_without_any_worker_a_call_waits_for_one_and_no_session_should_begin(monkeypatch):
    monkeypatch.setattr(pool_module, "LASTING_S", 0.05)
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool, ThreadPoolExecutor(1) as threads:
        until(lambda: pool.serving == 1)
        assert pool.trouble is None
        cluster.lose("a")
        until(lambda: pool.trouble is not None and pool.trouble.lasting)
        call = threads.submit(text_of, pool)
        cluster.by_node["b"] = 1
        assert call.result(PATIENCE_S) == SAID
        assert pool.trouble is None


def test_it_is_said_when_there_is_no_worker_in_time(monkeypatch):
    monkeypatch.setattr(pool_module, "WAIT_S", 0.05)
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        until(lambda: pool.serving == 1)
        cluster.lose("a")
        until(lambda: pool.serving == 0)
        with pytest.raises(EngineError, match="no engine worker on fake"):
            text_of(pool)


def test_a_node_with_another_version_is_refused_and_told_about():
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        cluster.versions["b"] = "0.0.1"
        cluster.by_node["b"] = 1
        until(lambda: bool(pool.status.refused))
        assert pool.serving == 1
        assert "node b has Auricle 0.0.1" in pool.status.refused[0]
        assert len(cluster.workers) == 2, "it is not tried again at once"


def test_a_node_with_another_model_is_refused_and_told_about():
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool:
        cluster.arguments["b"] = (to_plain(Script(words=SCRIPT.words, name="large")),)
        cluster.by_node["b"] = 1
        until(lambda: bool(pool.status.refused))
        assert "scripted large" in pool.status.refused[0]
        assert "scripted script" in pool.status.refused[0]
        assert text_of(pool) == SAID


@pytest.mark.parametrize(
    ("create", "why"),
    [
        ("engines.isolation.brittle:refuses", "There is no model on this machine."),
        ("engines.isolation.brittle:counting", "use whisper"),
        ("engines.isolation.brittle:cannot_be_made", "ZeroDivisionError"),
        ("engines.nowhere:engine", "ModuleNotFoundError"),
    ],
)
def test_an_engine_that_cannot_run_there_is_one_sentence(create, why):
    cluster = FakeCluster(hosted=Hosted(create=create, arguments=(), device=None, threads=1), a=1)
    with pytest.raises(EngineUnavailable, match=why), running(cluster):
        pass


def test_while_there_is_no_room_it_says_so_and_begins_when_there_is():
    cluster, stages = FakeCluster(hosted=COUNTING), []
    pool = WorkerPool(cluster, address="fake", version=own_version(), most=None, piece_bytes=10_000)
    started: Future = Future()

    def start() -> None:
        started.set_result(pool.start(lambda stage, fraction: stages.append(stage)))

    threading.Thread(target=start, daemon=True).start()
    until(lambda: "Waiting for room for a worker on fake" in stages)
    cluster.by_node["a"] = 1
    assert started.result(PATIENCE_S).info.name == "scripted"
    pool.close()


def test_a_pool_that_is_closed_ends_its_workers_and_its_calls():
    cluster = FakeCluster(hosted=COUNTING, a=1)
    with running(cluster) as pool, ThreadPoolExecutor(2) as threads:
        until(lambda: pool.serving == 1)
        cluster.workers[0].answers.clear()
        calls = [threads.submit(text_of, pool) for _ in range(2)]
        until(lambda: bool(cluster.workers[0].requests))
        pool.close()
        for call in calls:
            with pytest.raises(EngineError):
                call.result(PATIENCE_S)
        assert cluster.closed
        assert all(worker.is_dead for worker in cluster.workers)
