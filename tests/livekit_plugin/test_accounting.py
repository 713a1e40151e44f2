"""`StreamAccounting`, where a stream does not show it."""

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
