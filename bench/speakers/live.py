"""Speakers of a live session, as a client of a real server is told them: with each final, and as they are at last."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from speakers.conversations import Conversation

from auricle.core import Annotate, ClientEvent, Features, SpeakerSpan, Start, Word
from auricle.core import Final as FinalMessage
from auricle.engines.protocol import ENGINE_RATE
from auricle.transports.asyncio import Client, connect

START: Final = Start(language="en", features=Features(partials=False, words=True, speakers=True))
CHUNK: Final = ENGINE_RATE // 10
PACE: Final = 4.0
"""Seconds of audio in a second. A server that is given all at once hears faster than it can listen twice."""


class Live(NamedTuple):
    """The words of a conversation, and who was told for each; an empty name where nobody was."""

    words: Sequence[Word]
    first: Sequence[str]
    """As the first annotation of its final said."""
    last: Sequence[str]
    """As the last one did."""


def told_live(url: str, talk: Conversation) -> Live:
    """Let one session of a server hear a conversation."""
    return of_events(asyncio.run(_events(url, talk)))


def of_events(events: Sequence[ClientEvent]) -> Live:
    """Return what a client was told."""
    finals = [event for event in events if isinstance(event, FinalMessage)]
    first: dict[int, Sequence[SpeakerSpan]] = {}
    last: dict[int, Sequence[SpeakerSpan]] = {}
    for event in events:
        if isinstance(event, Annotate):
            first.setdefault(event.segment, event.speakers)
            last[event.segment] = event.speakers
    words = [word for final in finals for word in final.words or ()]
    return Live(words, _names(finals, first), _names(finals, last))


def _names(finals: Sequence[FinalMessage], spans: Mapping[int, Sequence[SpeakerSpan]]) -> Sequence[str]:
    return [_name(word, spans.get(final.segment, ())) for final in finals for word in final.words or ()]


def _name(word: Word, spans: Sequence[SpeakerSpan]) -> str:
    """Return who says a word: the one in whose span its middle lies."""
    middle = (word.start + word.end) / 2
    return next((span.speaker for span in spans if span.start <= middle <= span.end), "")


async def _events(url: str, talk: Conversation) -> Sequence[ClientEvent]:
    pcm = (np.clip(talk.audio, -1, 1) * 32_767).astype("<i2").tobytes()
    async with connect(url, START) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(_say(client, pcm))
        return [event async for event in client]


async def _say(client: Client, pcm: bytes) -> None:
    for at in range(0, len(pcm), 2 * CHUNK):
        await client.send_audio(pcm[at : at + 2 * CHUNK])
        await asyncio.sleep(CHUNK / ENGINE_RATE / PACE)
    await client.end_input()
