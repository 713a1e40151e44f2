"""Voice without words: where it lies in a window, and how what was said there gets back to its place."""

import numpy as np
import pytest

from auricle.engines.protocol import ENGINE_RATE, StreamConfig, TimedWord, Transcript, Window
from auricle.engines.whisper.gaps import Gap, filled, gaps, part_of, told_part

QUESTION = ("can", "you", "hear", "me")


def word(text: str, start_s: float, end_s: float, confidence: float = 0.9) -> TimedWord:
    return TimedWord(text=text, start_s=start_s, end_s=end_s, confidence=confidence)


def window(seconds: float, voiced: tuple[tuple[float, float], ...], **more) -> Window:
    audio = np.arange(round(seconds * ENGINE_RATE), dtype=np.float32)
    return Window(audio=audio, config=StreamConfig(), final=True, start_sample=1_000, voiced=voiced, **more)


def question(begin_s: float, first_from_s: float, confidence: float = 0.9) -> tuple[TimedWord, ...]:
    """Four words from ``begin_s`` on, the first of which the alignment has drawn out to ``first_from_s``."""
    starts = [begin_s + 0.3 * place for place in range(4)]
    first, *others = (word(text, at_s, at_s + 0.3) for text, at_s in zip(QUESTION, starts, strict=True))
    return word(first.text, first_from_s, first.end_s, confidence), *others


def test_words_that_cover_the_voice_leave_no_gap() -> None:
    assert gaps(question(0.4, 0.4), window(2.0, ((0.4, 1.6),))) == []


def test_what_was_left_out_in_front_of_a_word_is_a_gap() -> None:
    (gap,) = gaps(question(2.6, 0.0), window(4.0, ((0.4, 3.8),)))
    assert gap == Gap(place=0, begin_s=0.0, end_s=pytest.approx(2.6))


@pytest.mark.parametrize(("confidence", "count"), [(0.9, 0), (0.3, 1)])
def test_a_word_that_is_improbable_may_not_be_drawn_out_as_long(confidence: float, count: int) -> None:
    assert len(gaps(question(1.45, 0.4, confidence), window(3.0, ((0.4, 2.65),)))) == count


def test_silence_in_front_of_a_word_is_no_gap() -> None:
    assert gaps(question(4.0, 0.0), window(6.0, ((3.8, 5.2),))) == []


def test_voice_behind_the_last_word_is_a_gap() -> None:
    (gap,) = gaps(question(0.4, 0.4), window(4.0, ((0.4, 1.6), (2.0, 3.5))))
    assert gap == Gap(place=4, begin_s=pytest.approx(1.7), end_s=4.0)


def test_voice_between_two_words_is_a_gap() -> None:
    """ "amidst the tents. *Go forward ten metres.* The forms of printed letters": no word was drawn out over it."""
    words = (word("tents.", 0.4, 1.0), word("The", 3.6, 3.6), word("forms", 3.6, 5.2))
    (gap,) = gaps(words, window(6.0, ((0.4, 0.9), (1.7, 3.3), (4.8, 5.2))))
    assert gap == Gap(place=1, begin_s=pytest.approx(1.1), end_s=3.6)


def test_voice_before_the_first_word_is_a_gap_unless_it_is_only_context() -> None:
    words, voiced = (word("hello", 2.0, 2.5),), ((0.3, 1.5), (2.0, 2.5))
    (gap,) = gaps(words, window(3.0, voiced))
    assert gap == Gap(place=0, begin_s=0.0, end_s=2.0)
    assert gaps(words, window(3.0, voiced, told_after=(1.5, 2.0))) == []


def test_voice_that_makes_a_final_doubtful_is_a_gap_however_short_its_window_becomes() -> None:
    """A second of voice behind the last word is a doubt, and what is a doubt is decoded."""
    (gap,) = gaps(question(0.4, 0.4), window(3.0, ((0.4, 2.65),)))
    assert gap == Gap(place=4, begin_s=pytest.approx(1.7), end_s=3.0)


def test_what_is_only_context_is_not_missed() -> None:
    assert gaps(question(2.6, 0.0), window(4.0, ((0.4, 3.8),), told_after=(1.8, 2.2))) == []


def test_a_window_without_words_has_no_gap() -> None:
    assert gaps((), window(4.0, ((0.4, 3.8),))) == []


@pytest.mark.parametrize(
    ("told_after", "begin_s"),
    [((1.0, 2.5), 2.1), ((2.2, 2.5), 2.3), ((2.45, 2.5), 2.5), ((0.0, 0.3), 0.1), ((2.5, 3.9), 3.2)],
)
def test_what_is_to_be_told_begins_in_the_pause_before_it(told_after: tuple[float, float], begin_s: float) -> None:
    voiced = ((0.2, 0.8), (2.5, 2.6), (3.6, 3.7), (3.9, 4.4))
    assert told_part(window(4.0, voiced, told_after=told_after)) == Gap(0, pytest.approx(begin_s), 4.0)


def test_where_nothing_is_context_no_part_is_to_be_told() -> None:
    assert told_part(window(4.0, ((0.4, 3.8),))) is None


def test_a_gap_is_a_window_of_its_own() -> None:
    whole = window(4.0, ((0.4, 1.0), (1.5, 3.8)), told_after=(0.0, 0.1), context="before")
    part = part_of(whole, Gap(place=0, begin_s=0.5, end_s=2.5))
    assert part.start_sample == 1_000 + ENGINE_RATE // 2
    assert part.audio.tolist() == whole.audio[ENGINE_RATE // 2 : 5 * ENGINE_RATE // 2].tolist()
    assert part.voiced == ((0.0, 0.5), (1.0, 2.0))
    assert (part.told_after, part.context, part.features) == (None, "", None)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_what_was_said_in_a_gap_gets_back_to_its_place(place: int) -> None:
    words = question(2.6, 0.0)
    heard = Transcript(text=" ".join(QUESTION), words=words, confidence=0.9, avg_logprob=-0.1, language="en")
    part = Transcript(text="hello there", words=(word("hello", 0.2, 0.5), word("there", 0.5, 0.9)), confidence=0.7)
    told = filled(heard, Gap(place=place, begin_s=1.0, end_s=2.0), part)
    texts = [*QUESTION[:place], "hello", "there", *QUESTION[place:]]
    assert told.text.split() == texts == [one.text for one in told.words]
    assert [(one.start_s, one.end_s) for one in told.words[place : place + 2]] == [(1.2, 1.5), (1.5, 1.9)]
    assert told.confidence == 0.7
    assert all(one.start_s >= 2.0 for one in told.words[place + 2 :])
