"""Silence behind the words: how much of it the weights need, and what it costs."""

from typing import Any

from clips import within
from context import Bench
from cpu import metered
from direct import DirectWhisper
from metrics import word_error_rate


async def measure(bench: Bench) -> dict[str, Any]:
    """Decode whole clips with every pad, without guards or second attempts."""
    whisper = DirectWhisper(bench.model, bench.device, bench.language)
    clips = within(bench.clips, bench.budget.pads_speech_s)
    audio_s = sum(clip.seconds for clip in clips)
    whisper.decode(clips[0].samples, bench.budget.pads_s[-1])
    pads: list[dict[str, Any]] = []
    for pad_s in bench.budget.pads_s:
        with metered() as used:
            texts = [whisper.decode(clip.samples, pad_s) for clip in clips]
        wer = word_error_rate([(clip.text, text) for clip, text in zip(clips, texts, strict=True)], bench.language)
        pads.append({"pad_s": pad_s, "wer": round(wer, 4), "cpu_per_audio_s": round(used.cpu_s / audio_s, 5)})
    return {"clips": len(clips), "audio_s": round(audio_s, 1), "pads": pads}
