"""Speakers of a live session as they are told: with each final, and as they are at last. Nothing is paced."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from speakers.conversations import Conversation

from auricle.core import SpeakerSpan, Word
from auricle.engines.protocol import ENGINE_RATE
from auricle.engines.speakers.live_pass import LivePass
from auricle.engines.speakers.protocol import VoiceEmbedder

SILENCE_S: Final = 0.5
"""A server's default: so much of it ends an utterance, and makes a final."""


class Live(NamedTuple):
    """Who was told for each word; an empty name where nobody was."""

    first: Sequence[str]
    """As what came with its final said."""
    last: Sequence[str]
    """As what came last said."""


def told_live(embedder: VoiceEmbedder, talk: Conversation) -> Live:
    """Let the finals of a conversation be listened to one after another."""
    live = LivePass(embedder)
    first: dict[int, Sequence[SpeakerSpan]] = {}
    last: dict[int, Sequence[SpeakerSpan]] = {}
    finals = list(utterances(talk.words))
    for segment, words in enumerate(finals):
        begin = round(words[0].start * ENGINE_RATE)
        audio = talk.audio[begin : round(words[-1].end * ENGINE_RATE)]
        for changed, spans in live.add(segment, words, audio, begin / ENGINE_RATE):
            first.setdefault(changed, spans)
            last[changed] = spans
    return Live(_names(finals, first), _names(finals, last))


def utterances(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield the words between silences that end an utterance."""
    begin = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or words[index].start - words[index - 1].end >= SILENCE_S:
            yield words[begin:index]
            begin = index


def _names(finals: Sequence[Sequence[Word]], spans: Mapping[int, Sequence[SpeakerSpan]]) -> Sequence[str]:
    return [_name(word, spans.get(segment, ())) for segment, words in enumerate(finals) for word in words]


def _name(word: Word, spans: Sequence[SpeakerSpan]) -> str:
    """Return who says a word: the one in whose span its middle lies."""
    middle = (word.start + word.end) / 2
    return next((span.speaker for span in spans if span.start <= middle <= span.end), "")
