"""When frames are due, and how the search for sessions goes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pacing import Search, frame_deadline, frames, heard_by, staggered


def test_a_frame_is_due_when_it_has_been_said() -> None:
    assert frame_deadline(10.0, 0, 0.04) == pytest.approx(10.04)
    assert frame_deadline(10.0, 24, 0.04) == pytest.approx(11.0)


def test_audio_is_heard_with_the_frame_that_completes_it() -> None:
    assert heard_by(0.04, 0.04) == pytest.approx(0.04)
    assert heard_by(0.041, 0.04) == pytest.approx(0.08)
    assert heard_by(0.0, 0.04) == 0
    assert heard_by(1.12, 0.04) == pytest.approx(1.12)  # 28 frames, whatever floats make of it


@given(st.binary(max_size=100), st.integers(1, 16))
def test_frames_are_the_audio(pcm: bytes, size: int) -> None:
    cut = list(frames(pcm, size))
    assert b"".join(cut) == pcm
    assert all(len(frame) == size for frame in cut[:-1])


def test_sessions_begin_at_different_places_of_the_cycle() -> None:
    begins = sorted(staggered(index, 7.0) for index in range(16))
    assert begins[0] == 0
    assert begins[-1] < 7
    assert min(after - before for before, after in pairwise(begins)) > 0.1


@given(st.integers(0, 150), st.integers(1, 8), st.integers(1, 128))
def test_the_search_finds_what_holds_to_an_eighth(holds: int, first: int, most: int) -> None:
    search = Search(first=min(first, most), most=most, trials=100)
    while (sessions := search.next()) is not None:
        assert sessions not in search.asked
        assert 1 <= sessions <= most
        search.tell(sessions, held=sessions <= holds)
    assert search.held <= holds
    assert len(search.asked) <= 2 * most.bit_length() + 1
    if holds >= most:
        assert search.held == most
    else:
        assert search.broke is not None
        assert search.broke - search.held <= max(1, search.held // 8)


def test_the_search_ends_with_its_trials() -> None:
    search = Search(first=4, most=128, trials=2)
    for expected in (4, 8):
        assert search.next() == expected
        search.tell(expected, held=True)
    assert search.next() is None
    assert (search.held, search.broke) == (8, None)
