"""Loops are what a decoder repeats and nobody said."""

import pytest
from normal import align
from words.loops import FEWEST, loops, repeats, repetitions


def found(reference: str, heard: str) -> list[tuple[str, int]]:
    said, told = reference.split(), heard.split()
    return [(" ".join(run.unit), run.times) for run in loops(said, told, align(said, told).inserted)]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("a b c", []),
        ("a a b c", []),
        ("a a a b", [("a", 3)]),
        ("x a b a b a b y", [("a b", 3)]),
        ("a a a b c b c b c", [("a", 3), ("b c", 3)]),
        ("a b c a b c a b", []),
    ],
)
def test_repetitions(heard: str, expected: list[tuple[str, int]]) -> None:
    assert [(" ".join(run.unit), run.times) for run in repetitions(heard.split())] == expected


def test_a_tripled_opening_is_a_loop() -> None:
    said = "and so my fellow americans ask not"
    assert found(said, "and so my fellow americans " * 3 + "ask not") == [("and so my fellow americans", 3)]


def test_what_is_said_again_and_again_is_none() -> None:
    said = "i know i know i know but we have to leave"
    assert found(said, said) == []
    assert found(said, said.replace("i know i know i know", "i know i know")) == []


def test_more_than_is_said_is_a_loop() -> None:
    assert found("go go go home", "go go go go go home") == [("go", 5)]


def test_repeated_words_in_the_place_of_others_are_none() -> None:
    assert found("one two three four", "no no no four") == []


def test_repeats_whichever_word_comes_first() -> None:
    assert repeats(["x", "a", "b", "a", "b", "a", "y"], ["b", "a"]) == 2
    assert repeats(["x", "y"], ["a"]) == 0
    assert FEWEST == 3
