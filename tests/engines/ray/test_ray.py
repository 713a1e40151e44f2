"""Engine workers on Ray itself: real nodes as processes of this machine, which are killed.

Ray takes half a gigabyte and half a minute, so it is asked for: ``pip install -e '.[ray]'`` and ``AURICLE_RAY=1``.
"""

import os
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
import trio
from cluster.hosted import listening_on
from cluster.kills import survive
from cluster.simulated_nodes import simulated_nodes
from fault_injection.listening.engine import ListeningWindowEngine, spoken

from auricle.engines.protocol import StreamConfig, Window

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'"),
    pytest.mark.skipif("AURICLE_RAY" not in os.environ, reason="Ray takes half a minute: AURICLE_RAY=1 runs it"),
]


def windows() -> list[Window]:
    audio = np.frombuffer(spoken([[101, 102], [201, 202, 203]]), dtype="<i2").astype(np.float32) / 32_768
    return [Window(audio=audio[:end], config=StreamConfig(), final=True) for end in (20_000, len(audio))]


def test_a_worker_says_what_the_engine_says_here() -> None:
    with simulated_nodes(1) as nodes:
        engine = listening_on(nodes.address)
        try:
            assert engine.decode(windows()) == tuple(ListeningWindowEngine().decode(windows()))
            assert engine.workers.workers[0].node
        finally:
            engine.close()


def test_nodes_that_are_killed_cost_no_word_and_one_that_joins_is_used() -> None:
    """`bench/cluster` does the same with 50 sessions and a kill every ten seconds, on an idle machine."""
    outcome = trio.run(partial(survive, 6, kills=2, every_s=15.0))
    heard = outcome.heard
    assert outcome.kills == 2
    assert (heard.missing, heard.doubled, heard.strange, heard.disordered) == (0, 0, 0, 0)
    assert (heard.incomplete, heard.interrupted) == (0, 0)
    assert heard.words > 100
    assert outcome.lost >= 2
