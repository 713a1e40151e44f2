"""Words without the silence that their alignment adds: `without_silence`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.protocol import StreamConfig, TimedWord, Transcript, Window
from auricle.engines.whisper.word_times import LEAST_VOICE_S, without_silence


def times(
    words: list[tuple[float, float]], voiced: tuple[tuple[float, float], ...] | None
) -> list[tuple[float, float]]:
    timed = tuple(TimedWord(text="word", start_s=start, end_s=end) for start, end in words)
    window = Window(audio=np.zeros(0, np.float32), config=StreamConfig(), final=True, voiced=voiced)
    told = without_silence(Transcript(text="word", words=timed), window)
    return [(word.start_s, word.end_s) for word in told.words]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ((2.1, 3.7), (3.4, 3.7)),
        ((1.6, 3.0), (1.6, 2.2)),
        ((1.1, 3.5), (1.2, 2.2)),
        ((0.5, 2.5), (0.5, 2.2)),
        ((2.5, 3.0), (2.5, 3.0)),
        ((2.5, 3.42), (2.5, 3.42)),
    ],
    ids=[
        "a pause before it",
        "a pause behind it",
        "most voice before it",
        "a short pause inside",
        "no voice",
        "hardly any voice",
    ],
)
def test_a_word_begins_and_ends_where_its_voice_does(word, told):
    assert times([word], ((0.4, 1.0), (1.2, 2.2), (3.4, 3.8))) == [pytest.approx(told)]


def test_without_voice_detection_nothing_changes():
    assert times([(0.0, 1.0)], None) == times([(0.0, 1.0)], ()) == [(0.0, 1.0)]


MOMENTS = st.lists(st.integers(min_value=0, max_value=400), min_size=2, max_size=12, unique=True).map(sorted)


@given(words=MOMENTS, voiced=MOMENTS)
def test_words_stay_in_order_within_their_times(words, voiced):
    timed = [(a / 100, b / 100) for a, b in zip(words[::2], words[1::2], strict=False)]
    spans = tuple((a / 100, b / 100) for a, b in zip(voiced[::2], voiced[1::2], strict=False))
    for (start, end), (told_start, told_end) in zip(timed, times(timed, spans), strict=True):
        assert start <= told_start < told_end <= end
        assert (told_start, told_end) == (start, end) or told_end - told_start >= LEAST_VOICE_S - 1e-9
