"""Errors over the total length of the encoder's window: each utterance in windows of every length that holds it.

Stock weights were trained on 30 s. It is the total length that decides whether a decoder runs on behind the end, so
that is what is swept, in mel frames of 10 ms; ours and a bare decode without guards and second attempts are told apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpu import metered
from direct import DirectWhisper
from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, get_speech_timestamps
from normal import Errors, align, normal
from words.samples import Sample

from auricle.engines.protocol import ENGINE_RATE, Samples, StreamConfig, Window
from auricle.engines.whisper.decoder import WhisperDecoder
from auricle.engines.whisper.window_length import FRAME_SAMPLES, WindowRules

FRAMES = (200, 300, 400, 600, 800, 1_000, 1_500, 2_000, 3_000)
SILENCE_MS = 500
"""Silence that ends an utterance."""
LONGEST_S = 24.0
RUN_ON_WORDS = 3
"""So many words put in, or more: the decoder ran on."""

Decode = Callable[[Samples, int], str]
"""Returns the text of an utterance, decoded in a window of so many frames."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """An utterance that a voice detector cut out of a clip."""

    samples: Samples
    text: str
    language: str | None

    @property
    def frames(self) -> int:
        """How many it has."""
        return -(-len(self.samples) // FRAME_SAMPLES)


def segments(samples: Sequence[Sample]) -> list[Segment]:
    """Return the utterances of all clips whose words have times; those without a word are left out."""
    options = VadOptions(min_silence_duration_ms=SILENCE_MS, max_speech_duration_s=LONGEST_S)
    found: list[Segment] = []
    for sample in samples:
        if not sample.is_speech or not sample.clip.words:
            continue
        for span in get_speech_timestamps(sample.clip.samples, options):
            begin_s, end_s = span["start"] / ENGINE_RATE, span["end"] / ENGINE_RATE
            said = [w.text for w in sample.clip.words if begin_s <= (w.start_s + w.end_s) / 2 < end_s]
            if said:
                audio = sample.clip.samples[span["start"] : span["end"]]
                found.append(Segment(samples=audio, text=" ".join(said), language=sample.language))
    return found


def bare_decode(model: Path, language: str | None) -> Decode:
    """Return CTranslate2 alone: greedy, no guards."""
    whisper = DirectWhisper(model, "cpu", language or "en")
    return lambda samples, frames: whisper.decode(samples, _pad_s(samples, frames))


def our_decode(model: WhisperModel, language: str | None) -> Decode:
    """Return our decoder, for a final, with its guards and second attempts. How it is given a length is said here."""

    def decode(samples: Samples, frames: int) -> str:
        rules = WindowRules(tail_pad_s=_pad_s(samples, frames), least_frames=frames)
        decoder = WhisperDecoder(model, rules=rules, batch=1)
        (transcript,) = decoder.decode([Window(audio=samples, config=StreamConfig(language=language), final=True)])
        return transcript.text

    return decode


def _pad_s(samples: Samples, frames: int) -> float:
    return (frames + len(samples) // -FRAME_SAMPLES) / 100


def sweep(
    found: Sequence[Segment], decodes: dict[str, Decode], tell: Callable[[str], None], lengths: Sequence[int] = FRAMES
) -> dict[str, Any]:
    """Return for each decoder and length the errors in the utterances that fit, and in the same at the longest."""
    longest = max(lengths)
    rows: list[dict[str, Any]] = []
    for name, decode in decodes.items():
        errors: dict[int, list[Errors]] = {}
        costs_s: dict[int, float] = {}
        for frames in sorted(lengths, reverse=True):
            tell(f"{name}, {frames} frames")
            fitting = [segment for segment in found if segment.frames <= frames]
            with metered() as used:
                errors[frames] = [_errors(segment, decode(segment.samples, frames)) for segment in fitting]
            costs_s[frames] = used.cpu_s / max(1, len(fitting))
        everywhere = dict(zip((s for s in found if s.frames <= longest), errors[longest], strict=True))
        for frames in sorted(lengths):
            fitting = [segment for segment in found if segment.frames <= frames]
            whole = sum(errors[frames], Errors())
            rows.append(
                {
                    "decoder": name,
                    "frames": frames,
                    "segments": len(fitting),
                    "words": whole.words,
                    "wer": whole.rate,
                    "wer_of_the_same_at_the_longest": sum((everywhere[s] for s in fitting), Errors()).rate,
                    "run_ons": sum(one.insertions >= RUN_ON_WORDS for one in errors[frames]),
                    "cpu_s": round(costs_s[frames], 4),
                }
            )
    return {"rows": rows, "segments": len(found)}


def _errors(segment: Segment, text: str) -> Errors:
    return align(normal(segment.text, segment.language), normal(text, segment.language)).errors
