"""Who speaks: voices to learn from, and voices held out to be tested with."""

import random
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from train_model import espeak_voice, festival_voice, flite_voice
from train_model.speech import Speech, SpokenWord


class Voice(NamedTuple):
    """A speaker of one synthesiser."""

    synthesiser: str
    name: str

    def __str__(self) -> str:
        return f"{self.synthesiser}:{self.name}"


_ACCENTS: Final = ("en-us", "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc")
_VARIANTS: Final = tuple(
    "f1 f2 f3 f4 m1 m2 m3 m4 m5 m6 m7 Andy Annie Alex Lee Mike Michael adam anika aunty belinda benjamin boris caleb "
    "david ed edward john linda max michel miguel norbert pablo quincy rob robert steph travis victor zac Storm "
    "grandma grandpa klatt klatt2 klatt3".split()
)
ESPEAK: Final = tuple(
    Voice("espeak-ng", f"{accent}{variant}")
    for index, variant in enumerate(("", *(f"+{name}" for name in _VARIANTS)))
    for accent in (_ACCENTS[index % len(_ACCENTS)], _ACCENTS[(5 * index + 1) % len(_ACCENTS)])
)
"""About one variant in two of espeak-ng, each with two accents."""
FLITE: Final = tuple(Voice("flite", name) for name in ("kal16", "awb", "rms", "slt"))
FESTIVAL: Final = (Voice("festival", "cmu_us_slt_arctic_hts"), Voice("festival", "kal_diphone"))

HELD_OUT: Final = (Voice("festival", "ked_diphone"), Voice("espeak-ng", "en-us+f5"), Voice("espeak-ng", "en+m8"))
"""Never trained on: a speaker of whom nothing else is heard, and two variants of espeak-ng."""
SEEN_IN_TESTS: Final = (*FLITE, FESTIVAL[0], Voice("espeak-ng", "en-us"), Voice("espeak-ng", "en+f2"))
"""Voices of the training whose tests have sentences that the training has not."""


def training_voice(rng: random.Random) -> Voice:
    """Return a voice to learn from. The recorded speakers are few and as often heard as the many made ones."""
    kind = rng.random()
    if kind < 0.42:
        return rng.choice(FLITE)
    if kind < 0.58:
        return rng.choice(FESTIVAL)
    return rng.choice(ESPEAK)


def say_all(requests: Sequence[tuple[str, Voice]], rng: random.Random) -> Iterator[tuple[str, Voice, Speech]]:
    """Yield each text as its voice says it, at a random rate and pitch, in any order.

    Where a synthesiser's words are not the text's, nothing is yielded: their times would be of no use.
    """
    for text, voice, speech in _said(requests, rng):
        words = _matched(text, speech.words)
        if words:
            yield text, voice, speech._replace(words=words)


def _said(requests: Sequence[tuple[str, Voice]], rng: random.Random) -> Iterator[tuple[str, Voice, Speech]]:
    later: dict[Voice, list[tuple[str, float]]] = {}
    for text, voice in requests:
        stretch = rng.uniform(0.85, 1.25)
        punctuated = _punctuated(text, rng)
        if voice.synthesiser == "festival":
            later.setdefault(voice, []).append((punctuated, stretch))
        elif voice.synthesiser == "flite":
            yield text, voice, flite_voice.say(punctuated, voice.name, stretch)
        else:
            speech = espeak_voice.say(punctuated, voice.name, int(170 / stretch), rng.randint(25, 75))
            yield text, voice, speech
    for voice, sentences in later.items():
        for (text, _), speech in zip(sentences, festival_voice.say_all(sentences, voice.name), strict=True):
            yield " ".join(text.replace(",", "").strip(".?").split()), voice, speech


def _punctuated(text: str, rng: random.Random) -> str:
    """Return the text with a pause or a question now and then; what is learnt has no punctuation."""
    words = text.split()
    if len(words) > 3 and rng.random() < 0.2:
        words[rng.randrange(len(words) - 1)] += ","
    return " ".join(words) + rng.choice(("", ".", ".", "?"))


def _matched(text: str, spoken: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
    wanted = text.split()
    names = [word.text.strip(".,?").lower() for word in spoken]
    if names != wanted or any(word.end - word.start < 0.02 for word in spoken):
        return ()
    return tuple(word._replace(text=name) for word, name in zip(spoken, names, strict=True))
