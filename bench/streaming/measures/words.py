"""The words of the finals, as a server speaks by default, with a few sessions side by side."""

from typing import Any

from clips import with_pauses, within
from context import Bench
from harness import play_all
from metrics import ratio, summary, word_error_rate
from pacing import staggered
from recording import gather

from auricle.engines.protocol import StreamConfig

PATIENCE_S = 60.0
STAGGER_S = 3.0


async def measure(bench: Bench) -> dict[str, Any]:
    """Share the clips out among the sessions."""
    clips = within(bench.word_clips, bench.budget.words_s)
    sessions = min(bench.budget.words_sessions, len(clips))
    tapes = [with_pauses(clips[index::sessions]) for index in range(sessions)]
    delays_s = [staggered(index, STAGGER_S) for index in range(sessions)]
    config = bench.config(StreamConfig().silence_s)
    async with bench.ours() as ours:
        recordings = await play_all(ours, tapes, delays_s, config, patience_s=PATIENCE_S)
    wer = word_error_rate([(one.tape.text, one.text) for one in recordings], bench.language)
    short = word_error_rate([(clip.text, bench.short(clip).text) for clip in clips], bench.language)
    padded = word_error_rate([(clip.text, bench.padded(clip).text) for clip in clips], bench.language)
    endings = gather(recordings, lambda recording: [e.after_speech_s for e in recording.endings()])
    return {
        "sessions": sessions,
        "silence_s": config.silence_s,
        "words": sum(len(recording.tape.words) for recording in recordings),
        "complete": all(recording.complete for recording in recordings),
        "wer": round(wer, 4),
        "offline_wer": round(short, 4),
        "padded_wer": round(padded, 4),
        "wer_over_offline": ratio(wer, min(short, padded)),
        "after_speech_s": summary(endings),
    }
