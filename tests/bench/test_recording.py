"""What is read from a session's results."""

import numpy as np
import pytest
from clips import Tape, Word
from recording import Recording, Said, end_of_speech

from auricle.engines.protocol import (
    ENGINE_RATE,
    FinalResult,
    PartialResult,
    Result,
    SpeechEnded,
    SpeechStarted,
    TimedWord,
    UtteranceFailed,
)

WORDS = (
    Word(text="ask", start_s=0.5, end_s=1.0),
    Word(text="not", start_s=1.0, end_s=1.4),
    Word(text="what", start_s=3.0, end_s=3.5),
)


def final(text: str, end_s: float, start_s: float, reason: str = "endpoint") -> FinalResult:
    step_s = (end_s - start_s) / max(1, len(text.split()))
    return FinalResult(
        end_sample=round(end_s * ENGINE_RATE),
        text=text,
        start_s=start_s,
        end_s=end_s,
        confidence=1.0,
        reason=reason,  # type: ignore[arg-type]
        words=tuple(
            TimedWord(text=word, start_s=start_s + index * step_s, end_s=start_s + (index + 1) * step_s)
            for index, word in enumerate(text.split())
        ),
    )


def partial(text: str, stable: int = 0) -> PartialResult:
    return PartialResult(text=text, start_s=0.0, end_s=1.0, stable=stable)


def recording(*said: tuple[float, Result], done_s: float | None = 5.0) -> Recording:
    return Recording(
        tape=Tape(samples=np.zeros(4 * ENGINE_RATE, dtype=np.float32), words=WORDS),
        frame_s=0.04,
        said=tuple(Said(at_s=at_s, result=result) for at_s, result in said),
        finish_s=4.0,
        done_s=done_s,
        late_s=0.0,
    )


def test_a_final_is_late_since_the_last_word_and_since_the_frame_of_its_endpoint() -> None:
    first, second = recording(
        (1.7, final("ask not", 1.65, 0.5)), (3.9, final("what", 3.8, 3.0))
    ).endings()  # fmt: skip
    assert first.after_speech_s == pytest.approx(0.3)
    assert first.after_endpoint_s == pytest.approx(0.02)  # 1.65 s are complete with the frame that ends at 1.68 s
    assert second.after_speech_s == pytest.approx(0.4)


def test_a_final_that_no_silence_ended_is_late_for_nothing() -> None:
    heard = recording((1.7, final("ask not", 1.6, 0.5, "max_length")), (3.9, final("", 2.5, 2.0)))
    assert heard.endings() == []


def test_the_end_of_speech_is_clipped_to_the_endpoint() -> None:
    assert end_of_speech(WORDS, 0.0, 1.3) == pytest.approx(1.3)
    assert end_of_speech(WORDS, 1.4, 2.9) is None


def spoken(begin_s: float, end_s: float, answer: Result) -> list[tuple[float, Result]]:
    return [
        (begin_s, SpeechStarted(at_sample=round(begin_s * ENGINE_RATE))),
        (end_s, answer),
        (end_s, SpeechEnded(at_sample=round(end_s * ENGINE_RATE))),
    ]


def test_words_of_the_reference_lie_in_speech_with_a_final_or_are_unheard() -> None:
    first, second = spoken(0.6, 1.3, final("ask not", 1.6, 0.6)), spoken(3.0, 3.5, final("what", 3.8, 3.0))
    failed = spoken(3.0, 3.5, UtteranceFailed(end_sample=60_800, message="no"))
    assert recording(*first, *second).unheard_words() == 0
    assert recording(*first, *failed).unheard_words() == 1
    assert recording(*first).unheard_words() == 1
    assert recording().unheard_words() == 3


def test_words_are_missing_that_one_session_alone_was_given() -> None:
    alone = recording((1.7, final("ask not", 1.6, 0.6)), (3.9, final("what", 3.8, 3.0)))
    assert recording((1.7, final("ask what", 1.6, 0.6))).words_missing(alone) == 1
    assert alone.words_missing(alone) == 0


def test_promises_and_changes_are_counted_by_utterance() -> None:
    heard = recording(
        (1.0, partial("ask")),
        (1.3, partial("ask now", stable=3)),
        (1.7, final("ask not", 1.6, 0.6)),
        (3.4, partial("hot")),
        (3.9, final("what", 3.8, 3.0)),
    )
    assert heard.changed() == 2
    assert heard.promised_early() == (1, 3)
    assert heard.update_gaps() == [pytest.approx(0.3)]
    assert heard.commit_latencies() == [pytest.approx(1.3 - 1.1), pytest.approx(1.7 - 1.6), pytest.approx(3.9 - 3.8)]


def test_a_session_is_complete_when_it_ended_and_nothing_failed() -> None:
    assert recording().complete
    assert not recording(done_s=None).complete
    assert not recording((1.0, UtteranceFailed(end_sample=100, message="no"))).complete
