"""The columns by name: which systems there are, and the models they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from faster_whisper import WhisperModel
from words.cuts import PlainOnCuts
from words.files import Files
from words.heard import Hearing
from words.live import Live
from words.plain import Plain
from words.samples import Sample
from words.virtual import Delay, Virtual

from auricle.engines.whisper.engine import WhisperEngine

OFFLINE = "plain-beam5"
"""What costs and errors of the others are compared with."""
SILENCES_S = (0.2, 0.5, 0.8)
SESSIONS = (1, 8, 16)
"""At once."""
INTERVALS_S = {"1": 1.0, "2": 2.0, "none": 0.0}
"""Between the partials of more columns on virtual time: they show what partials cost."""
WITHOUT = "-partials-none"
"""Ends the name of a column without partials."""
VIRTUAL, CUT = "live-virtual", "plain-cut"
"""Begin the names of columns that are measured only where they are asked for."""


class System(Protocol):
    """Makes words of clips."""

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Hear all of them; ``tell`` is told the name of each one that begins."""


@dataclass(slots=True, kw_only=True)
class Models:
    """The same weights in plain faster-whisper and in our engine, each loaded when it is first asked for."""

    folder: Path
    _plain: list[WhisperModel] = field(default_factory=list)
    _ours: list[WhisperEngine] = field(default_factory=list)

    def plain(self) -> WhisperModel:
        """Return plain faster-whisper: int8, one thread, as our engine computes."""
        if not self._plain:
            self._plain.append(WhisperModel(str(self.folder), device="cpu", compute_type="int8", cpu_threads=1))
        return self._plain[0]

    def ours(self) -> WhisperEngine:
        """Return our engine."""
        if not self._ours:
            engine = WhisperEngine(str(self.folder), "cpu")
            engine.load(lambda stage, fraction: None)
            self._ours.append(engine)
        return self._ours[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What holds for all columns."""

    frame_s: float
    delay: Delay
    """Of decodes on virtual time."""
    detect_language: bool
    """Leave the language of each clip to the model."""


def columns(models: Models, options: Options) -> dict[str, System]:
    """Return every column, in the order of the page."""
    named: dict[str, System] = {}
    for beam_size in (1, 5):
        for vad_filter in (False, True):
            named[f"plain-beam{beam_size}{'-vad' if vad_filter else ''}"] = Plain(
                model=models.plain,
                beam_size=beam_size,
                vad_filter=vad_filter,
                detect_language=options.detect_language,
            )
    named["files"] = Files(engine=models.ours, detect_language=options.detect_language)
    for sessions in SESSIONS:
        for silence_s in SILENCES_S:
            named[f"live-{silence_s:g}{'' if sessions == 1 else f'-x{sessions}'}"] = Live(
                model=models.folder,
                silence_s=silence_s,
                sessions=sessions,
                frame_s=options.frame_s,
                detect_language=options.detect_language,
            )
    for silence_s in SILENCES_S:
        virtual = named[f"{VIRTUAL}-{silence_s:g}"] = Virtual(
            engine=models.ours,
            silence_s=silence_s,
            frame_s=options.frame_s,
            delay=options.delay,
            detect_language=options.detect_language,
        )
        for told, interval_s in INTERVALS_S.items():
            named[f"{VIRTUAL}-{silence_s:g}-partials-{told}"] = replace(virtual, interval_s=interval_s)
        named[f"{CUT}-{silence_s:g}"] = PlainOnCuts(
            model=models.plain,
            engine=models.ours,
            silence_s=silence_s,
            detect_language=options.detect_language,
        )
    return named


def chosen(names: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Return the columns that are asked for by name or by how their names begin; without any, the ordinary ones."""
    if not asked:
        return [name for name in names if not name.startswith((VIRTUAL, CUT))]
    wanted: set[str] = set()
    for one in asked:
        meant = {one} if one in names else {name for name in names if name.startswith(f"{one}-")}
        if not meant:
            raise SystemExit(f"There is no column {one}; there are {', '.join(names)}.")
        wanted |= meant
    return [name for name in names if name in wanted]
