"""The model offline: what everything else is divided by."""

from typing import Any

from context import Bench
from metrics import summary, word_error_rate


async def measure(bench: Bench) -> dict[str, Any]:
    """Decode each clip whole: in a short window, and as faster-whisper does, padded to 30 s."""
    clips = bench.clips
    audio_s = sum(clip.seconds for clip in clips)
    found: dict[str, Any] = {"clips": len(clips), "audio_s": round(audio_s, 1)}
    for name, decode in (("short", bench.short), ("padded", bench.padded)):
        decodes = [(clip, decode(clip)) for clip in clips]
        found[name] = {
            "cpu_per_audio_s": round(sum(one.cpu_s for _, one in decodes) / audio_s, 5),
            "decode_s": summary(one.wall_s for _, one in decodes),
            "wer": round(word_error_rate([(clip.text, one.text) for clip, one in decodes], bench.language), 4),
        }
    return found
