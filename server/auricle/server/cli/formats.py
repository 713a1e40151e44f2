"""Transcripts as text, JSON, SRT and WebVTT."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from auricle.core import messages, parts
from auricle.server.cli.format_names import Format
from auricle.server.cli.printable import UNSAFE, printable
from auricle.server.cli.subtitle_cues import Cue, cues
from auricle.server.cli.transcript import Transcript

_JSON_INDENT: Final = 2
_TIME_DIGITS: Final = 3
"""Decimals of a second in JSON: a millisecond is finer than any engine's frames."""


def render(transcript: Transcript, form: Format) -> str:
    """Return the document of one recording, ending in a line break (empty for text or subtitles without words)."""
    match form:
        case Format.TEXT:
            return _text(transcript)
        case Format.JSON:
            return _json(document(transcript))
        case Format.SRT:
            return _srt(cues(transcript.spoken))
        case Format.VTT:
            return _vtt(cues(transcript.spoken), transcript.partial)


def render_together(transcripts: Sequence[Transcript], form: Format) -> str:
    """Return one document of several recordings: text under headings, or an array of JSON objects.

    Raises `ValueError` for a format that holds one recording, see `Format.holds_many`.
    """
    match form:
        case Format.TEXT:
            return "".join(f"{heading(transcript.file)}\n{_text(transcript)}" for transcript in transcripts)
        case Format.JSON:
            return _json([document(transcript) for transcript in transcripts])
        case _:
            raise ValueError(f"one {form.value} document cannot hold several recordings")


def heading(content: str) -> str:
    """Return a line that is no speech: the heading of one of several recordings, or the mark of a partial one."""
    return f"# {printable(content)}"


def _text(transcript: Transcript) -> str:
    lines = [line(final) for final in transcript.spoken]
    if transcript.partial:
        lines.append(heading(transcript.partial))
    return "".join(f"{each}\n" for each in lines)


def line(final: messages.Final) -> str:
    """Return a final as one line of text, without a line break."""
    return printable(final.text).strip()


def document(transcript: Transcript) -> dict[str, object]:
    """Return the JSON object of one recording. Times are seconds from its start."""
    return {
        "file": transcript.file,
        "duration_s": _seconds(transcript.duration_s),
        "complete": transcript.complete,
        "partial": transcript.partial is not None,
        "accounting": None if transcript.accounting is None else asdict(transcript.accounting),
        "engine": None if transcript.engine is None else asdict(transcript.engine),
        "text": " ".join(line(final) for final in transcript.spoken),
        "segments": [_segment(final) for final in transcript.spoken],
    }


def _segment(final: messages.Final) -> dict[str, object]:
    return {
        "segment": final.segment,
        "start": _seconds(final.start),
        "end": _seconds(final.end),
        "text": line(final),
        "confidence": final.confidence,
        "language": final.language,
        "details": None if final.details is None else asdict(final.details),
        "words": None if final.words is None else [_word(word) for word in final.words],
    }


def _word(word: parts.Word) -> dict[str, object]:
    return {
        "text": printable(word.text),
        "start": _seconds(word.start),
        "end": _seconds(word.end),
        "confidence": word.confidence,
        "speaker": word.speaker,
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, _TIME_DIGITS)


def _json(value: object) -> str:
    """Return JSON with Unicode unescaped, except control characters. Outside strings only line breaks match."""
    written = json.dumps(value, ensure_ascii=False, indent=_JSON_INDENT)
    return UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", written) + "\n"


def timestamp(milliseconds: int, *, point: str) -> str:
    """Return ``HH:MM:SS`` + ``point`` + ``mmm``. Hours have two digits or as many as they need."""
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}{point}{fraction:03}"


def _srt(timed: Sequence[Cue]) -> str:
    blocks = (
        f"{number}\n{timestamp(cue.start, point=',')} --> {timestamp(cue.end, point=',')}\n"
        + "\n".join(cue.lines)
        + "\n"
        for number, cue in enumerate(timed, 1)
    )
    return "\n".join(blocks)


def _vtt(timed: Sequence[Cue], partial: str | None) -> str:
    blocks = (
        f"{timestamp(cue.start, point='.')} --> {timestamp(cue.end, point='.')}\n"
        + "\n".join(_escaped(each) for each in cue.lines)
        + "\n"
        for cue in timed
    )
    note = [] if partial is None else [f"NOTE {partial}\n"]
    return "\n".join(["WEBVTT\n", *blocks, *note])


def _escaped(text: str) -> str:
    """WebVTT §3.1: these three begin markup. Escaping ``>`` also hides an arrow, which would begin a new cue."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
