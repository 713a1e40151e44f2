"""Transcripts on paper: what each format says, and what no text can make it say."""

import io
import json
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import validate
from private_folders import private
from rich.cells import cell_len

from auricle.core.events import Accounting
from auricle.core.messages import Final
from auricle.core.parts import FinalDetails, ServerInfo, Word
from auricle.server.cli.summary import Summary
from auricle.server.printable import encodable, printable, valid_unicode
from auricle.server.transcripts.formats import Format, render, render_together, render_words, timestamp
from auricle.server.transcripts.subtitle_cues import Cue, cues
from auricle.server.transcripts.subtitle_pieces import LINE_COLUMNS, pieces
from auricle.server.transcripts.subtitle_times import MAX_CUE_MS
from auricle.server.transcripts.transcript import Transcript
from auricle.server.transcripts.weak_words import weak_words

TIMES = re.compile(r"(\d\d+):(\d\d):(\d\d)[.,](\d\d\d) --> (\d\d+):(\d\d):(\d\d)[.,](\d\d\d)")


def final(text: str, start: float = 0.0, end: float = 1.0, **more: Any) -> Final:
    return Final(
        seq=1, segment=0, text=text, start=start, end=end, confidence=0.9, audio=(0, 1), reason="endpoint", **more
    )


def spoken(text: str, start: float = 0.0, step: float = 0.4) -> Final:
    """Return a final whose words last ``step`` seconds each."""
    words = tuple(
        Word(text=word, start=start + step * index, end=start + step * (index + 1))
        for index, word in enumerate(text.split())
    )
    return final(text, start, start + step * len(words), words=words)


def transcript(*finals: Final, file: str = "hello.wav") -> Transcript:
    return Transcript(file=file, finals=finals, duration_s=3.5, complete=True)


def parsed(document: str) -> list[Cue]:
    """Read SRT or WebVTT back, as a player would."""
    found = []
    for block in document.removeprefix("WEBVTT\n").split("\n\n"):
        lines = [each for each in block.split("\n") if each]
        at = next((index for index, each in enumerate(lines) if TIMES.fullmatch(each)), None)
        if at is None:
            assert not lines
            continue
        hours, minutes, seconds, ms, *rest = map(int, TIMES.fullmatch(lines[at]).groups())  # type: ignore[union-attr]
        start = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        hours, minutes, seconds, ms = rest
        end = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        found.append(Cue(start=start, end=end, lines=tuple(lines[at + 1 :])))
    return found


seconds = st.floats(0, 400_000, allow_nan=False)
text = st.text(st.characters(codec="utf-8") | st.sampled_from(" .,!?<>&-\n字é"), max_size=120)


@st.composite
def finals(draw: st.DrawFn) -> Final:
    said = draw(text)
    start, length = draw(seconds), draw(st.floats(0, 40))
    words = None
    if draw(st.booleans()):
        each = said.split() if draw(st.booleans()) else draw(st.lists(text, max_size=4))
        words = tuple(Word(text=word, start=draw(seconds), end=draw(seconds)) for word in each)
    return final(said, start, start + length, words=words)


# ------------------------------------------------------------------------------------------------ text and JSON


def test_text_is_a_line_a_final() -> None:
    said = transcript(final("hello and welcome"), final("  "), final("it\nends\there "), final("\x1b"))
    assert render(said, Format.TEXT) == "hello and welcome\nit ends here\n"
    assert render(transcript(), Format.TEXT) == ""


def test_several_texts_have_headings() -> None:
    both = [transcript(final("one"), file="a.wav"), transcript(file="b\n.wav"), transcript(final("two"), file="c.wav")]
    assert render_together(both, Format.TEXT) == "# a.wav\none\n# b .wav\n# c.wav\ntwo\n"


