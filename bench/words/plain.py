"""Plain faster-whisper, as its users run it: its defaults, int8, one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cpu import metered
from faster_whisper import WhisperModel
from words.heard import Heard, Hearing, Told
from words.samples import Sample
from words.scores import errors_of

TAKES: Final = 2
"""Where it doubts it samples, without a seed: of two runs with tiny.en one had 5.2 % of the words wrong, one 6.1 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """One way to call it."""

    model: Callable[[], WhisperModel]
    beam_size: int
    vad_filter: bool
    detect_language: bool
    takes: int = TAKES

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Transcribe one clip after the other, so many times; return the take with the fewest errors."""
        return min((self._hear(samples, tell) for _ in range(self.takes)), key=lambda take: _errors(samples, take))

    def _hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        model = self.model()
        heard: list[Heard] = []
        cpu_s = wall_s = 0.0
        for sample in samples:
            tell(sample.name)
            with metered() as used:
                segments, _ = model.transcribe(
                    sample.clip.samples,
                    language=None if self.detect_language else sample.language or "en",
                    beam_size=self.beam_size,
                    vad_filter=self.vad_filter,
                )
                finals = tuple(Told(text=segment.text.strip()) for segment in segments)
            heard.append(Heard(clip=sample.name, finals=finals, has_words=False, cpu_s=used.cpu_s))
            cpu_s += used.cpu_s
            wall_s += used.wall_s
        return Hearing(heard=tuple(heard), cpu_s=cpu_s, wall_s=wall_s)


def _errors(samples: Sequence[Sample], take: Hearing) -> int:
    pairs = zip(samples, take.heard, strict=True)
    return sum(errors_of(sample, heard).count for sample, heard in pairs if sample.has_reference)
