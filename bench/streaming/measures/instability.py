"""How often plain re-decoding changes what it has shown: the whole utterance again at every update, all of it shown."""

from typing import Any

from clips import Clip, within
from context import Bench
from metrics import changed_words, words_of

from auricle.engines.protocol import ENGINE_RATE, Window


async def measure(bench: Bench) -> dict[str, Any]:
    """Decode growing prefixes of the clips that the one session hears (`measures.solo`)."""
    changed = final_words = 0
    for clip in within(bench.clips, bench.budget.solo_s):
        texts = [_heard(bench, clip, end) for end in _updates(clip, bench.interval_s)]
        changed += changed_words(text for text in texts if text)
        final_words += len(words_of(texts[-1]))
    return {
        "changed_words": changed,
        "final_words": final_words,
        "instability": round(changed / final_words, 4) if final_words else None,
    }


def _updates(clip: Clip, interval_s: float) -> list[int]:
    step = round(interval_s * ENGINE_RATE)
    return [*range(step, len(clip.samples), step), len(clip.samples)]


def _heard(bench: Bench, clip: Clip, end: int) -> str:
    window = Window(audio=clip.samples[:end], config=bench.config(), final=end == len(clip.samples), timed=False)
    (transcript,) = bench.short_engine.decode([window])
    return transcript.text
