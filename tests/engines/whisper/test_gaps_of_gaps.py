"""Windows of several sentences, and a decoder that ends its text with the first of each: without any weights."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from auricle.engines.protocol import ENGINE_RATE, TimedWord, Window
from auricle.engines.whisper.decoder import MOST_PARTS, WhisperDecoder
from auricle.engines.whisper.hypothesis import Doubt, Hypothesis, uncovered
from engines.session_harness import config

PAUSE_S = 0.6
WORD_S = 0.5


class Sentence(NamedTuple):
    """Words of half a second each, from ``begin_s`` of the session on."""

    text: str
    begin_s: float
    doubts: frozenset[Doubt] = frozenset()

    @property
    def end_s(self) -> float:
        return self.begin_s + WORD_S * len(self.text.split())


class HearsTheFirst(WhisperDecoder):
    """Hears of each window the first sentence that is whole in it, and ends its text there."""

    def __init__(self, said: list[Sentence]) -> None:
        self.said = said
        self.heard: list[str] = []

    def _best(self, windows):
        return {place: self._hypothesis(place, window) for place, window in enumerate(windows)}

    def _hypothesis(self, place: int, window: Window) -> Hypothesis:
        at_s = window.start_sample / ENGINE_RATE
        first = next((one for one in self.said if one.begin_s >= at_s - 0.01), None)
        texts = first.text.split() if first else []
        self.heard += [first.text] if first else []
        begins_s = [first.begin_s - at_s + WORD_S * n for n in range(len(texts))] if first else []
        words = tuple(
            TimedWord(text=text, start_s=begin_s, end_s=begin_s + WORD_S, confidence=0.9)
            for text, begin_s in zip(texts, begins_s, strict=True)
        )
        return Hypothesis(
            tokens=tuple(range(len(words))),
            text=" ".join(texts),
            words=words,
            mean_logprob=-0.1,
            no_speech=0.0,
            doubts=(first.doubts if first else frozenset())
            | ({Doubt.UNCOVERED} if uncovered(words, window) else set()),
            batch=SimpleNamespace(
                jobs=(SimpleNamespace(place=place, window=window),),
                tokenizers=(SimpleNamespace(language_code="en"),),
            ),
            row=0,
        )


def sentences(count: int) -> list[Sentence]:
    found, begin_s = [], 0.4
    for number in range(count):
        found.append(Sentence(f"this is sentence {number}", begin_s))
        begin_s = found[-1].end_s + PAUSE_S
    return found


def decoded(said: list[Sentence]):
    window = Window(
        audio=np.zeros(round((said[-1].end_s + 0.3) * ENGINE_RATE), np.float32),
        config=config(language="en"),
        final=True,
        voiced=tuple((one.begin_s, one.end_s) for one in said),
    )
    (transcript,) = HearsTheFirst(said).decode([window])
    return transcript


@pytest.mark.parametrize("count", range(1, MOST_PARTS + 2))
def test_a_gap_that_has_a_gap_is_filled_to_its_end(count):
    said = sentences(count)
    transcript = decoded(said)
    assert transcript.text == " ".join(one.text for one in said)
    assert transcript.believed
    assert [word.start_s for word in transcript.words] == pytest.approx(
        [one.begin_s + WORD_S * n for one in said for n in range(4)]
    )


def test_gaps_of_gaps_have_an_end():
    said = sentences(MOST_PARTS + 3)
    transcript = decoded(said)
    assert transcript.text == " ".join(one.text for one in said[: MOST_PARTS + 1])
    assert not transcript.believed


def test_what_cannot_be_believed_in_a_gap_takes_nothing_with_it():
    first, second, third = sentences(3)
    transcript = decoded([first, second, third._replace(doubts=frozenset({Doubt.IMPROBABLE}))])
    assert transcript.text == f"{first.text} {second.text}"
    assert not transcript.believed
