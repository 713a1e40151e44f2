"""What the cluster's bench counts: each wrong word for what it is, and no delay of a session that heard wrong."""

import pytest
from cluster.talking import SPEECH_S, UTTERANCE_S, Heard, compare, script
from fault_injection.listening.engine import text_of

SAID = [script(3, utterance) for utterance in range(3)]
FINALS = [(UTTERANCE_S * index + SPEECH_S + 0.25, text_of(words)) for index, words in enumerate(SAID)]


def compared(finals: list[tuple[float, str]]) -> Heard:
    heard = Heard()
    compare(heard, SAID, finals)
    return heard


def test_delays_are_from_the_end_of_speech() -> None:
    heard = compared(FINALS)
    assert heard.words == 6
    assert heard.delays_s == pytest.approx([0.25] * 3)
    assert (heard.missing, heard.doubled, heard.strange, heard.disordered) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("finals", "counts"),
    [
        (FINALS[:2], (2, 0, 0, 0)),
        ([*FINALS, FINALS[2]], (0, 2, 0, 0)),
        ([*FINALS, (9.0, text_of(script(4, 0)))], (0, 0, 2, 0)),
        ([FINALS[1], FINALS[0], FINALS[2]], (0, 0, 0, 1)),
        ([(FINALS[0][0], f"{FINALS[0][1]} {FINALS[1][1]}"), FINALS[2]], (0, 0, 0, 1)),
        ([(FINALS[0][0], "w1"), *FINALS[1:]], (2, 0, 1, 0)),
    ],
    ids=["missing", "doubled", "another session's", "out of order", "two in one", "wrong"],
)
def test_whatever_is_wrong_is_counted_for_what_it_is(
    finals: list[tuple[float, str]], counts: tuple[int, int, int, int]
) -> None:
    heard = compared(finals)
    assert (heard.missing, heard.doubled, heard.strange, heard.disordered) == counts
    assert heard.delays_s == []


def test_no_two_sessions_have_a_word_in_common_and_none_is_too_large() -> None:
    said = {session: {word for number in range(300) for word in script(session, number)} for session in range(50)}
    assert len(set().union(*said.values())) == sum(map(len, said.values()))
    assert max(max(words) for words in said.values()) < 2**15
    with pytest.raises(ValueError, match="600 words"):
        script(0, 300)
