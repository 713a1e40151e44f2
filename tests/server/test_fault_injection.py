"""Sessions of both clients through faults of every kind end as an uncut one does, or the run says that they do not.

The full numbers: docs/reliability.md.
"""

from itertools import islice
from weakref import WeakKeyDictionary

import pytest
import trio
from fault_injection.conversation import BACKENDS
from fault_injection.faults import Kind
from fault_injection.run import planned, run
from fault_injection.server_frames import NO_FRAME, ServerFrames
from hypothesis import given
from hypothesis import strategies as st

from auricle.core.audio_ring import AudioRing

SESSIONS = 20
SEED = "2426"
"""Of faults of every kind, with a server that is killed and one that is drained."""


def test_twenty_sessions_through_every_kind_of_fault_are_exactly_as_an_uncut_one() -> None:
    finished = trio.run(lambda: run(range(SESSIONS), seed=SEED, at_once=SESSIONS))
    assert [(session.number, session.differences) for session in finished.different] == []
    assert set(finished.made) == set(Kind)
    assert {session.backend for session in finished.sessions} == set(BACKENDS)


def test_a_client_that_repeats_other_audio_than_it_sent_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is sent again after one cut may happen to be a pause.
    cut = (n for n in range(100) if [f.kind for f in planned("1", n) if f.where == "up"] == [Kind.RESET])
    sent: WeakKeyDictionary[AudioRing, int] = WeakKeyDictionary()
    read = AudioRing.read

    def read_once(ring: AudioRing, start: int, end: int, residue: int = 0) -> bytes:
        """Return what was sent before as silence."""
        audio, before = read(ring, start, end, residue), sent.get(ring, 0)
        again = min(len(audio), max(0, before - start) * ring.frame_bytes)
        sent[ring] = max(before, end)
        return bytes(again) + audio[again:]

    monkeypatch.setattr(AudioRing, "read", read_once)
    finished = trio.run(lambda: run(list(islice(cut, 4)), seed="1", nodes=1))
    assert finished.made[Kind.RESET]
    assert finished.different


@given(st.lists(st.binary(max_size=70_000), max_size=4), st.integers(1, 40_000))
def test_what_a_server_says_is_split_into_whole_frames_without_a_rest(payloads: list[bytes], size: int) -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    whole = [head, *(_frame(payload) for payload in payloads)]
    said = b"".join(whole) + NO_FRAME[:5]
    frames = ServerFrames()
    pieces = [piece for at in range(0, len(said), size) for piece in frames.feed(said[at : at + size])]
    assert pieces == whole
    assert frames.rest() == NO_FRAME[:5]


def _frame(payload: bytes) -> bytes:
    if len(payload) < 126:
        return bytes((0x82, len(payload))) + payload
    if len(payload) < 1 << 16:
        return bytes((0x82, 126)) + len(payload).to_bytes(2, "big") + payload
    return bytes((0x82, 127)) + len(payload).to_bytes(8, "big") + payload