def test_json_says_everything() -> None:
    accounting = Accounting(
        offered=9, sent=9, received=9, processed=9, committed=9, non_speech=0, dropped=0, late=0, segments=1, words=1
    )  # fmt: skip
    word = Word(text="héllo", start=0.1234567, end=0.9, confidence=0.5)
    details = FinalDetails(avg_logprob=-0.25, no_speech_prob=0.01)
    said = Transcript(
        file="hello.wav",
        finals=(final("héllo", 0.1234567, 0.9, words=(word,), details=details),),
        duration_s=1.00049,
        complete=True,
        accounting=accounting,
        engine=ServerInfo(name="sphinx", model="en-us"),
    )
    assert json.loads(render(said, Format.JSON)) == {
        "file": "hello.wav",
        "language": None,
        "duration_s": 1.0,
        "complete": True,
        "partial": False,
        "accounting": {
            "offered": 9, "sent": 9, "received": 9, "processed": 9, "committed": 9, "non_speech": 0,
            "gap": 0, "dropped": 0,
            "late": 0, "segments": 1, "words": 1,
        },
        "engine": {"name": "sphinx", "version": None, "model": "en-us", "device": None},
        "text": "héllo",
        "segments": [
            {
                "segment": 0, "start": 0.123, "end": 0.9, "text": "héllo", "confidence": 0.9, "language": None,
                "details": {"avg_logprob": -0.25, "no_speech_prob": 0.01, "doubtful": None},
                "words": [{"text": "héllo", "start": 0.123, "end": 0.9, "confidence": 0.5, "speaker": None}],
            }
        ],
    }  # fmt: skip
    assert "héllo" in render(said, Format.JSON)


def test_json_of_several_is_an_array_and_of_a_legacy_server_has_nulls() -> None:
    legacy = Transcript(file="b.wav", finals=(), complete=None)
    both = json.loads(render_together([transcript(final("one")), legacy], Format.JSON))
    assert [each["file"] for each in both] == ["hello.wav", "b.wav"]
    assert both[1]["complete"] is None
    assert both[1]["accounting"] is None
    assert both[0]["segments"][0]["words"] is None


@given(st.text())
def test_json_is_whole_and_harmless_whatever_the_name(file: str) -> None:
    document = render(transcript(file=file), Format.JSON)
    assert json.loads(document)["file"] == valid_unicode(file)
    json.loads(document)["file"].encode("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", document)


def test_a_name_that_is_not_utf_8_is_valid_in_json() -> None:
    assert valid_unicode(os.fsdecode(b"caf\xe9.wav")) == "caf\N{REPLACEMENT CHARACTER}.wav"
    assert valid_unicode("café.wav") == "café.wav"


SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "transcript.schema.json").read_text(encoding="utf-8"))


@given(st.lists(finals(), max_size=3), st.sampled_from([True, False, None]), st.booleans())
def test_json_is_as_its_schema_says(said: list[Final], complete: bool | None, interrupted: bool) -> None:
    one = Transcript(file="a.wav", finals=tuple(said), duration_s=1.5, complete=complete, interrupted=interrupted)
    validate(json.loads(render(one, Format.JSON)), SCHEMA)
    validate(json.loads(render_together([one, one], Format.JSON)), SCHEMA)


def test_the_language_is_the_one_spoken_most() -> None:
    said = transcript(final("ja", 0, 1, language="de"), final("well then", 1, 4, language="en"), final("x", 4, 9))
    assert json.loads(render(said, Format.JSON))["language"] == "en"
    assert json.loads(render(said, Format.JSON))["segments"][0]["language"] == "de"


# ------------------------------------------------------------------------------------------------ tables and lyrics


def test_a_table_has_milliseconds() -> None:
    said = transcript(spoken("hello\tand welcome", 1.5), spoken("every", 3661.5))
    assert render(said, Format.TSV) == "start\tend\ttext\n1500\t2700\thello and welcome\n3661500\t3661900\tevery\n"
    assert render_words(said, Format.TSV).splitlines()[1:3] == ["1500\t1900\thello", "1900\t2300\tand"]
    assert render(transcript(), Format.TSV) == "start\tend\ttext\n"


