"""Which words of a window are told, and which were only context: `first_told`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.protocol import TimedWord
from auricle.engines.whisper.hypothesis import first_told


def spoken(*words: tuple[str, float, float]) -> list[TimedWord]:
    return [TimedWord(text=text, start_s=start_s, end_s=end_s) for text, start_s, end_s in words]


FELLOW_AMERICANS = spoken(("fellow", 1.24, 1.57), ("Americans,", 1.57, 2.07))
ASK_NOT = spoken(("ask", 2.07, 3.75), ("not", 3.75, 4.29))
YOUR_COUNTRY = spoken(("what", 4.29, 5.55), ("your", 5.55, 5.79), ("country", 5.79, 6.27))
VOICED = ((0.4, 2.19), (3.38, 3.5), (3.63, 3.76), (4.08, 4.37), (5.49, 7.6))
FOR_YOU = spoken(("for", 6.89, 7.14), ("you,", 7.29, 8.29), ("ask", 8.63, 8.71), ("what", 8.71, 8.99))


@pytest.mark.parametrize(
    ("words", "pause", "told"),
    [
        ([*FELLOW_AMERICANS, *ASK_NOT, *YOUR_COUNTRY], (4.37, 5.49), "what"),
        ([*FELLOW_AMERICANS, *ASK_NOT], (2.19, 3.38), "ask"),
        # What was too little to begin an utterance: behind the last one all the same.
        ([*FELLOW_AMERICANS, *ASK_NOT], (2.19, 4.08), "ask"),
        # The word before the pause has all of it.
        (FOR_YOU, (7.6, 8.24), "ask"),
    ],
)
def test_a_word_that_has_all_of_the_pause_stands_where_its_voice_is(words, pause, told):
    voiced = (*VOICED, (8.24, 8.59), (8.66, 10.48))
    assert words[first_told(words, pause, voiced)].text == told


def test_without_voice_the_border_nearest_to_the_pause_is_taken():
    words = spoken(("one", 0.0, 0.5), ("two", 0.5, 1.0), ("three", 1.4, 2.0), ("four", 2.0, 2.5))
    assert first_told(words, (1.1, 1.3)) == 2
    assert first_told(words, (2.1, 2.2)) == 3
    assert first_told([], (1.0, 2.0)) == 0


@given(
    before=st.lists(st.integers(min_value=20, max_value=60), min_size=1, max_size=6),
    behind=st.lists(st.integers(min_value=20, max_value=60), min_size=1, max_size=6),
    pause=st.integers(min_value=10, max_value=200),
    share=st.integers(min_value=0, max_value=10),
)
def test_however_an_alignment_shares_a_pause_out_no_word_changes_sides(before, behind, pause, share):
    """All voice is that of words; the two at the pause take any part of it."""
    paused = sum(before)
    border = paused + pause * share // 10
    at, words = 0, []
    for length in before[:-1]:
        words.append((at, at := at + length))
    words.append((at, border))
    at = paused + pause + behind[0]
    words.append((border, at))
    for length in behind[1:]:
        words.append((at, at := at + length))
    timed = spoken(*(("word", start / 100, end / 100) for start, end in words))
    until = (paused + pause + sum(behind)) / 100
    pause_s = (paused / 100, (paused + pause) / 100)
    assert first_told(timed, pause_s, ((0.0, pause_s[0]), (pause_s[1], until))) == len(before)
