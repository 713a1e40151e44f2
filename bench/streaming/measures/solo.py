"""One session at the pace of speech: what it costs, how late its finals are, and how steady its partials."""

from typing import Any

import anyio
from clips import SHORTEST_PAUSE_S, Tape, with_pauses, within
from context import Bench
from cpu import Used, metered
from harness import Service, play
from metrics import summary, word_error_rate, words_of
from null_service import NullService
from recording import Recording

from auricle.engines.protocol import ENGINE_RATE

PATIENCE_S = 60.0
PRE_SPEECH_PAD_S = 0.4
"""An utterance is heard from so much before its speech."""


async def measure(bench: Bench) -> dict[str, Any]:
    """Play one tape to ours, to the naive one and to nobody; and decode its clips once each, as they end."""
    tape = with_pauses(within(bench.clips, bench.budget.solo_s))
    offline = {
        "short_cpu_s": await _once_each(bench, tape),
        "padded_cpu_s": round(sum(bench.padded(clip).cpu_s for clip in tape.clips), 4),
        "short_hurried_cpu_s": round(sum(bench.short(clip).cpu_s for clip in tape.clips), 4),
        "wer": round(word_error_rate([(clip.text, bench.short(clip).text) for clip in tape.clips], bench.language), 4),
    }
    _, harness = await _one(bench, NullService(), tape)
    found: dict[str, Any] = {
        "silence_s": bench.silence_s,
        "speech_s": sum(clip.seconds for clip in tape.clips),
        "tape_s": tape.seconds,
        "offline": offline,
        "harness_cpu_s": round(harness.cpu_s, 4),
    }
    async with bench.ours() as ours:
        recording, used = await _one(bench, ours, tape)
    found["ours"] = _read(bench, recording, used.cpu_s - harness.cpu_s, offline)
    async with bench.naive() as naive:
        recording, used = await _one(bench, naive, tape)
        found["naive"] = _read(bench, recording, used.cpu_s - harness.cpu_s, offline) | {"decodes": naive.decodes}
    found["ours_cpu_over_naive"] = found["ours"]["cpu_s"] / found["naive"]["cpu_s"]
    return found


async def _once_each(bench: Bench, tape: Tape) -> float:
    """Return the CPU time of one short decode of each clip, each when it would have been spoken.

    One right after the other they find the weights in the caches and the processor awake, and take up to a third less.
    """
    cpu_s = 0.0
    for clip in tape.clips:
        await anyio.sleep(clip.seconds + SHORTEST_PAUSE_S)
        cpu_s += bench.decode_short(clip.samples).cpu_s
    return round(cpu_s, 4)


async def _one(bench: Bench, service: Service, tape: Tape) -> tuple[Recording, Used]:
    with metered() as used:
        recording = await play(service, tape, bench.config(), patience_s=PATIENCE_S)
    return recording, used


def _read(bench: Bench, recording: Recording, cpu_s: float, offline: dict[str, float]) -> dict[str, Any]:
    endings = recording.endings()
    final_words = len(words_of(recording.text))
    early, total = recording.promised_early()
    units = [
        bench.decode_s(recording.tape.samples, ending.final.start_s - PRE_SPEECH_PAD_S, ending.final.end_s)
        for ending in endings
    ]
    return {
        "complete": recording.complete,
        "late_s": round(recording.late_s, 4),
        "cpu_s": round(cpu_s, 4),
        "cpu_per_audio_s": round(cpu_s / recording.tape.seconds, 5),
        "cpu_over_short": round(cpu_s / offline["short_cpu_s"], 3),
        "cpu_over_short_hurried": round(cpu_s / offline["short_hurried_cpu_s"], 3),
        "cpu_over_padded": round(cpu_s / offline["padded_cpu_s"], 3),
        "finals": len(recording.finals),
        "partials": recording.partials,
        "update_gap_s": summary(recording.update_gaps()),
        "after_speech_s": summary(ending.after_speech_s for ending in endings),
        "after_endpoint_s": summary(ending.after_endpoint_s for ending in endings),
        "after_endpoint_over_decode": summary(
            ending.after_endpoint_s / unit for ending, unit in zip(endings, units, strict=True)
        ),
        "decode_s": summary(units),
        "endpoint_after_speech_s": summary(e.after_speech_s - e.after_endpoint_s for e in endings),
        "commit_s": summary(recording.commit_latencies()),
        "commit_over_interval": summary(latency / bench.interval_s for latency in recording.commit_latencies()),
        "promised_early": round(early / total, 4) if total else None,
        "changed_words": recording.changed(),
        "final_words": final_words,
        "instability": round(recording.changed() / final_words, 4) if final_words else None,
        "wer": round(word_error_rate([(recording.tape.text, recording.text)], bench.language), 4),
        "last_heard_s": recording.finals[-1].end_sample / ENGINE_RATE if recording.finals else None,
    }