def test_lyrics() -> None:
    said = transcript(spoken("hello and welcome", 61.5), spoken("every word", 6000))
    assert render(said, Format.LRC) == "[01:01.50]hello and welcome\n[100:00.00]every word\n"
    assert render_words(said, Format.LRC).splitlines()[0] == "[01:01.50]<01:01.50>hello <01:01.90>and <01:02.30>welcome"
    assert render(transcript(), Format.LRC) == ""


def test_karaoke() -> None:
    said = transcript(spoken("hello <and> welcome", 1.0))
    assert render_words(said, Format.VTT).splitlines()[3] == ("hello<00:00:01.400> &lt;and&gt;<00:00:01.800> welcome")
    assert render_words(said, Format.SRT) == render(said, Format.SRT)


@given(st.lists(finals(), max_size=4))
def test_times_of_words_lie_in_their_cue_and_in_order(said: list[Final]) -> None:
    for block in render_words(transcript(*said), Format.VTT).split("\n\n")[1:]:
        shown_at, *lines = block.strip().split("\n")
        times = re.findall(r"<(\d\d+):(\d\d):(\d\d)\.(\d\d\d)>", " ".join(lines))
        start, end = ([int(part) for part in re.split("[:.]", time)] for time in shown_at.split(" --> "))
        inside = [[int(part) for part in time] for time in times]
        assert all(one < other for one, other in pairwise([start, *inside, end]))


# ------------------------------------------------------------------------------------------------ subtitles


def test_an_srt_file() -> None:
    said = transcript(spoken("hello and welcome"), spoken("every word", 3661.5))
    assert render(said, Format.SRT) == (
        "1\n00:00:00,000 --> 00:00:01,200\nhello and welcome\n\n2\n01:01:01,500 --> 01:01:02,333\nevery word\n"
    )
    assert render(transcript(), Format.SRT) == ""


def test_a_vtt_file() -> None:
    said = transcript(final("1 < 2 & <b>3 --> 4</b>", 0.0004, 1.9996))
    assert render(said, Format.VTT) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n1 &lt; 2 &amp; &lt;b&gt;3 --&gt; 4&lt;/b&gt;\n"
    )
    assert render(transcript(), Format.VTT) == "WEBVTT\n"


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [(0, "00:00:00,000"), (999, "00:00:00,999"), (59_999, "00:00:59,999"), (3_600_000, "01:00:00,000"),
     (359_999_999, "99:59:59,999"), (360_000_000, "100:00:00,000")],
)  # fmt: skip
def test_timestamps(milliseconds: int, written: str) -> None:
    assert timestamp(milliseconds, point=",") == written


def test_long_speech_is_cut_at_words_into_two_even_lines() -> None:
    drawn = cues([spoken("every word that you say is written down and every sample has been accounted for", 2.0, 0.3)])
    assert [cue.lines for cue in drawn] == [
        ("every word that you say is written down", "and every sample has been accounted for")
    ]
    drawn = cues([spoken("word " * 60, 0.0, 0.2)])
    assert all(len(cue.lines) <= 2 for cue in drawn)
    assert [cue.start - 83 for cue in drawn][1:] == [cue.end for cue in drawn][:-1], "two frames between"


def test_a_cue_ends_at_a_sentence_a_pause_and_after_seven_seconds() -> None:
    drawn = cues([spoken("This is one long sentence. This is another one.")])
    assert [cue.lines for cue in drawn] == [("This is one long sentence.",), ("This is another one.",)]
    words = (Word(text="wait", start=0, end=1), Word(text="here", start=5, end=6))
    assert [cue.lines for cue in cues([final("wait here", 0, 6, words=words)])] == [("wait",), ("here",)]
    slow = cues([spoken("one two three four", 0.0, 3.0)])
    assert [(cue.start, cue.end) for cue in slow] == [(0, 5917), (6000, 12000)]
    assert cues([final("ah", 0, 60)])[0].end == MAX_CUE_MS


