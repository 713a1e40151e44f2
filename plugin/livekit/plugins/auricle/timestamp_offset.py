"""From positions in a session to positions in its stream. Pure.

A stream's second session begins in the middle of the stream, and the client counts its samples from 0. This module
adds the offset to every position and time in the client's events. (A server counts from ``timeline_origin`` where
``start`` gives one; the client does not yet.)
"""

from dataclasses import replace

from auricle.core import (
    Ack,
    ClientEvent,
    ErrorMessage,
    Final,
    Flushed,
    Partial,
    Restarted,
    SpeechEnd,
    SpeechStart,
    Word,
)


def add_offset(event: ClientEvent, offset: int, sample_rate: int) -> ClientEvent:
    """Return an event with its positions moved by ``offset`` samples, and its times by as many seconds."""
    if not offset:
        return event
    offset_s = offset / sample_rate
    match event:
        case Ack():
            return replace(
                event,
                received=event.received + offset,
                processed=event.processed + offset,
                committed=event.committed + offset,
                credit=event.credit + offset,
                discard_before=event.discard_before + offset,
            )
        case SpeechStart() | SpeechEnd():
            return replace(event, at=event.at + offset, time=event.time + offset_s)
        case Partial():
            words = _add_to_words(event.words, offset_s)
            return replace(event, start=event.start + offset_s, end=event.end + offset_s, words=words)
        case Final(audio=(begin, end)):
            return replace(
                event,
                start=event.start + offset_s,
                end=event.end + offset_s,
                audio=(begin + offset, end + offset),
                words=_add_to_words(event.words, offset_s),
            )
        case Flushed():
            return replace(event, upto=event.upto + offset)
        case ErrorMessage(audio=(begin, end)):
            return replace(event, audio=(begin + offset, end + offset))
        case Restarted():
            return replace(event, origin_sample=event.origin_sample + offset)
        case _:
            return event


def _add_to_words(words: tuple[Word, ...] | None, offset_s: float) -> tuple[Word, ...] | None:
    if words is None:
        return None
    return tuple(replace(word, start=word.start + offset_s, end=word.end + offset_s) for word in words)
