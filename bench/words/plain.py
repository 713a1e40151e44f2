"""Plain faster-whisper, as its users run it: its defaults, int8, one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cpu import metered
from faster_whisper import WhisperModel
from words.heard import Heard, Hearing, Told
from words.samples import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """One way to call it."""

    model: Callable[[], WhisperModel]
    beam_size: int
    vad_filter: bool
    detect_language: bool

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Transcribe one clip after the other."""
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
