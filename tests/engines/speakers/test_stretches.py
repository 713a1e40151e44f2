"""What of a final is listened to at a time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from auricle.core import Word
from auricle.engines.speakers.stretches import LONGEST_S, PAUSE_S, stretches


@st.composite
def finals(draw: st.DrawFn) -> list[Word]:
    words, at = [], 0.0
    for _ in range(draw(st.integers(0, 30))):
        at += draw(st.sampled_from([0.0, 0.1, 0.29, 0.5]))
        length = draw(st.sampled_from([0.0, 0.1, 0.4, 2.5]))
        words.append(Word(text="w", start=at, end=at + length))
        at += length
    return words


@given(finals())
def test_stretches_tile_the_words_and_none_crosses_a_pause(words: list[Word]) -> None:
    found = stretches(words)
    assert [index for one in found for index in range(one.begin, one.end)] == list(range(len(words)))
    for one in found:
        inside = words[one.begin : one.end]
        assert (one.start_s, one.end_s) == (inside[0].start, inside[-1].end)
        assert all(later.start - before.end < PAUSE_S for before, later in pairwise(inside))


@given(finals())
def test_no_stretch_is_much_longer_than_two_seconds(words: list[Word]) -> None:
    longest = max((word.end - word.start for word in words), default=0.0)
    assert all(one.seconds <= LONGEST_S + 2 * longest + PAUSE_S for one in stretches(words))


def test_a_long_sentence_is_heard_in_pieces_of_one_length() -> None:
    words = [Word(text="w", start=0.5 * index, end=0.5 * index + 0.5) for index in range(10)]
    assert [one.seconds for one in stretches(words)] == [1.5, 2.0, 1.5]
