"""An engine on workers as everybody else sees it, and what an operator is told who asks for what there is not."""

import subprocess
import sys
import types

import anyio
import numpy as np
import pytest

from auricle.engines.actor import EngineActor
from auricle.engines.compute import ENGINE_DEFAULTS
from auricle.engines.fallback import engine_loader
from auricle.engines.loading import Loaded
from auricle.engines.plain_data import to_plain
from auricle.engines.protocol import BLOCK, Engine, EngineUnavailable, StoppableEngine, StreamConfig
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.supervised import BudgetedEngine, DistributedEngine, SupervisedEngine
from auricle.engines.workers import EngineWorkers, load_on_workers, loading
from auricle.engines.workers.protocol import Hosted
from engines.session_harness import config, silence, text_of
from engines.workers.fake_cluster import FakeCluster
from engines.workers.patience import until

SCRIPT = Script(words=tuple(ScriptedWord(text=f"w{n}", start=n * 16_000, end=n * 16_000 + 8_000) for n in range(4)))
HOSTED = Hosted(
    create="engines.isolation.brittle:window_counting", arguments=(to_plain(SCRIPT),), device=None, threads=1
)
PARTS = "auricle.engines.scripted.session_parts:session_parts"


@pytest.fixture
def cluster(monkeypatch) -> FakeCluster:
    """The only cluster there is, at the address ``ray``."""
    fake = FakeCluster(hosted=HOSTED, a=1, b=1)
    module = types.ModuleType("fake_system")
    module.connect = lambda address, hosted: fake
    monkeypatch.setitem(sys.modules, "fake_system", module)
    monkeypatch.setattr(loading, "SYSTEMS", {"ray": "fake_system"})
    return fake


def loaded(hosted: Hosted = HOSTED) -> Engine:
    return loading.on_workers(EngineWorkers(address="ray"), hosted, PARTS, lambda stage, fraction: None)


def test_it_is_an_engine_of_every_kind_that_the_rest_asks_for(cluster):
    engine = loaded()
    try:
        for kind in (BudgetedEngine, DistributedEngine, SupervisedEngine, StoppableEngine):
            assert isinstance(engine, kind)
        assert engine.info == ScriptedWindowEngine(SCRIPT).info
        assert engine.lanes.count >= 1
        assert engine.longest_call_s(5.0) > 15.0
    finally:
        engine.close()
    assert cluster.closed


def test_lanes_are_the_workers_that_there_are(cluster):
    engine = loaded()
    try:
        until(lambda: engine.lanes.count == 2)
        for node in ("a", "b"):
            cluster.lose(node)
        until(lambda: engine.lanes.count == 0)
    finally:
        engine.close()


def test_a_session_hears_what_it_would_hear_on_this_machine(cluster):
    async def heard(source) -> str:
        async with EngineActor(source) as actor:
            await actor.loaded()
            session = actor.open(config(silence_s=0.3))
            session.feed(silence(6.0))
            session.finish()
            return text_of([result async for result in session])

    async def scenario() -> None:
        with anyio.fail_after(30.0):
            far = await heard(lambda progress: Loaded(engine=loaded()))
            near = await heard(ScriptedWindowEngine(SCRIPT))
        assert far == near == "w0 w1 w2 w3"

    anyio.run(scenario, backend="trio")
    assert sum(len(worker.requests) for worker in cluster.workers) > 0


def test_the_loader_of_a_server_takes_workers_before_anything_else(cluster):
    cluster.hosted = Hosted(create="engines.isolation.brittle:refuses", arguments=(), device=None, threads=1)
    load = engine_loader("scripted", None, None, workers=EngineWorkers(address="ray"))
    with pytest.raises(EngineUnavailable, match="There is no model on this machine"):
        load(lambda stage, fraction: None)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in [name for name in sys.modules if name.startswith("auricle.engines.ray")]:
        monkeypatch.delitem(sys.modules, name)
    workers = EngineWorkers(address="ray://box:10001")
    with pytest.raises(EngineUnavailable, match=r"need ray: install the extra auricle\[ray\]"):
        load_on_workers(workers, "whisper", None, None, ENGINE_DEFAULTS, lambda stage, fraction: None)


def test_whoever_does_not_ask_for_it_imports_none_of_it():
    program = "import sys, auricle.server.app, auricle.engines.fallback; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("address", ["", "dask://box", "box:6379", "http://box"])
def test_an_address_of_no_known_system_is_one_sentence(address):
    with pytest.raises(ValueError, match="Engine workers are on ray"):
        EngineWorkers(address=address)


def test_no_workers_at_all_are_no_choice():
    with pytest.raises(ValueError, match="at least one"):
        EngineWorkers(address="ray", most=0)


def test_parts_that_cannot_be_made_here_are_one_sentence(cluster):
    workers = EngineWorkers(address="ray")
    with pytest.raises(EngineUnavailable, match="session_parts cannot be made here"):
        loading.on_workers(workers, HOSTED, "engines.nowhere:parts", lambda stage, fraction: None)
    assert cluster.closed


def test_voice_is_detected_here_and_not_on_a_worker(cluster):
    engine = loaded()
    try:
        detector = engine.voice_detector(StreamConfig())
        assert list(detector(np.zeros((1, BLOCK), dtype=np.float32))) == [1.0]
    finally:
        engine.close()
