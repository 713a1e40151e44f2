"""The Deepgram dialect as a pure translation: its query, its messages, its close codes, and audio cut in any way."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.core import Limits, ServerInfo, ServerSession
from auricle.core.messages import Start
from auricle.core.outputs import CloseTransport, Transmit
from auricle.core.parts import Word
from auricle.core.session import Outputs
from auricle.server.dialects.deepgram import open_listen
from auricle.server.dialects.deepgram_results import alternative, bare
from auricle.server.dialects.handshake import Handshake, Opening, Refused
from server.dialects.any_messages import PARAMETERS, VALUES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def opened(query: str, **rest: Any) -> Opening:
    opening = open_listen(Handshake(session_id="s1", query=query, created=NOW, **rest))
    assert isinstance(opening, Opening), opening
    return opening


def start_of(query: str) -> Start:
    (start,) = opened(query).messages
    assert isinstance(start, Start)
    return start


class Session:
    """A session of the core in this dialect, whose engine is the test."""

    def __init__(self, query: str) -> None:
        opening = opened(query)
        self.core = ServerSession(None, now=0.0, limits=opening.limits, dialect=opening.dialect)
        self.said: list[dict[str, Any]] = []
        self.close: tuple[int, str] | None = None
        self.take(self.core.begin(opening.messages, now=0.0))
        self.take(self.core.accept("s1", ServerInfo(name="test", model="m"), now=0.0))

    def take(self, outputs: Outputs) -> list[dict[str, Any]]:
        new = [json.loads(output.frame) for output in outputs if isinstance(output, Transmit)]
        self.said += new
        self.close = next(((o.code, o.reason) for o in outputs if isinstance(o, CloseTransport)), self.close)
        return new

    def hear(self, frame: str | bytes) -> list[dict[str, Any]]:
        return self.take(self.core.receive(frame, now=1.0))


@pytest.mark.parametrize(
    ("query", "audio"),
    [
        ("encoding=linear16&sample_rate=8000", ("pcm_s16le", 8_000)),
        ("encoding=linear16&sample_rate=16000.0", ("pcm_s16le", 16_000)),
        ("encoding=mulaw", ("mulaw", 8_000)),
        ("encoding=ALAW&sample_rate=16000", ("alaw", 16_000)),
        ("encoding=opus&sample_rate=48000", ("pcm_s16le", 16_000)),
        ("", ("pcm_s16le", 16_000)),
    ],
)
def test_the_audio_that_a_query_names(query: str, audio: tuple[str, int]) -> None:
    start = start_of(query)
    assert (start.audio.encoding, start.audio.sample_rate) == audio


@pytest.mark.parametrize(
    ("asked", "tag"),
    [("en-US", "en-US"), ("en_US", "en-US"), ("multi", None), ("", None), ("German", "de"), ("auto", None)],
)
def test_the_language_that_a_query_names(asked: str, tag: str | None) -> None:
    assert start_of(f"encoding=linear16&language={asked}").language == tag
    assert start_of(f"encoding=linear16&language={asked}&detect_language=true").language is None


@pytest.mark.parametrize(
    ("query", "languages"),
    [
        ("language_hint=en&language_hint=pt_BR", ("en", "pt-BR")),
        ("language=multi&language_hint=en,German", ("en", "de")),
        ("language=fr&language_hint=en", ()),
        ("detect_language=en&detect_language=es", ("en", "es")),
        ("detect_language=true", ()),
    ],
)
def test_the_languages_among_which_one_is_detected(query: str, languages: tuple[str, ...]) -> None:
    assert start_of(f"encoding=linear16&{query}").languages == languages


OFF = ("callback", "multichannel", "channels", "diarize", "numerals", "redact", "search", "interim_results")


@pytest.mark.parametrize("value", ["false", "False", "0", ""])
def test_what_is_switched_off_is_accepted_without_a_word(value: str) -> None:
    opening = opened("encoding=linear16&channels=1.0&" + "&".join(f"{name}={value}" for name in OFF))
    assert opening.dialect.options.warnings == ()  # type: ignore[attr-defined]


def test_what_is_asked_for_and_not_done_is_said_and_what_nobody_knows_is_not() -> None:
    asked = ("paragraphs=true", "extra=room:7", "search=pebble", "summarize=v2", "tag=night", "no_delay=true", "new=1")
    opening = opened("encoding=linear16&" + "&".join(asked))
    warned = {warning.parameter for warning in opening.dialect.options.warnings}  # type: ignore[attr-defined]
    assert warned == {"paragraphs", "extra", "search", "summarize"}


@pytest.mark.parametrize(
    ("frame", "ends"),
    [
        (b"", True),
        (b"\0", False),
        ('{"type":"CloseStream"}', True),
        (f'{{"note":"{"x" * 200}","type":"CloseStream"}}', True),
        ('{"type":"Configure","keyterms":["CloseStream"]}', False),
        ("CloseStream", False),
    ],
)
def test_what_ends_compressed_audio(frame: str | bytes, ends: bool) -> None:
    media = opened("").media
    assert media is not None
    assert media.is_end(frame) is ends


def test_a_configure_has_room_for_as_many_keyterms_as_there_may_be() -> None:
    session = Session("encoding=linear16")
    terms = [f"{number:0200}" for number in range(500)]
    assert session.hear(json.dumps({"type": "Configure", "keyterms": terms})) == []
    (done,) = session.take(session.core.configured("configure-1", now=2.0))
    assert done["keyterms"] == terms


@pytest.mark.parametrize(
    ("asked", "silence_ms", "is_told"),
    [("25", None, True), ("false", None, False), ("300", 300, False), ("99999", 10_000, False), ("soon", None, True)],
)
def test_the_pause_that_ends_an_utterance(asked: str, silence_ms: int | None, is_told: bool) -> None:
    opening = opened(f"encoding=linear16&endpointing={asked}")
    assert start_of(f"encoding=linear16&endpointing={asked}").endpointing.silence_ms == silence_ms
    warned = [warning.parameter for warning in opening.dialect.options.warnings]  # type: ignore[attr-defined]
    assert ("endpointing" in warned) is is_told


def test_pauses_are_not_told_where_endpointing_is_off() -> None:
    for query, ends in (("endpointing=false", False), ("endpointing=300", True)):
        session = Session(f"encoding=linear16&{query}")
        session.hear(bytes(32_000))
        (final,) = session.take(
            session.core.final(
                "Hello.", end_sample=16_000, start_s=0.0, end_s=1.0, confidence=0.5, reason="endpoint", now=2.0
            )
        )
        assert (final["is_final"], final["speech_final"], final["from_finalize"]) == (True, ends, False)


def test_capitals_and_punctuation_only_where_they_are_asked_for() -> None:
    words = (Word(text="Don't", start=0.0, end=0.1), Word(text="stop!", start=0.1, end=0.2, confidence=0.25))
    plain = alternative("Don't stop!", words, 0.5, formatted=False)
    shown = alternative("Don't stop!", words, 0.5, formatted=True)
    assert (plain["transcript"], shown["transcript"]) == ("don't stop", "Don't stop!")
    assert plain["words"] == shown["words"]
    assert [(word["word"], word["punctuated_word"], word["confidence"]) for word in plain["words"]] == [
        ("don't", "Don't", 0.5),
        ("stop", "stop!", 0.25),
    ]
    assert bare(" — ") == "—", "a word of marks alone stays a word"


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ("no json", "not JSON"),
        ("[]", "one JSON object"),
        ('{"type":"Dance"}', "'Dance'"),
        ("{}", "None"),
        ('{"type":"Configure","keyterms":"x"}', "list of strings"),
    ],
)
def test_what_is_no_message_is_answered_and_ends_nothing(frame: str, what: str) -> None:
    session = Session("encoding=linear16")
    (error,) = session.hear(frame)
    assert (error["type"], error["variant"]) == ("Error", "SchemaError")
    assert what in error["description"]
    assert session.hear('{"type":"KeepAlive"}') == []
    assert session.core.closed is None


def test_a_change_waits_for_the_one_before_it() -> None:
    session = Session("encoding=linear16&keyterm=a")
    assert session.hear('{"type":"Configure","features":{"numerals":true}}')[0]["keyterms"] == ["a"]
    assert session.hear('{"type":"Configure","keyterms":["b"]}') == []
    (refused,) = session.hear('{"type":"Configure","keyterms":["c"]}')
    assert (refused["type"], refused["code"]) == ("ConfigureFailure", "CONFIGURE_ALREADY_PENDING")
    (done,) = session.take(session.core.configured("configure-1", now=2.0))
    assert (done["type"], done["keyterms"]) == ("ConfigureSuccess", ["b"])


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("idle", (1011, "NET-0001")),
        ("invalid_config", (1008, "DATA-0000")),
        ("unsupported_language", (1008, "DATA-0000")),
        ("too_large", (1009, "too_large")),
        ("engine_failed", (1011, "NET-0000")),
        ("capacity", (1013, "capacity")),
    ],
)
def test_every_error_comes_before_a_close_code_of_theirs(code: str, ended: tuple[int, str]) -> None:
    session = Session("encoding=linear16")
    session.take(session.core.fail(code, "no more", now=2.0))
    assert session.said[-1]["type"] == "Error"
    assert session.said[-1]["code"] == code
    assert session.close == ended


def test_what_was_warned_of_is_in_the_metadata() -> None:
    session = Session("encoding=linear16&diarize=true&diarize_model=latest&redact=pci&numerals=false")
    session.hear(bytes(32_001))
    session.hear('{"type":"CloseStream"}')
    session.hear(bytes(100))
    session.take(session.core.progress(16_000, now=2.0))
    (metadata,) = session.take(session.core.finish(now=3.0))
    warned = {warning["parameter"] for warning in metadata["warnings"]}
    assert warned == {"diarize", "diarize_model", "redact", "odd_bytes_dropped", "late_audio"}
    assert session.close == (1000, "")


@given(st.lists(st.integers(1, 700_000), min_size=1, max_size=4))
def test_frames_of_any_length_are_taken_piece_by_piece(lengths: list[int]) -> None:
    session = Session("encoding=mulaw")
    for length in lengths:
        session.hear(bytes(length))
    assert session.core.closed is None
    assert session.core.snapshot.received == sum(lengths)


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=3))
def test_any_query_is_opened_or_refused(query: str, subprotocols: list[str]) -> None:
    handshake = Handshake(session_id="s", query=query, created=NOW, subprotocols=tuple(subprotocols))
    opening = open_listen(handshake)
    assert isinstance(opening, Opening | Refused)


@given(st.lists(st.tuples(st.sampled_from(PARAMETERS), VALUES), max_size=12))
def test_any_parameters_are_opened_or_refused(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    opening = open_listen(Handshake(session_id="s", query=query, created=NOW, limits=Limits()))
    assert isinstance(opening, Opening | Refused)
