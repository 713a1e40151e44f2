"""Any event of the client, for hypothesis, and shorthands for single ones."""

from hypothesis import strategies as st

from auricle.core import (
    Ack,
    ClientEvent,
    Final,
    Flushed,
    Partial,
    Ready,
    Restarted,
    ServerInfo,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
    Word,
)

RATE = 16_000
READY_WITH_TURNS = Ready(seq=1, session="s", credit=0, server=ServerInfo(name="x", turn_detector="smart-turn"))
TEXTS = st.sampled_from(["", ".", " … ", "hello", "hello there", "hello there world", "7"])
TIMES = st.floats(0, 100).map(lambda seconds: round(seconds, 3))
WORDS = st.none() | st.lists(
    st.builds(Word, text=st.just("word"), start=TIMES, end=TIMES, confidence=st.none() | st.floats(0, 1)), max_size=3
).map(tuple)
EVENTS: st.SearchStrategy[ClientEvent] = st.one_of(
    st.builds(SpeechStart, seq=st.just(1), at=st.just(0), time=TIMES),
    st.builds(SpeechEnd, seq=st.just(1), at=st.just(0), time=TIMES),
    st.builds(
        Partial, segment=st.just(0), rev=st.just(1), text=TEXTS, start=TIMES, end=TIMES, words=WORDS,
        pause=st.none() | st.floats(0, 1),
        language=st.sampled_from([None, "en", "de"]),
    ),
    st.builds(
        Final, seq=st.just(1), segment=st.just(0), text=TEXTS, start=TIMES, end=TIMES, words=WORDS,
        confidence=st.floats(0, 1), audio=st.just((0, 1)), reason=st.just("endpoint"),
        language=st.sampled_from([None, "en", "de"]),
    ),
    st.builds(
        Ack, received=st.just(0), processed=TIMES.map(lambda seconds: int(seconds * RATE)), committed=st.just(0),
        credit=st.just(0), discard_before=st.just(0),
    ),
    st.builds(Flushed, seq=st.just(1), id=st.just("f"), upto=st.just(0)),
    st.builds(Restarted, origin_sample=st.just(0), lost_samples=st.just(0)),
    st.builds(
        TurnMaybeEnd, seq=st.just(1), turn=st.just(0), segments=st.just((0, 0)), text=TEXTS, at=st.just(0), time=TIMES,
    ),
    st.builds(TurnResumed, seq=st.just(1), turn=st.just(0), at=st.just(0), time=TIMES),
    st.builds(
        TurnEnd, seq=st.just(1), turn=st.just(0), segments=st.just((0, 0)), text=TEXTS, at=st.just(0), time=TIMES,
        trigger=st.just("model"),
    ),
    st.just(Ready(seq=1, session="s", credit=0, effective={"language": "fr"})),
    st.just(READY_WITH_TURNS),
)  # fmt: skip


def partial(text: str, end: float, words: tuple[Word, ...] | None = None, *, pause: float | None = None) -> Partial:
    return Partial(segment=0, rev=1, text=text, start=0.0, end=end, words=words, pause=pause)


def final(text: str, start: float, end: float, language: str | None = None) -> Final:
    return Final(
        seq=1, segment=0, text=text, start=start, end=end, confidence=0.5, audio=(0, 1), reason="endpoint",
        language=language,
    )  # fmt: skip


def heard_until(seconds: float) -> Ack:
    return Ack(received=0, processed=int(seconds * RATE), committed=0, credit=0, discard_before=0)
