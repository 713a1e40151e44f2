"""Tapes of several utterances: clips dealt to tapes that are equally long, and found on them again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from clips import Clip, Tape


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


def deal(clips: Sequence[Clip], tapes: int, seconds: float, pause_s: float) -> list[list[Clip]]:
    """Return the clips of so many tapes of about ``seconds`` each, with ``pause_s`` behind a clip; none comes twice.

    Clips are dealt from the longest to the shortest, each to the tape that has least, so that every tape has short and
    long ones and all end about together; clips that do not fit are left out. Within a tape their order is drawn, the
    same in every run. Raises `ValueError` where there are too few clips.
    """
    deals = [_Deal() for _ in range(tapes)]
    for clip in sorted(clips, key=lambda clip: (-clip.seconds, clip.name)):
        least = min(deals, key=lambda one: one.seconds)
        if least.seconds + clip.seconds + pause_s <= seconds:
            least.clips.append(clip)
            least.seconds += clip.seconds + pause_s
    if not all(one.clips for one in deals):
        raise ValueError(f"There are too few clips for {tapes} tapes of {seconds:g} s.")
    for number, one in enumerate(deals):
        Random(number).shuffle(one.clips)
    return [one.clips for one in deals]


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
