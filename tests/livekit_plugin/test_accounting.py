"""`StreamAccounting`, where a stream does not show it."""

from dataclasses import replace

from livekit.plugins.auricle.accounting import StreamAccounting

from auricle.core import (
    Ready,
    SpeechStart,
)
from livekit_plugin.client_events import RATE, heard_until


def test_a_new_session_hears_anew() -> None:
    """Else what it hears again would look like standstill."""
    accounting = StreamAccounting(RATE)
    accounting.uncommitted.append(bytes(2 * 10 * RATE))
    accounting.handle(SpeechStart(seq=1, at=0, time=0.0))
    accounting.handle(heard_until(8.0))
    assert accounting.processed == 8 * RATE
    accounting.handle(Ready(seq=1, session="s", credit=0))
    assert accounting.processed == accounting.uncommitted.start == 0


def test_a_queue_that_moves_is_progress_and_one_that_is_told_again_is_none() -> None:
    accounting = StreamAccounting(RATE)
    accounting.uncommitted.append(bytes(2 * RATE))
    waits = heard_until(0.0)
    assert not accounting.handle(waits)
    assert accounting.handle(replace(waits, moves=1))
    assert not accounting.handle(replace(waits, moves=1))
    assert not accounting.handle(waits)
    assert accounting.handle(replace(waits, moves=3))
    accounting.handle(Ready(seq=1, session="s", credit=0))
    assert accounting.handle(replace(waits, moves=1)), "another session counts anew"
