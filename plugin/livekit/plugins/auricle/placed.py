"""Events of a session that is not the first of its stream, in positions of the stream. Pure.

A stand-in: a client that is made with ``timeline_origin`` does not count from there yet (its server does).
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


def placed(event: ClientEvent, base: int, rate: int) -> ClientEvent:
    """Return an event of a session whose first sample is sample ``base`` of the stream."""
    if not base:
        return event
    base_s = base / rate
    match event:
        case Ack():
            return replace(
                event,
                received=event.received + base,
                processed=event.processed + base,
                committed=event.committed + base,
                credit=event.credit + base,
                discard_before=event.discard_before + base,
            )
        case SpeechStart() | SpeechEnd():
            return replace(event, at=event.at + base, time=event.time + base_s)
        case Partial():
            words = _later(event.words, base_s)
            return replace(event, start=event.start + base_s, end=event.end + base_s, words=words)
        case Final(audio=(begin, end)):
            return replace(
                event,
                start=event.start + base_s,
                end=event.end + base_s,
                audio=(begin + base, end + base),
                words=_later(event.words, base_s),
            )
        case Flushed():
            return replace(event, upto=event.upto + base)
        case ErrorMessage(audio=(begin, end)):
            return replace(event, audio=(begin + base, end + base))
        case Restarted():
            return replace(event, origin_sample=event.origin_sample + base)
        case _:
            return event


def _later(words: tuple[Word, ...] | None, by_s: float) -> tuple[Word, ...] | None:
    return (
        None if words is None else tuple(replace(word, start=word.start + by_s, end=word.end + by_s) for word in words)
    )
