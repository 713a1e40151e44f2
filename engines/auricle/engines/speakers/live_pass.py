"""Finals of a live session go in one after another, and what changes of who said which comes out."""

from collections.abc import Iterator, Sequence
from typing import Final

from auricle.core import SpeakerSpan, Word
from auricle.engines.protocol import Samples
from auricle.engines.speakers.protocol import VoiceEmbedder
from auricle.engines.speakers.second_pass import SecondPass

MOST_STRETCHES: Final = 2_000
"""After so many, an hour or so of speech, nobody is named any more: with every final all of them are looked at."""


class LivePass:
    """For one session. It computes where it is called: call it from a worker thread, and one thread at a time.

    Who speaks is known better with every final: a voice that was taken for another one's turns out to be somebody's.
    So what was said of earlier segments may change, and is said again where it does.
    """

    def __init__(self, embedder: VoiceEmbedder) -> None:
        self._second_pass = SecondPass(embedder)
        self._segments: list[tuple[int, Sequence[Word]]] = []
        self._told: dict[int, Sequence[SpeakerSpan]] = {}

    @property
    def is_full(self) -> bool:
        """Whether no more finals are taken."""
        return self._second_pass.stretches >= MOST_STRETCHES

    def add(
        self, segment: int, words: Sequence[Word], audio: Samples, start_s: float
    ) -> Sequence[tuple[int, Sequence[SpeakerSpan]]]:
        """Listen to a final, and return the segments of which something else is to be told than before, in order.

        ``audio`` begins at ``start_s`` on the clock of the words. Raises `EngineError`.
        """
        if self.is_full:
            return ()
        self._second_pass.add(words, audio, start_s)
        self._segments.append((segment, words))
        return list(self._changes())

    def _changes(self) -> Iterator[tuple[int, Sequence[SpeakerSpan]]]:
        for (segment, words), names in zip(self._segments, self._second_pass.speakers(), strict=True):
            spans = spans_of(words, names)
            if spans and self._told.get(segment) != spans:
                self._told[segment] = spans
                yield segment, spans


def spans_of(words: Sequence[Word], names: Sequence[str]) -> Sequence[SpeakerSpan]:
    """Return who speaks when, given who says each word: neighbouring words of one person are one span."""
    spans: list[SpeakerSpan] = []
    for word, name in zip(words, names, strict=True):
        if spans and spans[-1].speaker == name:
            spans[-1] = SpeakerSpan(speaker=name, start=spans[-1].start, end=word.end)
        else:
            spans.append(SpeakerSpan(speaker=name, start=word.start, end=word.end))
    return spans
