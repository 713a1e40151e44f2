"""Rules that are chosen on some clips and judged on others. Pure.

What is chosen: of all settings, the one with the shortest mean wait at ends, among those that keep `WHOLE` of the
single sentences with a breath in one piece, or as many as can be, and end every turn within `LONGEST_S` of silence.
Clips are halved by speaker, so that nobody is heard on both sides, or at random; each half is chosen on once and judged
on once.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from statistics import mean
from typing import NamedTuple

from auricle.engines.protocol import BLOCK, ENGINE_RATE
from auricle.engines.turn_taking.decision import TurnRules, silence_that_ends
from turns.answers import Answer
from turns.curve import settings

WHOLE = 0.95
LONGEST_S = 0.8
SENTENCE = "utterance"
"""The kind of clips that are one sentence each."""
BREATH_S = 0.2
"""Shorter pauses are none that anybody would notice."""


class Verdict(NamedTuple):
    """What rules do with some pauses."""

    breaths: int
    cut: int
    """Breaths that are taken for ends."""
    with_breaths: int
    """Single sentences with a breath in them."""
    whole: int
    """Those of them in which no breath is taken for an end."""
    ends: tuple[float, ...]
    """Silence before each end is told, in seconds."""
    stops: tuple[float, ...]
    """The same where somebody stops in mid-sentence."""

    @property
    def cut_share(self) -> float:
        """Share of the breaths that are taken for ends."""
        return self.cut / self.breaths if self.breaths else 0.0

    @property
    def whole_share(self) -> float:
        """Share of the sentences with a breath that are whole."""
        return self.whole / self.with_breaths if self.with_breaths else 1.0


def judged(rules: TurnRules, answers: Iterable[Answer]) -> Verdict:
    """Return what the rules do."""
    breaths = cuts = 0
    breathing: set[str] = set()
    broken: set[str] = set()
    waits: dict[str, list[float]] = {"end": [], "stop": []}
    for one in answers:
        wait_s = _in_blocks(silence_that_ends(rules, one.probability))
        if one.seconds is None:
            waits[one.kind].append(wait_s)
        elif one.seconds >= BREATH_S:
            is_cut = one.seconds >= wait_s - 1e-9
            breaths, cuts = breaths + 1, cuts + is_cut
            if one.clip_kind == SENTENCE:
                breathing.add(one.clip)
                broken |= {one.clip} if is_cut else set()
    whole = len(breathing - broken)
    return Verdict(breaths, cuts, len(breathing), whole, tuple(waits["end"]), tuple(waits["stop"]))


def _in_blocks(seconds: float) -> float:
    """Return the silence after which that is noticed: a whole number of the blocks that voice is detected in."""
    return -(-round(seconds * ENGINE_RATE) // BLOCK) * BLOCK / ENGINE_RATE


def chosen(answers: Sequence[Answer], *, has_opinion: bool = True) -> TurnRules:
    """Return the setting that somebody who has only these pauses would take."""
    verdicts = [(rules, judged(rules, answers)) for rules in settings(has_opinion=has_opinion)]
    prompt = [(rules, one) for rules, one in verdicts if rules.longest_s <= LONGEST_S]
    most = max(one.whole_share for _, one in prompt)
    kept = [(rules, one) for rules, one in prompt if one.whole_share >= min(WHOLE, most)]
    return min(kept, key=lambda pair: mean(pair[1].ends or (0.0,)))[0]


def both_ways(halves: tuple[Sequence[Answer], Sequence[Answer]]) -> Verdict:
    """Choose on each half, judge on the other, and return both verdicts as one."""
    one, other = halves
    return together([judged(chosen(one), other), judged(chosen(other), one)])


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Return several verdicts, on different clips, as one."""
    return Verdict(
        sum(one.breaths for one in verdicts),
        sum(one.cut for one in verdicts),
        sum(one.with_breaths for one in verdicts),
        sum(one.whole for one in verdicts),
        tuple(wait for one in verdicts for wait in one.ends),
        tuple(wait for one in verdicts for wait in one.stops),
    )


def halved_by_speaker(answers: Sequence[Answer], first: frozenset[str]) -> tuple[Sequence[Answer], Sequence[Answer]]:
    """Return the pauses of the speakers ``first``, and those of all others."""
    return [one for one in answers if one.speaker in first], [one for one in answers if one.speaker not in first]


def halved_at_random(answers: Sequence[Answer], times: int) -> Iterator[tuple[Sequence[Answer], Sequence[Answer]]]:
    """Yield the pauses of one half of the clips, and those of the other, so many times."""
    clips = sorted({one.clip for one in answers})
    for seed in range(times):
        first = frozenset(Random(seed).sample(clips, len(clips) // 2))
        yield [one for one in answers if one.clip in first], [one for one in answers if one.clip not in first]
