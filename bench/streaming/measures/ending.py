"""The end of the input right behind the last word: how long until everything is decided."""

from typing import Any

from clips import Clip, Tape, within
from context import Bench
from harness import play
from metrics import summary

from auricle.engines.protocol import ENGINE_RATE

PATIENCE_S = 30.0
AFTER_WORD_S = 0.05
"""The input ends so soon after the last word that no silence has been noticed."""


async def measure(bench: Bench) -> dict[str, Any]:
    """Play each clip in a session of its own, one after another."""
    delays, units = list[float](), list[float]()
    async with bench.ours() as ours:
        for clip in within(bench.clips, bench.budget.ending_s):
            recording = await play(ours, _cut(clip), bench.config(), patience_s=PATIENCE_S)
            if recording.done_s is None:
                return {"complete": False}
            delays.append(recording.done_s - recording.finish_s)
            units.append(bench.short(clip).wall_s)
    ratios = [delay / unit for delay, unit in zip(delays, units, strict=True)]
    return {"complete": True, "after_end_input_s": summary(delays), "after_end_input_over_decode": summary(ratios)}


def _cut(clip: Clip) -> Tape:
    end = round((clip.speech_end_s + AFTER_WORD_S) * ENGINE_RATE)
    return Tape(samples=clip.samples[:end], clips=(clip,), words=clip.words)
