"""`EventTranslator`: from any events of the client to well-formed speech events."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins.auricle.events import EventTranslator

from auricle.core import (
    ClientEvent,
    Final,
    Ready,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
    Word,
)
from livekit_plugin.client_events import EVENTS, READY_WITH_TURNS, final, heard_until, partial
from livekit_plugin.harness import Heard


def translator(*, language: str | None = None) -> EventTranslator:
    return EventTranslator(
        language=language,
        start_wall_time=lambda at_s: 1000 + at_s,
        end_wall_time=lambda at_s: 1000 + at_s,
        wants_turns=True,
    )


def told(translator: EventTranslator, events: Sequence[ClientEvent]) -> list[SpeechEvent]:
    return [*(speech for event in events for speech in translator.translate(event)), *translator.close()]


@given(st.lists(EVENTS, max_size=20))
def test_any_story_is_well_formed(events: list[ClientEvent]) -> None:
    speech = told(translator(), events)
    Heard(events=speech).check()
    words = [event for event in events if isinstance(event, Final) and any(c.isalnum() for c in event.text)]
    finals = [event for event in speech if event.type == SpeechEventType.FINAL_TRANSCRIPT]
    assert [event.alternatives[0].text for event in finals] == [event.text for event in words], "no final is lost"


@given(st.lists(EVENTS, max_size=20))
def test_a_preflight_is_what_was_said_last_and_comes_once(events: list[ClientEvent]) -> None:
    last: str | None = None
    for event in told(translator(), events):
        if event.type == SpeechEventType.INTERIM_TRANSCRIPT:
            last = event.alternatives[0].text
        elif event.type == SpeechEventType.PREFLIGHT_TRANSCRIPT:
            assert event.alternatives[0].text == last
            last = None
        elif event.type in (SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH):
            last = None


@given(st.lists(EVENTS, max_size=20), st.sampled_from(["en", "de-CH"]))
def test_the_language_is_concrete_where_anybody_knows_it(events: list[ClientEvent], language: str) -> None:
    assert all(said.language for event in told(translator(language=language), events) for said in event.alternatives)


def test_an_utterance_in_full() -> None:
    word = Word(text="hello", start=0.1, end=0.4, confidence=0.9)
    one = translator()
    one.offset_s = 50.0
    speech = told(
        one,
        [
            Ready(seq=1, session="s", credit=0, effective={"language": "en"}),
            SpeechStart(seq=2, at=1600, time=0.1),
            partial("hel", 0.2),
            partial("hello", 0.5, (word,)),
            heard_until(0.6),
            heard_until(0.7),
            partial("hello", 0.5, pause=0.25),
            heard_until(0.9),
            final("hello", 0.1, 0.4, "en"),
            SpeechEnd(seq=4, at=6400, time=0.4),
        ],
    )
    assert [event.type.value for event in speech] == [
        "start_of_speech",
        "interim_transcript",
        "interim_transcript",
        "preflight_transcript",
        "final_transcript",
        "end_of_speech",
    ]
    said = speech[4].alternatives[0]
    assert (said.text, said.start_time, said.end_time, said.language) == ("hello", 50.1, 50.4, "en")
    assert speech[2].alternatives[0].words[0].start_time == 50.1  # type: ignore[index]
    assert speech[0].speech_start_time == 1000.1
    assert getattr(speech[5], "speech_end_time", 1000.4) == 1000.4, "wherever the release has it"
    assert {event.request_id for event in speech} == {"s"}


def test_speech_that_goes_on_makes_a_preflight_stale() -> None:
    speech = told(translator(), [partial("one", 0.5), partial("one", 0.5, pause=0.3), partial("one two", 1.2)])
    assert [event.type.value for event in speech] == [
        "start_of_speech",
        "interim_transcript",
        "preflight_transcript",
        "interim_transcript",
        "end_of_speech",
    ]


def test_time_that_passes_is_no_pause_of_the_speaker() -> None:
    speech = told(translator(), [partial("one", 0.5), heard_until(9.0)])
    assert "preflight_transcript" not in [event.type.value for event in speech]


def test_a_text_is_offered_once_however_often_the_speaker_pauses_behind_it() -> None:
    pauses = [partial("one", 0.5, pause=0.3), partial("one", 0.7, pause=0.3)]
    kinds = [event.type.value for event in told(translator(), pauses)]
    assert kinds == ["start_of_speech", "interim_transcript", "preflight_transcript", "end_of_speech"]
    kinds = [event.type.value for event in told(translator(), [pauses[0], partial("one t", 0.8), pauses[1]])]
    assert kinds.count("preflight_transcript") == 2, "a text that was something else in between is offered again"


def test_a_server_without_speech_events_has_them_implied() -> None:
    speech = told(translator(), [final("one", 0.0, 0.5), final(".", 0.5, 0.6), final("two", 1.0, 1.5)])
    kinds = [event.type.value for event in speech]
    assert kinds == ["start_of_speech", "final_transcript", "end_of_speech"] * 2


# ---------------------------------------------------------------------------- servers that tell turns


def maybe(text: str, at_s: float) -> TurnMaybeEnd:
    return TurnMaybeEnd(seq=1, turn=0, segments=(0, 1), text=text, at=0, time=at_s, confidence=0.9)


def end(text: str, at_s: float) -> TurnEnd:
    return TurnEnd(seq=1, turn=0, segments=(0, 1), text=text, at=0, time=at_s, trigger="model")


def speech(start_s: float) -> SpeechStart:
    return SpeechStart(seq=1, at=0, time=start_s)


def silence(end_s: float) -> SpeechEnd:
    return SpeechEnd(seq=1, at=0, time=end_s)


def kinds(events: Sequence[SpeechEvent]) -> list[tuple[str, str]]:
    return [(event.type.value, event.alternatives[0].text if event.alternatives else "") for event in events]


A_TURN: tuple[ClientEvent, ...] = (
    READY_WITH_TURNS,
    speech(0.1),
    partial("I would", 0.9),
    partial("I would", 0.9, pause=0.3),
    final("I would", 0.1, 0.9),
    silence(0.9),
    speech(1.7),
    partial("like tea", 2.4),
    maybe("I would like tea", 2.4),
    final("like tea", 1.7, 2.4),
    silence(2.4),
    end("I would like tea", 2.4),
)


def test_a_sentence_with_a_breath_in_it_is_one_turn() -> None:
    told_events = told(translator(), A_TURN)
    assert kinds(told_events) == [
        ("start_of_speech", ""),
        ("interim_transcript", "I would"),
        ("final_transcript", "I would"),
        ("interim_transcript", "like tea"),
        ("preflight_transcript", "like tea"),
        ("final_transcript", "like tea"),
        ("end_of_speech", ""),
    ]
    assert getattr(told_events[-1], "speech_end_time", 1002.4) == 1002.4, "wherever the release has it"


def test_a_server_that_tells_no_turns_is_heard_as_before() -> None:
    before = (Ready(seq=1, session="s", credit=0), *A_TURN[1:])
    assert [kind for kind, _ in kinds(told(translator(), before))].count("end_of_speech") == 2
    assert ("preflight_transcript", "I would") in kinds(told(translator(), before))


def test_speech_in_which_nothing_was_heard_ends_at_once() -> None:
    assert kinds(told(translator(), (READY_WITH_TURNS, speech(0.1), silence(0.4))))[-1][0] == "end_of_speech"
    assert len(translator().translate(speech(0.1))) == 1


def test_what_may_be_over_is_offered_also_without_partials_and_not_twice() -> None:
    events = (READY_WITH_TURNS, speech(0.1), maybe("one", 0.5), maybe("one", 0.5), final("one", 0.1, 0.5))
    assert [kind for kind, _ in kinds(told(translator(), events))] == [
        "start_of_speech", "interim_transcript", "preflight_transcript", "final_transcript", "end_of_speech",
    ]  # fmt: skip
    resumed = TurnResumed(seq=1, turn=0, at=0, time=0.9)
    more = (*events[:3], resumed, partial("one two", 1.2), maybe("one two", 1.2))
    offered = [text for kind, text in kinds(told(translator(), more)) if kind == "preflight_transcript"]
    assert offered == ["one", "one two"]


def test_a_session_that_is_lost_begins_the_turn_anew() -> None:
    one = translator()
    events = [*A_TURN[:6], Ready(seq=1, session="t", credit=0, server=READY_WITH_TURNS.server), *A_TURN[6:8]]
    speech_events = [event for sent in events for event in one.translate(sent)]
    assert one.speaking, "the sentence goes on"
    assert one.translate(maybe("like tea", 2.4))[-1].alternatives[0].text == "like tea"
    assert len(kinds(speech_events)) == 4
