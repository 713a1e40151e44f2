"""The arithmetic of a column, on clips that are made up."""

import numpy as np
import pytest
from clips import Clip, Word
from normal import Errors, align, normal
from words.heard import Heard, Hearing, Shown, Told
from words.samples import NONSPEECH, Sample
from words.scores import contradicted, instability, scores, start_errors, text_against_words


def a_word(text: str, start_s: float) -> Word:
    return Word(text=text, start_s=start_s, end_s=start_s + 0.3)


def sample(name: str, text: str, kind: str = "utterance", seconds: float = 4.0) -> Sample:
    clip = Clip(name=name, samples=np.zeros(round(seconds * 16_000), dtype=np.float32), text=text, words=())
    return Sample(clip=clip, kind=kind, language="en", has_reference=True)


def heard(name: str, *finals: Told) -> Heard:
    return Heard(clip=name, finals=finals, has_words=True)


def told(text: str, *partials: tuple[str, int]) -> Told:
    return Told(
        text=text,
        words=tuple(a_word(one, place) for place, one in enumerate(text.split())),
        partials=tuple(Shown(text=shown, stable=stable) for shown, stable in partials),
    )


def test_numbers_and_contractions_are_the_same_words() -> None:
    assert normal("He's fourteen, okay?") == normal("he is 14 okay")


def test_languages_without_spaces_are_compared_by_characters() -> None:
    assert len(normal("真っ昼間", "ja")) == 4
    assert normal("Señor, sí.", "es") == ["señor", "sí"]


@pytest.mark.parametrize(
    ("said", "text", "counts"),
    [
        ("a b c", "a b c", (0, 0, 0)),
        ("a b c", "a x c", (1, 0, 0)),
        ("a b c", "a c", (0, 1, 0)),
        ("a b c", "a b b c", (0, 0, 1)),
        ("a b c", "", (0, 3, 0)),
        ("", "thank you", (0, 0, 2)),
    ],
)
def test_errors_are_told_apart(said: str, text: str, counts: tuple[int, int, int]) -> None:
    errors = align(said.split(), text.split()).errors
    assert (errors.substitutions, errors.deletions, errors.insertions) == counts


def test_a_rate_is_that_of_all_words_together() -> None:
    errors = Errors(substitutions=1, words=2) + Errors(words=8)
    assert errors.rate == pytest.approx(0.1)
    assert Errors().rate is None


def test_a_column() -> None:
    samples = [
        sample("right", "one more day", "utterance"),
        sample("wrong", "and so it goes", "noisy"),
        sample("hens", "", NONSPEECH),
    ]
    hearing = Hearing(
        heard=(
            heard("right", told("One more"), told("day.", ("day", 0))),
            heard("wrong", told("and so and so and so it")),
            heard("hens", told("thank you")),
        ),
        cpu_s=2.0,
        wall_s=3.0,
    )
    column = scores(samples, hearing)
    assert column["wer"]["utterance"]["rate"] == 0
    assert column["wer"]["all"] == {
        "rate": pytest.approx(5 / 7),
        "substitutions": 0,
        "deletions": 1,
        "insertions": 4,
        "words": 7,
    }
    assert column["loops"] == [{"clip": "wrong", "unit": "and so", "times": 3}]
    assert column["nonspeech"] == {"clips": 1, "words": 2}
    assert (column["long_clips"], column["long_clips_without_partial"]) == (2, 1)
    assert column["clips"]["right"]["words"] == 3


@pytest.mark.parametrize(
    ("final", "broken"),
    [
        (told("one two three"), 0),
        (told("one two three", ("one too", 4), ("one two", 7)), 0),
        (told("one two three", ("one too", 7)), 1),
        (told("one two", ("one too", 7), ("one two", 7)), 1),
        (told("six", ("one too", 7), ("one two", 7)), 2),
        (told("", ("one", 0)), 0),
        (told("", ("one", 3)), 1),
    ],
)
def test_promises(final: Told, broken: int) -> None:
    assert contradicted(final) == broken


def test_changed_words_count_for_finals_that_had_partials() -> None:
    assert instability([told("one two three four", ("one too", 0), ("one two", 0)), told("a b c d")]) == 0.25
    assert instability([told("one")]) is None


def test_text_and_words_are_one_thing() -> None:
    same = told("One, two.")
    other = Told(text="one two two", words=same.words)
    without = Told(text="one", words=())
    assert text_against_words([same]) == {"finals": 1, "differing": 0, "rate": 0}
    assert text_against_words([same, other, without]) == {"finals": 3, "differing": 2, "rate": 0.5}
    unspaced = Told(text="電球が。", words=(a_word("電球", 0.0), a_word("が。", 0.5)))
    assert text_against_words([unspaced]) == {"finals": 1, "differing": 0, "rate": 0}


def test_starts_are_compared_of_equal_words_only() -> None:
    reference = [a_word("one", 0.0), a_word("two", 1.0), a_word("three", 2.0)]
    said = Told(text="", words=(a_word("One,", 0.25), a_word("too", 5.0), a_word("three.", 1.5)))
    assert start_errors(reference, heard("x", said)) == pytest.approx([0.25, 0.5])
    assert start_errors([], heard("x", said)) == []
