"""The acceptance of engine workers, with nodes that are threads: what the bench does with real ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import trio
from cluster import kills
from cluster.hosted import LISTENING
from engines.workers.fake_cluster import FakeCluster
from fault_injection.listening.session_parts import session_parts

from auricle.engines.protocol import Engine
from auricle.engines.workers import pool as pool_module
from auricle.engines.workers.engine import DistributedWindowEngine
from auricle.engines.workers.host import own_version
from auricle.engines.workers.pool import WorkerPool


class FakeNodes:
    """Nodes as the bench knows them."""

    address = "fake"

    def __init__(self, count: int) -> None:
        self.cluster = FakeCluster(hosted=LISTENING)
        self._added = 0
        for _ in range(count):
            self.add()

    def add(self) -> None:
        self._added += 1
        self.cluster.by_node[f"n{self._added}"] = 1

    def kill_oldest(self) -> None:
        self.cluster.lose(next(iter(self.cluster.by_node)))


@pytest.fixture
def fake_nodes(monkeypatch: pytest.MonkeyPatch) -> list[FakeNodes]:
    made: list[FakeNodes] = []

    @contextmanager
    def simulated(count: int) -> Iterator[FakeNodes]:
        made.append(FakeNodes(count))
        yield made[-1]

    def listening(address: str) -> Engine:
        pool = WorkerPool(made[-1].cluster, address=address, version=own_version(), most=None, piece_bytes=10_000)
        return DistributedWindowEngine(pool, pool.start(lambda stage, fraction: None), session_parts({}))

    monkeypatch.setattr(pool_module, "COUNT_S", 0.05)
    monkeypatch.setattr(kills, "simulated_nodes", simulated)
    monkeypatch.setattr(kills, "listening_on", listening)
    return made


def test_no_word_is_lost_with_the_nodes_that_are_killed_and_the_third_takes_work(fake_nodes: list[FakeNodes]) -> None:
    outcome = trio.run(partial(kills.survive, 5, kills=3, every_s=1.5))
    heard = outcome.heard
    assert outcome.kills == outcome.lost == 3
    assert (heard.missing, heard.doubled, heard.strange, heard.disordered) == (0, 0, 0, 0)
    assert (heard.incomplete, heard.interrupted) == (0, 0)
    assert heard.words == 2 * len(heard.delays_s) >= 5 * 2
    assert len(fake_nodes[0].cluster.by_node) == 3