def test_a_short_cue_stays_long_enough_to_be_read() -> None:
    (cue,) = cues([final("yes", 1, 1.1)])
    assert (cue.start, cue.end) == (1000, 1833)
    (cue,) = cues([final("a line that wants two seconds to read", 1, 1.1)])
    assert cue.end - cue.start == pytest.approx(37 / 17 * 1000, abs=1)


def test_a_word_alone_joins_its_neighbours_and_a_sentence_does_not() -> None:
    assert [cue.lines for cue in cues([final("Yes.", 1, 1.3), final("No.", 1.5, 1.9)])] == [("Yes. No.",)]
    assert [cue.lines for cue in cues([final("Yes.", 1, 1.3), final("No.", 5, 5.3)])] == [("Yes.",), ("No.",)]


def test_a_word_between_two_long_sentences_joins_one_of_them() -> None:
    drawn = cues([spoken("This is one long sentence. Yes. This is another one.")])
    assert ("Yes.",) not in [cue.lines for cue in drawn]


def test_no_line_ends_in_an_article_or_a_preposition_where_another_break_serves() -> None:
    (cue,) = cues([spoken("we walked along the river with all of our friends from the", 0.0, 0.35)])
    assert cue.lines[0].split()[-1] not in ("the", "with", "of", "our")
    for text in ("He put the book on the table and went to the garden of the house " * 4,):
        drawn = cues([spoken(text, 0.0, 0.35)])
        assert not [line for cue in drawn for line in cue.lines if line.split()[-1] in ("the", "on", "to", "of", "and")]


def test_words_that_spell_the_text_give_their_times_and_punctuation_stays() -> None:
    words = (Word(text="Hello", start=1, end=2), Word(text=",", start=2, end=2), Word(text="world", start=3, end=4))
    assert [tuple(piece) for piece in pieces(final('"Hello", world!', 0, 9, words=words))] == [
        ('"Hello",', 1000, 2000), (" world!", 3000, 4000),
    ]  # fmt: skip


def test_words_that_do_not_spell_the_text_are_not_trusted() -> None:
    words = (Word(text="goodbye", start=100, end=200),)
    assert [tuple(piece) for piece in pieces(final("ab cde", 1, 7, words=words))] == [
        ("ab", 1000, 3000), (" cde", 3000, 7000),
    ]  # fmt: skip


def test_a_script_without_spaces_is_cut_too() -> None:
    drawn = cues([final("字" * 100, 0, 20)])
    assert "".join("".join(cue.lines) for cue in drawn) == "字" * 100
    assert all(cell_len(each) <= LINE_COLUMNS for cue in drawn for each in cue.lines)


@given(st.lists(finals(), max_size=6), st.sampled_from([Format.SRT, Format.VTT]))
def test_subtitles_keep_every_word_their_limits_and_their_order(said: list[Final], form: Format) -> None:
    document = render(transcript(*said), form)
    drawn = parsed(document)
    assert drawn == [
        Cue(start=cue.start, end=cue.end, lines=tuple(shown(each, form) for each in cue.lines))
        for cue in cues(transcript(*said).spoken)
    ], "what is written can be read back"
    for cue in drawn:
        assert 0 < cue.end - cue.start <= MAX_CUE_MS
        assert 1 <= len(cue.lines) <= 2
    for one, other in pairwise(drawn):
        assert one.start < other.start
        assert one.end <= other.start
    ordered = sorted(said, key=lambda each: each.start)
    letters = "".join("".join(cue.lines) for cue in cues(ordered))
    assert squeezed(letters) == squeezed("".join(printable(each.text) for each in ordered))
    assert all(cell_len(each) <= LINE_COLUMNS for cue in cues(ordered) for each in cue.lines)


