"""The engine's process is killed again and again while people speak: no word may be lost."""

import os
import signal
from typing import Any

import anyio
from clips import conversation
from context import Bench, isolated
from cpu import largest_descendant
from harness import play_all
from pacing import staggered

from auricle.engines.actor import EngineActor

PATIENCE_S = 120.0
STAGGER_S = 4.0
WORKER_BYTES = 40_000_000
"""What holds less is a helper of the supervisor, or has not come up yet."""


async def measure(bench: Bench) -> dict[str, Any]:
    """Compare sessions whose engine is killed with one whose engine is not; all say the same."""
    budget = bench.budget
    tape = conversation(bench.clips, budget.kill_tape_s, 0)
    delays_s = [staggered(index, STAGGER_S) for index in range(budget.kill_sessions)]
    async with EngineActor(isolated(bench.model)) as actor:
        await actor.loaded()
        (alone,) = await play_all(actor, [tape], [0.0], bench.config(), patience_s=PATIENCE_S)
        killed: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_kill, killed, budget.kills, (tape.seconds + STAGGER_S) / budget.kills)
            tapes = [tape] * budget.kill_sessions
            recordings = await play_all(actor, tapes, delays_s, bench.config(), patience_s=PATIENCE_S)
            tasks.cancel_scope.cancel()
    return {
        "sessions": budget.kill_sessions,
        "kills": len(killed),
        "complete": all(recording.complete for recording in recordings),
        "words": len(tape.words) * budget.kill_sessions,
        "unheard_words": sum(recording.unheard_words() for recording in recordings),
        "unheard_alone": alone.unheard_words() * budget.kill_sessions,
        "words_missing": sum(recording.words_missing(alone) for recording in recordings),
    }


async def _kill(killed: list[int], kills: int, interval_s: float) -> None:
    """Kill the process that holds the model, every ``interval_s``."""
    for _ in range(kills):
        await anyio.sleep(interval_s / 2)
        worker = largest_descendant(WORKER_BYTES)
        if worker is not None:
            os.kill(worker, signal.SIGKILL)
            killed.append(worker)
        await anyio.sleep(interval_s / 2)
