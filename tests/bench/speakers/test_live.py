"""Who a live client was told: at once, and at last."""

from speakers.live import of_events

from auricle.core import Annotate, Final, SpeakerSpan, Word


def final(segment: int, *starts: float) -> Final:
    words = tuple(Word(text="w", start=start, end=start + 0.5) for start in starts)
    return Final(
        seq=1, segment=segment, text="", start=0.0, end=9.0, confidence=1.0, audio=(0, 1), reason="endpoint",
        words=words,
    )  # fmt: skip


def annotate(segment: int, *spans: tuple[str, float, float]) -> Annotate:
    said = tuple(SpeakerSpan(speaker=name, start=start, end=end) for name, start, end in spans)
    return Annotate(seq=1, segment=segment, speakers=said)


def test_a_word_is_of_the_one_in_whose_span_its_middle_lies() -> None:
    live = of_events(
        [
            final(0, 0.0, 0.5),
            annotate(0, ("A", 0.0, 1.0)),
            final(1, 2.0, 2.6),
            annotate(1, ("A", 2.0, 3.1)),
            annotate(1, ("A", 2.0, 2.5), ("B", 2.6, 3.1)),
            final(2, 4.0),
        ]
    )
    assert [word.start for word in live.words] == [0.0, 0.5, 2.0, 2.6, 4.0]
    assert live.first == ["A", "A", "A", "A", ""]
    assert live.last == ["A", "A", "A", "B", ""]
