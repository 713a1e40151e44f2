"""The speech that is measured on: clips of one or more manifests, with what is known of each."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import soundfile
from clips import Clip, Word, name_of

from auricle.engines.protocol import ENGINE_RATE

UTTERANCE, TAPE, NONSPEECH = "utterance", "tape", "nonspeech"
KINDS = (UTTERANCE, "long", "turns", "noisy", "telephone", "word", TAPE, NONSPEECH)
"""In the order of the tables; a manifest may have others. Tapes are made of its utterances, by `words.tapes`."""
SPEAKERS: Final = (
    "LJ0", "austen-", "cards-", "jfk", "osr-", "dg-spacewalk", "two-cities", "sonnet-", "libri-1272", "libri-2412",
    "libri-61", "libri-1995", "libri-6930", "libri-7902",
)  # fmt: skip
"""How the names of clips of one speaker begin, where the manifest does not say who speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An utterance of a tape."""

    text: str
    pause_s: float
    """Quiet put between the utterance before and this one; 0 for the first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """A clip, of one kind and in one language."""

    clip: Clip
    kind: str
    language: str | None
    """None where nobody speaks."""
    has_reference: bool
    """Whether its text can be trusted; nobody is expected to find words in what is not speech."""
    speaker: str | None = None
    """None where nobody knows: it may be one of the others."""
    parts: tuple[Part, ...] = ()
    """Of a tape: its utterances."""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.clip.name

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks in it."""
        return self.kind != NONSPEECH


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which clips are wanted; an empty collection asks for all."""

    kinds: Collection[str] = ()
    names: Collection[str] = ()
    languages: Collection[str] = ()
    """What is not speech is in none, and always wanted."""
    understood: Collection[str] | None = None
    """Languages of the model; None: any."""

    def why_not(self, entry: dict[str, object]) -> str | None:
        """Return why a clip is left out; an empty string where nobody needs to be told."""
        language = entry.get("language") or "en"
        if self.kinds and entry.get("kind", UTTERANCE) not in self.kinds:
            return ""
        if self.names and name_of(entry) not in self.names:
            return ""
        if language == "none":
            return None
        if self.languages and language not in self.languages:
            return ""
        if self.understood is not None and language not in self.understood:
            return f"the model does not understand {language}"
        return None


def load_samples(manifests: Sequence[Path], wanted: Wanted) -> tuple[list[Sample], list[str]]:
    """Return the clips that are wanted, and a sentence for each one that cannot be used."""
    samples: list[Sample] = []
    skipped: list[str] = []
    for manifest in manifests:
        for line in manifest.read_text(encoding="utf-8").splitlines():
            if not line.strip():
                continue
            entry = json.loads(line)
            why_not = wanted.why_not(entry)
            if why_not is None:
                samples.append(_sample(manifest.parent, entry))
            elif why_not:
                skipped.append(f"{name_of(entry)}: {why_not}")
    return samples, skipped


def _sample(folder: Path, entry: dict[str, object]) -> Sample:
    audio, rate = soundfile.read(folder / str(entry["path"]), dtype="float32")
    if rate != ENGINE_RATE or audio.ndim != 1:
        raise SystemExit(f"{entry['path']} is not mono audio at {ENGINE_RATE} Hz.")
    words = entry.get("words") or ()
    assert isinstance(words, Sequence)
    language = str(entry.get("language") or "en")
    kind = str(entry.get("kind") or UTTERANCE)
    name = name_of(entry)
    return Sample(
        clip=Clip(
            name=name,
            samples=audio,
            text=str(entry.get("text") or ""),
            words=tuple(Word(text=w["word"], start_s=w["start"], end_s=w["end"]) for w in words),
        ),
        kind=kind,
        language=None if language == "none" else language,
        has_reference=entry.get("text") is not None or kind == NONSPEECH,
        speaker=_speaker(entry, name),
    )


def _speaker(entry: dict[str, object], name: str) -> str | None:
    said = entry.get("speaker") or entry.get("voice")
    return str(said) if said else next((speaker for speaker in SPEAKERS if name.startswith(speaker)), None)
