"""Documents that grow with each final: at their end they are what would have been written at once."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.core.messages import Final
from auricle.core.parts import Word
from auricle.server.dialects.document import Failure
from auricle.server.dialects.streamed_documents import read_request
from auricle.server.transcripts.format_names import Format
from auricle.server.transcripts.formats import render
from auricle.server.transcripts.transcript import Transcript

TIME = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d+):(\d\d):(\d\d)[,.](\d{3})")


def finals(texts: list[tuple[str, int, int]]) -> tuple[Final, ...]:
    """Finals of words of 0.3 s: a text, and the pause before it and behind it, in milliseconds."""
    made, at = [], 0.0
    for number, (text, before, behind) in enumerate(texts):
        start = at + before / 1000
        words = tuple(
            Word(
                text=word, start=round(start + 0.3 * place, 3), end=round(start + 0.3 * (place + 1), 3), confidence=0.9
            )
            for place, word in enumerate(text.split())
        )
        end = words[-1].end if words else start
        made.append(
            Final(seq=number + 1, segment=number, text=text, start=round(start, 3), end=end, confidence=0.9,
                  audio=(0, 1), reason="endpoint", words=words)
        )  # fmt: skip
        at = end + behind / 1000
    return tuple(made)


FINALS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["one", "two.", "a", "hippopotamus,", "&", "-->"]), max_size=30).map(" ".join),
        st.integers(0, 3_000),
        st.integers(0, 3_000),
    ),
    max_size=6,
).map(finals)


def streamed(form: str, heard: tuple[Final, ...], warnings: tuple[str, ...] = ()) -> str:
    document = read_request(f"format={form}", "").document
    transcript = Transcript(file="a", finals=heard, complete=True)
    return "".join(document.heard(final) for final in heard) + document.end(transcript, warnings)


@pytest.mark.parametrize("form", ["text", "tsv", "json", "lrc"])
@given(heard=FINALS)
def test_lines_and_rows_are_those_of_the_whole(form: str, heard: tuple[Final, ...]) -> None:
    assert streamed(form, heard) == render(Transcript(file="a", finals=heard, complete=True), Format(form))


@pytest.mark.parametrize("form", ["srt", "vtt"])
@given(heard=FINALS)
def test_cues_come_in_order_and_do_not_overlap(form: str, heard: tuple[Final, ...]) -> None:
    document = streamed(form, heard)
    last = 0
    for match in TIME.finditer(document):
        hours, minutes, seconds, ms, *end = map(int, match.groups())
        start = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        assert start >= last
        last = ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3]
        assert last > start
    if form == "srt":
        numbers = [int(each) for each in re.findall(r"^(\d+)\n\d\d:", document, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
    said = "".join("".join(final.text.split()) for final in heard).replace("&", "").replace("-->", "")
    shown = "".join(line for line in document.splitlines() if "-->" not in line and not line.isdecimal())
    shown = shown.removeprefix("WEBVTT").replace("&amp;", "").replace("--&gt;", "").replace("&", "")
    assert "".join(shown.split()) == said or "-->" in "".join(final.text for final in heard)


def test_what_was_not_done_is_a_remark_where_there_can_be_one() -> None:
    heard = finals([("one two", 0, 0)])
    assert streamed("text", heard, ("It is cut short.",)) == "one two\n# It is cut short.\n"
    assert streamed("vtt", heard, ("It is cut short.",)).endswith("\nNOTE It is cut short.\n")
    assert "cut short" not in streamed("srt", heard, ("It is cut short.",))


def test_an_answer_that_is_cut_says_why() -> None:
    document = read_request("", "").document
    (heard,) = finals([("one two", 0, 0)])
    text = document.heard(heard) + document.cut(Failure(status=500, code="engine_failed", message="The engine failed."))
    assert text == "one two\n# partial: The engine failed.\n"
