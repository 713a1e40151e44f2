"""LocalAgreement-2, as today's servers do it: a word is committed when two decodes in a row agree on it. Pure.

After Machacek et al. (2023), `HypothesisBuffer` of whisper_streaming: words that were committed are dropped from the
next hypothesis by their time and then by the longest match of up to five words. Here for comparison only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from metrics import words_of

OVERLAP_S = 0.1
"""A word that begins so much before the last committed one's end is taken for a new one."""
SEAM_S = 1.0
"""Words are compared with the committed ones where they meet so closely."""
SEAM_WORDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A word at its place in the session."""

    text: str
    start_s: float
    end_s: float


@dataclass(slots=True)
class Agreement:
    """The words of one utterance."""

    committed: list[Timed] = field(default_factory=list)
    tail: list[Timed] = field(default_factory=list)
    """What the last hypothesis said beyond the committed words."""

    def insert(self, hypothesis: Sequence[Timed]) -> None:
        """Take a hypothesis, and commit what it has in common with the one before."""
        fresh = self._unseen(hypothesis)
        agreed = 0
        for word, before in zip(fresh, self.tail, strict=False):
            if words_of(word.text) != words_of(before.text):
                break
            agreed += 1
        self.committed += fresh[:agreed]
        self.tail = fresh[agreed:]

    def conclude(self, hypothesis: Sequence[Timed]) -> None:
        """Take the last hypothesis as it is."""
        self.committed += self._unseen(hypothesis)
        self.tail = []

    @property
    def committed_until_s(self) -> float | None:
        """Where the last committed word ends."""
        return self.committed[-1].end_s if self.committed else None

    def _unseen(self, hypothesis: Sequence[Timed]) -> list[Timed]:
        until_s = self.committed_until_s
        if until_s is None:
            return list(hypothesis)
        fresh = [word for word in hypothesis if word.start_s > until_s - OVERLAP_S]
        if fresh and abs(fresh[0].start_s - until_s) < SEAM_S:
            for size in range(min(SEAM_WORDS, len(self.committed), len(fresh)), 0, -1):
                said = [words_of(word.text) for word in self.committed[-size:]]
                if said == [words_of(word.text) for word in fresh[:size]]:
                    return fresh[size:]
        return fresh
