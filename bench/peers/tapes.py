"""What sessions hear: clips of known words, dealt to tapes that are equally long, with a pause behind each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from clips import Clip, Tape, lay

PAUSE_S: Final = 1.5
"""Between two clips, and behind the last: as somebody pauses who is answered, or thinks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """An utterance at its place on a tape, in seconds of the tape."""

    clip: Clip
    start_s: float
    first_word_end_s: float
    last_word_end_s: float


@dataclass(slots=True)
class _Deal:
    clips: list[Clip] = field(default_factory=list)
    seconds: float = 0.0


def deal(clips: Sequence[Clip], tapes: int, seconds: float) -> list[Tape]:
    """Return so many tapes of about ``seconds`` each; no clip comes twice.

    Clips are dealt from the longest to the shortest, each to the tape that has least, so that every tape has short and
    long ones and all end about together; clips that do not fit are left out. Within a tape their order is drawn, the
    same in every run. Raises `ValueError` where there are too few clips.
    """
    deals = [_Deal() for _ in range(tapes)]
    for clip in sorted(clips, key=lambda clip: (-clip.seconds, clip.name)):
        least = min(deals, key=lambda one: one.seconds)
        if least.seconds + clip.seconds + PAUSE_S <= seconds:
            least.clips.append(clip)
            least.seconds += clip.seconds + PAUSE_S
    if not all(one.clips for one in deals):
        raise ValueError(f"There are too few clips for {tapes} tapes of {seconds:g} s.")
    for number, one in enumerate(deals):
        Random(number).shuffle(one.clips)
    return [lay(one.clips, lambda _: PAUSE_S) for one in deals]


def spoken_on(tape: Tape) -> list[Spoken]:
    """Return the utterances of a tape."""
    found: list[Spoken] = []
    words = iter(tape.words)
    for clip in tape.clips:
        mine = [next(words) for _ in clip.words]
        found.append(
            Spoken(
                clip=clip,
                start_s=mine[0].start_s - clip.words[0].start_s,
                first_word_end_s=mine[0].end_s,
                last_word_end_s=mine[-1].end_s,
            )
        )
    return found
