"""Tapes of several utterances, and where each lies on them."""

import numpy as np
import pytest
from clips import LEAD_S, Clip, Word, lay
from tapes import deal, spoken_on

from auricle.engines.protocol import ENGINE_RATE, Samples

PAUSE_S = 1.5


def clip(name: str, seconds: float = 1.0) -> Clip:
    word = Word(text=name, start_s=0.0, end_s=0.5)
    return Clip(name=name, samples=np.full(round(seconds * ENGINE_RATE), 0.1, np.float32), text=name, words=(word,))


def test_clips_are_dealt_to_tapes_that_are_about_equally_long() -> None:
    clips = [clip(f"w{n}", seconds=1 + n % 7) for n in range(40)]
    dealt = deal(clips, 4, 30.0, PAUSE_S)
    names = [[each.name for each in one] for one in dealt]
    every = [name for one in names for name in one]
    assert len(every) == len(set(every))
    assert all(20.0 < sum(each.seconds + PAUSE_S for each in one) <= 30.0 for one in dealt)
    assert names == [[each.name for each in one] for one in deal(clips[::-1], 4, 30.0, PAUSE_S)], "in any order"


def test_too_few_clips_are_said_to_be_too_few() -> None:
    with pytest.raises(ValueError, match="too few clips for 2 tapes"):
        deal([clip("one")], 2, 30.0, PAUSE_S)


def test_utterances_are_where_they_were_laid() -> None:
    clips, pauses_s = [clip("a", 1.0), clip("b", 2.0), clip("c", 1.5)], iter((0.3, 2.5, 0.9))
    tape = lay(clips, lambda _: next(pauses_s))
    assert tape.seconds == pytest.approx(LEAD_S + 1.0 + 0.3 + 2.0 + 2.5 + 1.5 + 0.9)
    spoken = spoken_on(tape)
    assert [each.clip.name for each in spoken] == ["a", "b", "c"]
    assert [each.start_s for each in spoken] == pytest.approx([LEAD_S, LEAD_S + 1.3, LEAD_S + 5.8])
    for each in spoken:
        begin = round(each.start_s * ENGINE_RATE)
        end = begin + len(each.clip.samples)
        assert tape.samples[begin] == tape.samples[end - 1] == np.float32(0.1)
        assert tape.samples[begin - 1] == tape.samples[end] == 0.0
        assert each.last_word_end_s == pytest.approx(each.start_s + 0.5)


def test_a_pause_may_be_of_something_else_than_silence() -> None:
    def hum(after: Clip, count: int) -> Samples:
        return np.full(count, {"a": 0.01, "b": 0.02}[after.name], np.float32)

    tape = lay([clip("a"), clip("b")], lambda _: 0.5, hum)
    half, lead = ENGINE_RATE // 2, round(LEAD_S * ENGINE_RATE)
    assert set(tape.samples[lead + 2 * half : lead + 3 * half]) == {np.float32(0.01)}
    assert set(tape.samples[-half:]) == {np.float32(0.02)}
