"""LocalAgreement-2 of the naive baseline."""

from agreement import Agreement, Timed


def hypothesis(text: str, start_s: float = 0.0) -> list[Timed]:
    return [
        Timed(text=word, start_s=start_s + index * 0.5, end_s=start_s + index * 0.5 + 0.5)
        for index, word in enumerate(text.split())
    ]


def said(words: list[Timed]) -> str:
    return " ".join(word.text for word in words)


def test_a_word_is_committed_when_two_hypotheses_agree_on_it() -> None:
    agreement = Agreement()
    agreement.insert(hypothesis("ask not"))
    assert (said(agreement.committed), said(agreement.tail)) == ("", "ask not")
    agreement.insert(hypothesis("Ask, now what"))
    assert (said(agreement.committed), said(agreement.tail)) == ("Ask,", "now what")
    agreement.insert(hypothesis("ask not what"))
    assert (said(agreement.committed), said(agreement.tail)) == ("Ask,", "not what")


def test_committed_words_that_are_heard_again_are_dropped_by_their_time() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.insert(hypothesis("ask not what"))
    agreement.insert(hypothesis("ask not what your"))
    assert said(agreement.tail) == "your"


def test_committed_words_that_are_heard_again_later_are_dropped_by_their_text() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.insert(hypothesis("ask not what"))
    agreement.insert(hypothesis("not what your country", start_s=1.45))
    assert said(agreement.tail) == "your country"


def test_the_last_hypothesis_is_taken_as_it_is() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.insert(hypothesis("ask not"))
    agreement.conclude(hypothesis("ask not what"))
    assert said(agreement.committed) == "ask not what"
    assert agreement.tail == []


def test_two_empty_hypotheses_agree_on_nothing() -> None:
    agreement = Agreement()
    agreement.insert([])
    agreement.insert(hypothesis("ask"))
    agreement.insert([])
    assert agreement.committed == []
