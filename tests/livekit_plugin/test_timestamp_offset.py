"""Positions and times in the client's events, moved by an offset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.auricle.timestamp_offset import add_offset

from auricle.core import (
    Ack,
    ClientEvent,
    Final,
    Flushed,
    Partial,
    Restarted,
    SpeechEnd,
    SpeechStart,
)
from livekit_plugin.client_events import EVENTS, RATE


@given(EVENTS, st.integers(0, 10**9))
def test_every_position_moves_by_the_offset(event: ClientEvent, offset: int) -> None:
    moved = add_offset(event, offset, RATE)
    for before, after in zip(positions(event), positions(moved), strict=True):
        assert after - before == offset
    for before_s, after_s in zip(times(event), times(moved), strict=True):
        assert after_s - before_s == pytest.approx(offset / RATE)


def positions(event: ClientEvent) -> list[int]:
    match event:
        case Ack():
            return [event.received, event.processed, event.committed, event.credit, event.discard_before]
        case SpeechStart() | SpeechEnd():
            return [event.at]
        case Final():
            return [*event.audio]
        case Flushed():
            return [event.upto]
        case Restarted():
            return [event.origin_sample]
        case _:
            return []


def times(event: ClientEvent) -> list[float]:
    match event:
        case SpeechStart() | SpeechEnd():
            return [event.time]
        case Partial() | Final():
            return [event.start, event.end, *(time for word in event.words or () for time in (word.start, word.end))]
        case _:
            return []
