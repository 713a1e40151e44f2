"""Words as they are compared, and where two texts differ. Pure.

English goes through Whisper's own English normaliser (numbers, contractions, spellings), every other language through
its basic one; languages that are written without spaces are compared by characters, as Whisper's authors do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

UNSPACED = frozenset(("ja", "ko", "lo", "my", "th", "yue", "zh"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Differences between a reference and what was heard."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0
    """Of the reference."""

    @property
    def count(self) -> int:
        """All of them."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Word error rate; None without a word."""
        return self.count / self.words if self.words else None

    def __add__(self, other: "Errors") -> "Errors":
        """Return those of both: rates are those of all words together, never means of rates."""
        return Errors(
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
            words=self.words + other.words,
        )


@cache
def _english() -> EnglishTextNormalizer:
    return EnglishTextNormalizer()


@cache
def _basic(unspaced: bool) -> BasicTextNormalizer:  # noqa: FBT001 - the key of a cache
    return BasicTextNormalizer(split_letters=unspaced)


def normal(text: str, language: str | None = "en") -> list[str]:
    """Return the words of a text as they are compared; without a language, by English rules."""
    if language in (None, "en"):
        return str(_english()(text)).split()
    return str(_basic(language in UNSPACED)(text)).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How two lists of words lie beside each other."""

    errors: Errors
    equal: tuple[tuple[int, int], ...]
    """Places of equal words: (in the reference, in what was heard)."""
    inserted: frozenset[int]
    """Places of words that were heard and never said."""


def align(reference: Sequence[str], heard: Sequence[str]) -> Alignment:
    """Compare words, none of which may be empty or hold a space."""
    if not reference or not heard:
        errors = Errors(deletions=len(reference), insertions=len(heard), words=len(reference))
        return Alignment(errors=errors, equal=(), inserted=frozenset(range(len(heard))))
    found = jiwer.process_words(" ".join(reference), " ".join(heard))
    errors = Errors(
        substitutions=found.substitutions,
        deletions=found.deletions,
        insertions=found.insertions,
        words=len(reference),
    )
    return Alignment(
        errors=errors,
        equal=tuple(_equal(found.alignments[0])),
        inserted=frozenset(
            place
            for chunk in found.alignments[0]
            if chunk.type == "insert"
            for place in range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        ),
    )


def _equal(chunks: Sequence[jiwer.AlignmentChunk]) -> Iterator[tuple[int, int]]:
    for chunk in chunks:
        if chunk.type == "equal":
            yield from zip(
                range(chunk.ref_start_idx, chunk.ref_end_idx),
                range(chunk.hyp_start_idx, chunk.hyp_end_idx),
                strict=True,
            )
