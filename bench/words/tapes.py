"""Tapes made of a manifest's utterances: several, one after the other, with pauses of mixed lengths between them.

A clip that is played alone cannot show what a pause does to the words behind it. Some pauses are shorter than what ends
an utterance, so that a decoder's window holds what was said before and after; some are longer.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from clips import Clip, Quiet, lay, silence
from normal import normal
from tapes import deal
from words.room_tone import room_tone
from words.samples import TAPE, UTTERANCE, Part, Sample, Wanted, load_samples

PAUSES_S: Final = (0.3, 0.6, 0.9, 1.2, 1.6, 2.5)
MEAN_PAUSE_S: Final = sum(PAUSES_S) / len(PAUSES_S)
TAPES: Final = 8
"""In each language, or as many as its utterances fill. Half of them have one speaker, as far as it is known who speaks,
and the others whoever is left; every other one is quiet like a room, and not like a file of zeros."""
TAPE_S: Final = 45.0
LONGEST_S: Final = 12.0
"""Longest utterance: a tape has several."""


def wanted_tapes(manifests: Sequence[Path], wanted: Wanted) -> list[Sample]:
    """Return the tapes that are wanted, made of all utterances in the languages that are."""
    if wanted.kinds and TAPE not in wanted.kinds:
        return []
    utterances, _ = load_samples(manifests, replace(wanted, kinds=(UTTERANCE,), names=()))
    return [tape for tape in tapes_of(utterances) if not wanted.names or tape.name in wanted.names]


def tapes_of(utterances: Sequence[Sample]) -> list[Sample]:
    """Return the tapes; no utterance comes twice. What is drawn is the same in every run."""
    spoken: dict[str, list[Sample]] = defaultdict(list)
    for sample in utterances:
        if sample.language is not None and _serves(sample):
            spoken[sample.language].append(sample)
    return [tape for language in sorted(spoken) for tape in _in_language(language, spoken[language])]


def _in_language(language: str, samples: Sequence[Sample]) -> list[Sample]:
    pauses_s = _pauses(Random(language))
    return [
        _laid(f"{TAPE}-{language}-{number}", language, clips, pauses_s, silence if number % 2 else room_tone)
        for number, clips in enumerate(_groups(samples), 1)
    ]


def _pauses(random: Random) -> Iterator[float]:
    """Yield lengths in any order, each as often as the others."""
    while True:
        yield from random.sample(PAUSES_S, len(PAUSES_S))


def _serves(sample: Sample) -> bool:
    """Whether it can stand before another; a number at its end would be read as one with a number behind it."""
    said = normal(sample.clip.text, sample.language) if sample.has_reference else []
    return bool(said) and not said[-1][-1].isdigit() and sample.clip.seconds <= LONGEST_S


def _groups(samples: Sequence[Sample]) -> list[list[Clip]]:
    """Return the clips of each tape, those of one speaker first."""
    by_speaker: dict[str, list[Clip]] = defaultdict(list)
    for sample in samples:
        if sample.speaker is not None:
            by_speaker[sample.speaker].append(sample.clip)
    groups: list[list[Clip]] = []
    for speaker in sorted(by_speaker, key=lambda name: (-_lasting_s(by_speaker[name]), name)):
        groups += _dealt(by_speaker[speaker], TAPES // 2 - len(groups))
    taken = {clip.name for clips in groups for clip in clips}
    rest = [sample.clip for sample in samples if sample.clip.name not in taken]
    return groups + _dealt(rest, TAPES - len(groups))


def _dealt(clips: Sequence[Clip], most: int) -> list[list[Clip]]:
    """Return the clips of as many full tapes as there can be, ``most`` at most."""
    tapes = min(most, int(_lasting_s(clips) // TAPE_S))
    if not tapes:
        return []
    drawn: list[Clip] = []
    for clip in Random(tapes).sample(sorted(clips, key=lambda clip: clip.name), len(clips)):
        if _lasting_s([*drawn, clip]) <= tapes * TAPE_S:
            drawn.append(clip)
    return deal(drawn, tapes, TAPE_S, MEAN_PAUSE_S)


def _lasting_s(clips: Sequence[Clip]) -> float:
    return sum(clip.seconds + MEAN_PAUSE_S for clip in clips)


def _laid(name: str, language: str, clips: Sequence[Clip], pauses_s: Iterator[float], quiet: Quiet) -> Sample:
    between_s = list(islice(pauses_s, len(clips) - 1))
    behind_s = iter([*between_s, min(PAUSES_S)])
    tape = lay(clips, lambda _: next(behind_s), quiet)
    words = tape.words if all(clip.words for clip in clips) else ()
    return Sample(
        clip=Clip(name=name, samples=tape.samples, text=tape.text, words=words),
        kind=TAPE,
        language=language,
        has_reference=True,
        parts=tuple(Part(text=c.text, pause_s=pause_s) for c, pause_s in zip(clips, [0.0, *between_s], strict=True)),
    )
