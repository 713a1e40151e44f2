"""How many sessions of voice-agent traffic hold the delay, who waits longest, and what an overload loses."""

from collections.abc import Sequence
from typing import Any

from clips import Tape, conversation, mean_turn_s
from context import Bench
from cpu import Used, metered
from harness import Service, play_all
from metrics import percentile, summary, unfairness, word_error_rate
from pacing import Search, staggered
from recording import Recording, gather

BAR_S = 1.0
"""The delay after the end of speech that 95 % of the finals hold …"""
FINALS = 50
"""… at least so many."""
SPARE = 1.2
"""So much longer is a trial than so many turns take: a session ends in the middle of one."""
PATIENCE_S = 20.0
DISTURBED_S = 0.1
"""A trial that does not hold, and whose frames were sent later than this, is repeated once: the machine may be busy."""
OVERLOAD = 3
NAIVE_FINALS = 10
"""Of the baseline, which is far from the bar or far below it, fewer are enough."""
MOST_NAIVE = 16
OVERLOAD_PATIENCE_S = 90.0


async def measure(bench: Bench) -> dict[str, Any]:
    """Search for both, then overload ours."""
    budget = bench.budget
    async with bench.naive() as naive:
        search = Search(first=1, most=MOST_NAIVE, trials=budget.naive_trials)
        found: dict[str, Any] = {"bar_s": BAR_S, "naive": await _search(bench, naive, search, NAIVE_FINALS)}
    async with bench.ours() as ours:
        search = Search(first=4, most=budget.most_sessions, trials=budget.trials)
        found["ours"] = await _search(bench, ours, search, FINALS)
    async with bench.ours() as ours:
        found["overload"] = await _overload(bench, ours, max(1, search.held) * OVERLOAD)
    return found


async def _search(bench: Bench, service: Service, search: Search, least_finals: int) -> dict[str, Any]:
    trials: list[dict[str, Any]] = []
    while (sessions := search.next()) is not None:
        seconds = max(bench.budget.trial_s, least_finals * SPARE * mean_turn_s(bench.clips) / sessions)
        tapes = [conversation(bench.clips, seconds, index) for index in range(sessions)]
        trials.append(_read(bench, *await _play(bench, service, tapes, PATIENCE_S)))
        if not trials[-1]["held"] and trials[-1]["late_s"] > DISTURBED_S:
            trials.append(_read(bench, *await _play(bench, service, tapes, PATIENCE_S)))
        search.tell(sessions, held=trials[-1]["held"])
        print(f"    {sessions} sessions: p95 {trials[-1]['after_speech_s']['p95']} s", flush=True)
    return {"held": search.held, "broke": search.broke, "most": search.most, "trials": trials}


async def _play(
    bench: Bench, service: Service, tapes: Sequence[Tape], patience_s: float
) -> tuple[list[Recording], Used]:
    delays_s = [staggered(index, bench.budget.cycle_s) for index in range(len(tapes))]
    with metered() as used:
        recordings = await play_all(service, tapes, delays_s, bench.config(), patience_s=patience_s)
    return recordings, used


def _read(bench: Bench, recordings: Sequence[Recording], used: Used) -> dict[str, Any]:
    by_session = [[ending.after_speech_s for ending in recording.endings()] for recording in recordings]
    delays = [delay for session in by_session for delay in session]
    complete = all(recording.complete for recording in recordings)
    gaps = gather(recordings, Recording.update_gaps)
    return {
        "sessions": len(recordings),
        "held": complete and bool(delays) and percentile(delays, 0.95) <= BAR_S,
        "complete": complete,
        "wer": round(word_error_rate([(one.tape.text, one.text) for one in recordings], bench.language), 4),
        "offline_wer": round(
            word_error_rate(
                [(clip.text, bench.padded(clip).text) for one in recordings for clip in one.tape.clips], bench.language
            ),
            4,
        ),
        "after_speech_s": summary(delays),
        "unfairness": unfairness(by_session),
        "partials": sum(recording.partials for recording in recordings),
        "update_gap_s": summary(gaps),
        "cores": round(used.cpu_s / used.wall_s, 3),
        "unheard_words": sum(recording.unheard_words() for recording in recordings),
        "late_s": round(max(recording.late_s for recording in recordings), 4),
    }


async def _overload(bench: Bench, service: Service, sessions: int) -> dict[str, Any]:
    """Let many more speak than hold the delay, all the same words, and compare with one who speaks alone."""
    tape = conversation(bench.clips, bench.budget.overload_s, 0)
    (alone,), _ = await _play(bench, service, [tape], PATIENCE_S)
    recordings, used = await _play(bench, service, [tape] * sessions, OVERLOAD_PATIENCE_S)
    return _read(bench, recordings, used) | {
        "words": len(tape.words) * sessions,
        "words_missing": sum(recording.words_missing(alone) for recording in recordings),
        "unheard_alone": alone.unheard_words() * sessions,
    }
