"""What of Whisper is not to be believed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.protocol import TimedWord
from auricle.engines.whisper.guards import (
    MOST_TOKENS,
    durations,
    has_unspoken_turns,
    is_compressible,
    is_no_speech,
    is_too_dense,
    is_too_long,
    repeated_words,
    runaway_start,
    spoken_turns,
    spoken_words,
    token_budget,
    unspoken_runs,
)


@pytest.mark.parametrize(
    ("tokens", "start"),
    [
        ([], None),
        ([1, 2, 3, 4, 5], None),
        ([1, 1, 1], None),
        ([7, 1, 1, 1, 1, 1, 1, 1, 1], 2),
        ([7, 1, 1, 1, 1, 1, 1, 1, 1, 2], None),
        ([1, 2, 1, 2, 1, 2, 1, 2], 2),
        ([1, 2, 1, 2, 1, 2, 1, 2, 9, 10, 11], None),
        ([5, 1, 2, 3, 4, 5, 6] + [1, 2, 3, 4, 5, 6] * 2, 7),
        ([5, 1, 2, 3, 4, 5, 6] + [1, 2, 3, 4, 5, 6] * 2 + [1, 2, 3], 7),
        (list(range(40)) * 3, 40),
        (list(range(40)) * 2, None),
    ],
)
def test_a_runaway_repeats_a_unit_of_any_length_to_the_end(tokens: list[int], start: int | None) -> None:
    assert runaway_start(tokens) == start


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(4, 9))
def test_what_goes_on_with_something_else_is_no_runaway(tokens: list[int], other: int) -> None:
    assert runaway_start([*tokens, other]) is None


@given(st.lists(st.integers(0, 50), max_size=10), st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_every_runaway_is_found(before: list[int], unit: list[int]) -> None:
    turns = max(3, -(-8 // len(unit)))
    start = runaway_start(before + unit * turns)
    assert start is not None
    assert start <= len(before) + len(unit)


def timed(*durations_s: float) -> list[TimedWord]:
    words, at_s = [], 0.0
    for number, duration_s in enumerate(durations_s):
        words.append(TimedWord(text=f"w{number}", start_s=at_s, end_s=at_s + duration_s))
        at_s += duration_s
    return words


@pytest.mark.parametrize(
    ("durations_s", "spoken"),
    [
        ((), 0),
        ((0.3, 0.2, 0.4), 3),
        ((0.3, 0.02, 0.02, 0.4), 4),
        ((0.3, 0.0, 0.02, 0.04, 0.0, 0.0), 1),
        ((0.0, 0.0, 0.0), 0),
        ((0.3, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.3), 4),
    ],
)
def test_three_words_in_a_row_without_duration_were_not_spoken(durations_s: tuple[float, ...], spoken: int) -> None:
    words = timed(*durations_s)
    lasting_s = durations(words, ())
    assert spoken_words(words, lasting_s, unspoken_runs(lasting_s)) == words[:spoken]


@pytest.mark.parametrize(
    ("text", "tenths_s", "spoken"),
    [
        ("look look look look that is all there is", "600002222", "look that is all there is"),
        ("look look look look that is all", "6000022", "look"),
        ("go go go go go now we leave thank you for", "33000222000", "go go now we leave"),
        ("one two three four five six", "000222", "one two three four five six"),
    ],
)
def test_speech_that_goes_on_behind_words_without_duration_is_kept(text: str, tenths_s: str, spoken: str) -> None:
    """What is repeated without a duration was not said as often; what follows with one was speech."""
    durations_s = (int(tenths) / 10 for tenths in tenths_s)
    words = [replace(word, text=said) for word, said in zip(timed(*durations_s), text.split(), strict=True)]
    lasting_s = durations(words, ())
    runs = unspoken_runs(lasting_s)
    assert runs
    assert " ".join(word.text for word in spoken_words(words, lasting_s, runs)) == spoken


PLEASE = "That is please, please, please, please, the bus leaves"
"""As it was said and decoded: the alignment gave the time of three turns to their commas."""


def pleading() -> list[TimedWord]:
    starts_s = (0.0, 0.5, 1.04, 1.54, 2.0, 2.6, 3.1, 3.56, 3.9, 4.2)
    lasting_s = (0.5, 0.5, 0.4, 0.02, 0.0, 0.02, 0.06, 0.3, 0.3)
    return [
        TimedWord(text=text, start_s=start_s, end_s=start_s + seconds)
        for text, start_s, seconds in zip(PLEASE.split(), starts_s, lasting_s, strict=False)
    ]


@pytest.mark.parametrize(
    ("voiced", "said"),
    [(((0.0, 4.2),), 9), (((0.0, 2.05), (2.6, 4.2)), 9), (((0.0, 1.54), (3.5, 4.2)), 6)],
    ids=["voice", "a short pause", "silence"],
)
def test_a_turn_whose_time_the_alignment_gave_to_its_comma_was_said(voiced, said) -> None:
    """But where nobody has a voice up to the next word, it was not."""
    words = pleading()
    lasting_s = durations(words, voiced)
    assert len(spoken_words(words, lasting_s, unspoken_runs(lasting_s))) == said


def test_only_turns_last_up_to_the_next_word() -> None:
    """What nobody repeats has the duration of its letters: words that nobody said have commas too."""
    words = [replace(word, text=text) for word, text in zip(pleading(), "abcdefghi", strict=True)]
    assert durations(words, ((0.0, 4.2),)) == [word.end_s - word.start_s for word in words]


def test_a_turn_that_only_its_comma_lasts_may_be_one_too_many() -> None:
    assert has_unspoken_turns(pleading())
    assert len(spoken_turns(pleading(), ())) < len(spoken_turns(pleading(), ((0.0, 4.2),))) == 9


def test_a_second_of_voice_holds_only_so_many_words() -> None:
    assert not is_too_dense(3, 0.1)
    assert not is_too_dense(10, 1.0)
    assert is_too_dense(11, 1.0)


def test_text_that_says_the_same_again_and_again() -> None:
    assert is_compressible("and so my fellow americans " * 6)
    assert not is_compressible("and so my fellow americans ask not what your country can do for you")
    assert not is_compressible("no no no no no"), "short enough to be meant"


def test_the_model_may_say_that_nobody_spoke() -> None:
    assert is_no_speech(0.7, -1.5)
    assert is_no_speech(0.93, -0.89), "a guitar"
    assert not is_no_speech(0.68, -0.67), "the beginning of a sentence"
    assert not is_no_speech(0.9, -0.2)
    assert not is_no_speech(0.1, -1.5)


@given(st.floats(0, 60))
def test_the_budget_grows_and_ends(seconds: float) -> None:
    assert 20 <= token_budget(seconds) <= MOST_TOKENS


@pytest.mark.parametrize(
    ("voiced_s", "probability", "too_long"),
    [(1.2, 0.9, False), (1.5, 0.9, True), (0.8, 0.1, False), (1.0, 0.1, True), (1.0, None, True)],
)
def test_no_word_takes_that_much_voice(voiced_s: float, probability: float | None, *, too_long: bool) -> None:
    assert is_too_long(voiced_s, probability) is too_long


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("go go", ""),
        ("Go, go, go! The game is over", "Go, go, go!"),
        ("I know, I know, I know, but we leave", "I know, I know, I know,"),
        ("well no no no no and yes yes yes", "no no no no yes yes yes"),
        ("one two three four one two three four one two three four", "one two three four " * 3),
        ("a b c d e " * 3, ""),
        ("the more the better the more", ""),
    ],
)
def test_a_phrase_that_is_said_three_times_in_a_row_is_repeated(text: str, repeated: str) -> None:
    words = text.split()
    assert [words[place] for place in sorted(repeated_words(words))] == repeated.split()


@given(
    st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("xyz"), min_size=1, max_size=4, unique=True)
)
def test_every_repetition_is_found(before: list[str], unit: list[str]) -> None:
    assert repeated_words([*before, *unit * 3, "end"]) >= set(range(len(before), len(before) + 3 * len(unit)))


@pytest.mark.parametrize(
    ("text", "durations_s", "unspoken"),
    [
        ("go go go the game", (0.3, 0.3, 0.3, 0.1, 0.3), False),
        ("go go go the game", (0.3, 0.0, 0.3, 0.1, 0.3), True),
        ("go go go the game", (0.3, 0.3, 0.3, 0.0, 0.3), False),
        ("go the game", (0.0, 0.1, 0.3), False),
    ],
)
def test_a_repetition_may_be_counted_wrong_where_a_turn_has_no_duration(
    text: str, durations_s: tuple[float, ...], *, unspoken: bool
) -> None:
    words = [replace(word, text=said) for said, word in zip(text.split(), timed(*durations_s), strict=True)]
    assert has_unspoken_turns(words) is unspoken
    left = spoken_turns(words, ())
    assert (len(left) < len(words)) is unspoken
    assert [word for word in words if word.text in ("the", "game")] == [w for w in left if w.text in ("the", "game")]