def test_an_hour_of_real_speech_keeps_to_the_norm() -> None:
    manifest = private("speech", "manifest.jsonl")
    said, at = [], 0.0
    clips = [json.loads(each) for each in manifest.read_text(encoding="utf-8").splitlines()]
    while at < 3600:
        for clip in clips:
            if clip["language"] == "en" and clip.get("words"):
                words = tuple(
                    Word(text=each["word"], start=at + each["start"], end=at + each["end"]) for each in clip["words"]
                )
                text = " ".join(each.text for each in words)
                said.append(final(text, words[0].start, words[-1].end, words=words))
                at += clip["seconds"] + 0.3
    drawn = cues(said)
    speeds = [len(" ".join(cue.lines)) * 1000 / (cue.end - cue.start) for cue in drawn]
    weak = [line for cue in drawn for line in cue.lines if line.split()[-1].lower() in weak_words("en")]
    alone = [cue for cue in drawn if len(" ".join(cue.lines).split()) == 1]
    assert len(drawn) > 600
    assert max(speeds) <= 20, "characters a second"
    assert sum(speed > 17 for speed in speeds) < 0.1 * len(drawn)
    assert min(cue.end - cue.start for cue in drawn) >= 833
    assert min(other.start - one.end for one, other in pairwise(drawn)) >= 83
    assert len(weak) < 0.06 * sum(len(cue.lines) for cue in drawn), "some clips end in the middle"
    assert len(alone) < 0.04 * len(drawn), "between two pauses"


def shown(line: str, form: Format) -> str:
    return line if form is Format.SRT else line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def squeezed(line: str) -> str:
    return re.sub(r"\s", "", line)


# ------------------------------------------------------------------------------------------------ text from elsewhere


def test_printable_takes_what_a_terminal_would_obey() -> None:
    assert printable("a\x1b[31mb\x9b2Jc\x07\u202ed\u2066e\ufeff") == "a[31mb2Jcde"
    assert printable("a\r\nb\u2028c\td") == "a b c d"
    assert printable("naïve 字 👩\u200d💻 \u200fשלום") == "naïve 字 👩\u200d💻 \u200fשלום"


def test_a_stream_that_cannot_say_it_gets_a_question_mark() -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert encodable("né", ascii_only) == "n?"
    assert encodable("né\ud800", io.StringIO()) == "né?"


# ------------------------------------------------------------------------------------------------ the summary


def test_a_complete_summary() -> None:
    summary = Summary(
        name="hello.wav", input_s=3.52, committed_s=3.52, complete=True, words=9, last_final_s=0.212,
        engine="sphinx en-us", why="never shown",
    )  # fmt: skip
    assert summary.line() == (
        "hello.wav: 3.52 s in, 3.52 s committed (complete) · 9 words · last final 0.21 s after the end of input · "
        "sphinx en-us"
    )


def test_an_incomplete_summary_says_so_and_why() -> None:
    summary = Summary(
        name="a\x1b.wav", input_s=3.5, committed_s=2.25, complete=False, words=1, last_final_s=-0.1,
        why="the server shut down.",
    )  # fmt: skip
    assert summary.line() == (
        "a.wav: INCOMPLETE: 3.50 s in, 2.25 s committed, 1.25 s not accounted for (the server shut down) · 1 word · "
        "last final before the end of input"
    )
    unexplained = Summary(name="a", input_s=1, committed_s=2, complete=False, words=0)
    assert "0.00 s not accounted for (the server gave no reason)" in unexplained.line()


def test_a_legacy_summary_is_unverified() -> None:
    summary = Summary(name="a", input_s=1.0, committed_s=0.0, complete=None, words=2, last_final_s=0.0)
    assert summary.line() == (
        "a: 1.00 s in, unverified (the server speaks the old dialect, which has no accounting) · 2 words · "
        "last final 0.00 s after the end of input"
    )
