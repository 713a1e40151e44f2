"""Who speaks in a live session: told with each final, and told again where it turns out to be otherwise."""

from collections.abc import Sequence

import numpy as np
import pytest

from auricle.core import SpeakerSpan, Word
from auricle.engines.protocol import ENGINE_RATE, EngineError, Samples
from auricle.engines.speakers import live_pass
from auricle.engines.speakers.live_pass import LivePass, spans_of
from engines.speakers.fake_embedder import FakeEmbedder

WORD_S = 0.5


def said(level: int, start_s: float, words: int = 8) -> tuple[Sequence[Word], Samples, float]:
    """Return words of half a second, all as loud as their speaker is."""
    times = [start_s + WORD_S * index for index in range(words)]
    audio = np.full(round(WORD_S * words * ENGINE_RATE), level / 10, np.float32)
    return [Word(text="w", start=at, end=at + WORD_S) for at in times], audio, start_s


def who(changes: Sequence[tuple[int, Sequence[SpeakerSpan]]]) -> list[tuple[int, str]]:
    return [(segment, "".join(span.speaker for span in spans)) for segment, spans in changes]


def test_each_final_is_told_as_it_comes() -> None:
    live = LivePass(FakeEmbedder())
    assert [who(live.add(number, *said(level, 4.0 * number))) for number, level in enumerate((3, 5, 3))] == [
        [(0, "A")], [(1, "B")], [(2, "A")],
    ]  # fmt: skip


def test_what_turns_out_to_be_otherwise_is_told_again() -> None:
    """Two seconds are too little for a voice of one's own; with two more it is one."""
    live = LivePass(FakeEmbedder())
    assert who(live.add(4, *said(3, 0.0))) == [(4, "A")]
    assert who(live.add(5, *said(5, 4.0, words=4))) == [(5, "A")]
    assert who(live.add(6, *said(5, 6.0, words=4))) == [(5, "B"), (6, "B")]


def test_neighbours_of_one_person_are_one_span() -> None:
    words = [Word(text="w", start=at, end=at + 0.4) for at in (0.0, 0.5, 1.0, 1.5)]
    assert spans_of(words, ["A", "A", "B", "A"]) == [
        SpeakerSpan(speaker="A", start=0.0, end=0.9),
        SpeakerSpan(speaker="B", start=1.0, end=1.4),
        SpeakerSpan(speaker="A", start=1.5, end=1.9),
    ]
    assert spans_of([], []) == []


def test_a_final_without_words_says_nothing() -> None:
    live = LivePass(FakeEmbedder())
    assert live.add(0, [], np.zeros(0, np.float32), 0.0) == []


def test_after_an_hour_nobody_is_named_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_pass, "MOST_STRETCHES", 2)
    live = LivePass(FakeEmbedder())
    assert who(live.add(0, *said(3, 0.0))) == [(0, "A")]
    assert live.is_full
    assert live.add(1, *said(5, 4.0)) == ()


def test_an_embedder_that_fails_says_so() -> None:
    class Deaf(FakeEmbedder):
        def embed(self, audio: Samples) -> object:  # type: ignore[override]
            raise EngineError("it hears nothing")

    with pytest.raises(EngineError, match="hears nothing"):
        LivePass(Deaf()).add(0, *said(3, 0.0))
