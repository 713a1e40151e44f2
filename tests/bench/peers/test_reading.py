"""When words were there to be read, and what a row of the bench of peers says of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from clips import Clip, Tape, Word
from hypothesis import given
from hypothesis import strategies as st
from peers.measures import BOUND_S, held, is_held, rung
from peers.reading import read
from peers.sessions import Session, Shown

from auricle.engines.protocol import ENGINE_RATE

RED, GREEN = "red apple", "green pear tree"


def clip(text: str, seconds: float | None = None) -> Clip:
    """A word a second, which ends in the middle of its second."""
    words = text.split()
    return Clip(
        name=text,
        samples=np.zeros(round((seconds or len(words)) * ENGINE_RATE), dtype=np.float32),
        text=text,
        words=tuple(Word(text=word, start_s=n, end_s=n + 0.5) for n, word in enumerate(words)),
    )


def tape(*texts: str) -> Tape:
    """A second of silence before each clip."""
    words, position_s = [], 1.0
    clips = [clip(text) for text in texts]
    for each in clips:
        words += [word.at(position_s) for word in each.words]
        position_s += each.seconds + 1.0
    return Tape(samples=np.zeros(round(position_s * ENGINE_RATE), np.float32), clips=tuple(clips), words=tuple(words))


def session(shown: Sequence[tuple[float, str, str]], *texts: str, **more: Any) -> Session:
    return Session(tape=tape(*(texts or (RED, GREEN))), shown=[Shown(*one) for one in shown], **more)


def test_words_are_settled_when_nothing_before_them_changes_any_more() -> None:
    """The words of this tape end at 1.5 and 2.5 s, and at 4.5, 5.5 and 6.5 s."""
    found = read(
        session(
            [
                (1.8, "", "Bread"),
                (2.7, "", "Red apple."),
                (3.5, "Red apple.", ""),
                (5.0, "Red apple.", "Green"),
                (7.0, "Red apple.", "Green bear tree."),
                (7.2, "Red apple.", "Green pear tree"),
                (8.0, "Red apple. Green pear tree.", ""),
            ]
        )
    )
    assert found.errors.count == 0
    assert found.first_word_s == pytest.approx((1.8 - 1.5, 5.0 - 4.5))
    assert found.settled_s == pytest.approx((2.7 - 2.5, 7.2 - 6.5))
    assert found.told_final_s == pytest.approx((3.5 - 2.5, 8.0 - 6.5))


def test_what_is_taken_back_was_not_settled_although_it_was_right() -> None:
    found = read(session([(2.6, "", "red apple"), (3.0, "", "red maple"), (9.0, "red apple", "")], RED))
    assert found.settled_s == pytest.approx((9.0 - 2.5,))


def test_what_a_server_called_final_and_then_changed_was_not_final() -> None:
    found = read(session([(2.6, "red apple", ""), (3.0, "red maple", ""), (4.0, "red apple", "")], RED))
    assert found.told_final_s == pytest.approx((4.0 - 2.5,))


def test_text_that_is_never_called_final_is_heard_all_the_same() -> None:
    found = read(session([(2.6, "", "red apple")], RED))
    assert found.errors.count == 0
    assert found.settled_s
    assert not found.told_final_s


def test_an_utterance_whose_last_word_is_wrong_has_no_delay_of_its_end() -> None:
    found = read(session([(8.0, "red maple green pear tree", "")]))
    assert len(found.first_word_s) == 2
    assert found.settled_s == pytest.approx((8.0 - 6.5,))


def test_text_that_is_too_much_before_an_utterance_is_not_its_first() -> None:
    shown = [(2.6, "", "red apple or so"), (5.0, "", "red apple green"), (8.0, "red apple green pear tree", "")]
    assert read(session(shown)).first_word_s[1] == pytest.approx(5.0 - 4.5)


def test_a_session_that_showed_nothing_has_lost_all_its_words() -> None:
    found = read(session([]))
    assert (found.errors.deletions, found.errors.words) == (5, 5)
    assert not found.settled_s


STEPS = st.lists(st.tuples(st.floats(0.0, 0.5), st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=12)


@given(STEPS)
def test_nothing_is_final_before_it_is_settled(steps: list[tuple[float, int, int, bool]]) -> None:
    words, at_s, shown = f"{RED} {GREEN}".split(), 6.5, []
    for after_s, final, more, is_wrong in steps:
        at_s += after_s
        shown.append((at_s, " ".join(words[:final]), "plum" if is_wrong else " ".join(words[final : final + more])))
    shown.append((at_s + 0.1, " ".join(words), ""))
    found = read(session(shown))
    assert len(found.told_final_s) == len(found.settled_s) == 2
    for told, settled in zip(found.told_final_s, found.settled_s, strict=True):
        assert told >= settled


def test_a_row_counts_lost_words_and_sessions_that_never_ended() -> None:
    good = session([(2.6, "red apple", "")], RED, input_end_s=4.0, done_s=4.25)
    gone = session([(1.6, "", "red")], RED, failure="it closed")
    row = rung([good, gone], 2, cpu_s=3.0, plain_cpu_s=1.5)
    assert (row["ended"], row["sessions"], row["failures"]) == (1, 2, ["it closed"])
    assert (row["errors"]["deletions"], row["errors"]["words"]) == (1, 4)
    assert row["end_s"]["p50"] == 0.25
    assert row["cpu_x"] == 2.0
    assert not is_held(row)
    assert is_held(rung([good], 1, cpu_s=1.0, plain_cpu_s=1.0))


def test_sessions_are_held_as_far_as_every_fewer_are_too() -> None:
    def row(at_once: int, p95: float | None) -> dict[str, Any]:
        return {"at_once": at_once, "ended": at_once, "sessions": at_once, "settled_s": {"p95": p95}}

    assert held([row(8, 0.5), row(4, BOUND_S + 0.1), row(1, 0.5)]) == 1
    assert held([row(1, 0.5), row(4, BOUND_S), row(8, 2.0)]) == 4
    assert held([row(1, None)]) == 0
