"""Who said which word, by the fake: the seam that the network is put into."""

import numpy as np

from auricle.core import Word
from auricle.engines.protocol import ENGINE_RATE, Samples
from auricle.engines.speakers.second_pass import SecondPass, speaker_name
from engines.speakers.fake_embedder import FakeEmbedder

WORD_S = 0.5


def conversation(levels: list[int]) -> tuple[list[Word], Samples]:
    """Words of half a second, each as loud as its speaker is."""
    words = [Word(text=f"w{index}", start=WORD_S * index, end=WORD_S * (index + 1)) for index in range(len(levels))]
    audio = np.repeat(np.array(levels, dtype=np.float32) / 10, round(WORD_S * ENGINE_RATE))
    return words, audio


def test_speakers_are_letters_as_they_are_first_heard_and_the_same_in_every_final() -> None:
    work = SecondPass(FakeEmbedder())
    for levels in ([3] * 8, [5] * 8, [3] * 8):
        work.add(*conversation(levels), 0.0)
    assert [set(speakers) for speakers in work.speakers()] == [{"A"}, {"B"}, {"A"}]


def test_a_final_may_hold_two() -> None:
    work = SecondPass(FakeEmbedder())
    work.add(*conversation([3] * 8 + [5] * 8), 0.0)
    assert work.speakers() == [["A"] * 8 + ["B"] * 8]


def test_the_audio_of_a_final_begins_somewhere_in_the_recording() -> None:
    words, audio = conversation([3] * 8 + [5] * 8)
    work = SecondPass(FakeEmbedder())
    work.add(words[8:], audio[round(3.0 * ENGINE_RATE) :], 3.0)
    work.add(words[:8], audio, 0.0)
    assert work.speakers() == [["A"] * 8, ["B"] * 8]


def test_words_too_short_for_a_voice_are_of_who_spoke_last() -> None:
    work = SecondPass(FakeEmbedder())
    for levels in ([3] * 8, [5] * 8):
        work.add(*conversation(levels), 0.0)
    work.add([Word(text="mm", start=0.0, end=0.1)], np.zeros(1_600, np.float32), 0.0)
    assert work.speakers()[2] == ["B"]


def test_a_final_without_words_and_one_without_its_audio() -> None:
    work = SecondPass(FakeEmbedder())
    work.add([], np.zeros(0, np.float32), 0.0)
    work.add(conversation([3] * 4)[0], np.zeros(0, np.float32), 0.0)
    assert work.speakers() == [[], ["A"] * 4]


def test_names() -> None:
    assert [speaker_name(number) for number in (0, 1, 25, 26, 27, 701, 702)] == ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]
