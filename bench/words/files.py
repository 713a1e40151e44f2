"""Ours for files: the path of ``auricle transcribe`` of a recording, with nobody waiting for partials."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from clips import Tape
from cpu import metered
from pacing import frames
from recording import Recording, Said
from words.heard import Heard, Hearing, heard_of
from words.samples import Sample

from auricle.engines.protocol import (
    ENGINE_RATE,
    OFFLINE_DEFAULTS,
    Engine,
    StreamDone,
)
from auricle.engines.session.recogniser import Recogniser

PIECE_S = 0.5
"""Audio given at once, in seconds."""


def transcribe_file(engine: Engine, pcm: Iterable[bytes], language: str | None) -> Iterator[Said]:
    """Yield what the engine says of a recording, 16 kHz, mono, 16 bit. How files are transcribed is said here only."""
    recogniser = Recogniser(engine, replace(OFFLINE_DEFAULTS, language=language))
    begin_s = time.monotonic()
    try:
        for piece in pcm:
            yield from (Said(at_s=time.monotonic() - begin_s, result=result) for result in recogniser.accept(piece))
        yield from (Said(at_s=time.monotonic() - begin_s, result=result) for result in recogniser.finish())
    finally:
        recogniser.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The file path of our engine."""

    engine: Callable[[], Engine]
    detect_language: bool

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Transcribe one clip after the other."""
        engine = self.engine()
        heard: list[Heard] = []
        cpu_s = wall_s = 0.0
        for sample in samples:
            tell(sample.name)
            tape = Tape(samples=sample.clip.samples, clips=(sample.clip,), words=sample.clip.words)
            pieces = frames(tape.pcm, round(PIECE_S * ENGINE_RATE) * 2)
            with metered() as used:
                said = tuple(transcribe_file(engine, pieces, None if self.detect_language else sample.language))
            heard.append(
                heard_of(sample.name, recording_of(tape, said, PIECE_S), offset_s=0.0, paced=False, cpu_s=used.cpu_s)
            )
            cpu_s += used.cpu_s
            wall_s += used.wall_s
        return Hearing(heard=tuple(heard), cpu_s=cpu_s, wall_s=wall_s)


def recording_of(tape: Tape, said: tuple[Said, ...], frame_s: float) -> Recording:
    """Return a session that is over."""
    is_done = bool(said) and isinstance(said[-1].result, StreamDone)
    return Recording(
        tape=tape,
        frame_s=frame_s,
        said=said,
        finish_s=tape.seconds,
        done_s=said[-1].at_s if is_done else None,
        late_s=0.0,
    )
