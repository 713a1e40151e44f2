"""Transcripts as text, JSON, SRT, WebVTT, TSV and LRC."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Final, assert_never

from auricle.core import messages, parts
from auricle.server.printable import UNSAFE, printable, valid_unicode
from auricle.server.transcripts.format_names import Format
from auricle.server.transcripts.subtitle_cues import Cue, cues
from auricle.server.transcripts.subtitle_pieces import Piece
from auricle.server.transcripts.transcript import Transcript

_JSON_INDENT: Final = 2
TSV_HEADER: Final = "start\tend\ttext\n"
_TIME_DIGITS: Final = 3
"""Decimals of a second in JSON: a millisecond is finer than any engine's frames."""


def render(transcript: Transcript, form: Format) -> str:
    """Return the document of one recording, ending in a line break (empty where there are no words to write)."""
    match form:
        case Format.TEXT:
            return _text(transcript)
        case Format.JSON:
            return _json(document(transcript))
        case Format.SRT:
            return _srt(cues(transcript.spoken))
        case Format.VTT:
            return _vtt(cues(transcript.spoken), _plain_lines, transcript.partial)
        case Format.TSV:
            return _tsv((final.start, final.end, line(final)) for final in transcript.spoken)
        case Format.LRC:
            return _lrc(cues(transcript.spoken), lambda piece: piece.text)
        case _:
            assert_never(form)


def render_words(transcript: Transcript, form: Format) -> str:
    """Return the document of one recording with a time for each word; as `render` where a format has no such form."""
    match form:
        case Format.VTT:
            return _vtt(cues(transcript.spoken), _karaoke_lines, transcript.partial)
        case Format.TSV:
            words = (word for final in transcript.spoken for word in final.words or ())
            return _tsv((word.start, word.end, printable(word.text).strip()) for word in words)
        case Format.LRC:
            return _lrc(cues(transcript.spoken), lambda piece: f"<{_lrc_time(piece.start)}>{piece.text.lstrip()} ")
        case _:
            return render(transcript, form)


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
    """Return the JSON object of one recording, see docs/transcript.schema.json. Times are seconds from its start."""
    return {
        "file": valid_unicode(transcript.file),
        "language": transcript.language,
        "duration_s": _seconds(transcript.duration_s),
        "complete": transcript.complete,
        "partial": transcript.partial is not None,
        "accounting": None if transcript.accounting is None else asdict(transcript.accounting),
        "engine": None if transcript.engine is None else _engine(transcript.engine),
        "text": " ".join(line(final) for final in transcript.spoken),
        "segments": [_segment(final) for final in transcript.spoken],
    }


def _engine(engine: parts.ServerInfo) -> dict[str, object]:
    """What decoded the recording: who told its turns is of no meaning for one."""
    return {"name": engine.name, "version": engine.version, "model": engine.model, "device": engine.device}


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
    return "\n".join(srt_block(number, cue) for number, cue in enumerate(timed, 1))


def srt_block(number: int, cue: Cue) -> str:
    """Return one cue of SRT, the ``number``-th, counted from 1. An empty line stands between two of them."""
    times = f"{timestamp(cue.start, point=',')} --> {timestamp(cue.end, point=',')}"
    return f"{number}\n{times}\n" + "\n".join(cue.lines) + "\n"


def _vtt(timed: Sequence[Cue], lines_of: Callable[[Cue], Iterable[str]], partial: str | None) -> str:
    blocks = (_vtt_block(cue, lines_of) for cue in timed)
    note = [] if partial is None else [f"NOTE {partial}\n"]
    return "\n".join(["WEBVTT\n", *blocks, *note])


def vtt_block(cue: Cue) -> str:
    """Return one cue of WebVTT. An empty line stands before each."""
    return _vtt_block(cue, _plain_lines)


def _vtt_block(cue: Cue, lines_of: Callable[[Cue], Iterable[str]]) -> str:
    times = f"{timestamp(cue.start, point='.')} --> {timestamp(cue.end, point='.')}"
    return f"{times}\n" + "\n".join(lines_of(cue)) + "\n"


def _plain_lines(cue: Cue) -> Iterable[str]:
    return map(_escaped, cue.lines)


def _karaoke_lines(cue: Cue) -> Iterable[str]:
    """Yield lines whose words light up in turn: a time stamp before each word that comes later than the one before.

    A time stamp lies within its cue (WebVTT §3.4).
    """
    at = cue.start
    for line in cue.timed:
        written = ""
        for piece in line:
            if at < piece.start < cue.end:
                at = piece.start
                written += f"<{timestamp(at, point='.')}>"
            written += _escaped(piece.text)
        yield written.strip()


def _escaped(text: str) -> str:
    """WebVTT §3.1: these three begin markup. Escaping ``>`` also hides an arrow, which would begin a new cue."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _tsv(rows: Iterable[tuple[float, float, str]]) -> str:
    """Return a table with times in milliseconds, as Whisper's own tool writes it."""
    return TSV_HEADER + "".join(tsv_row(*row) for row in rows)


def tsv_row(start: float, end: float, text: str) -> str:
    """Return one row; times in seconds are written in milliseconds."""
    return f"{round(start * 1000)}\t{round(end * 1000)}\t{text}\n"


def _lrc(timed: Sequence[Cue], word: Callable[[Piece], str]) -> str:
    """Return lyrics: a line a cue, with the time at which it begins."""
    texts = ("".join(word(piece) for line in cue.timed for piece in line) for cue in timed)
    return "".join(f"[{_lrc_time(cue.start)}]{text.strip()}\n" for cue, text in zip(timed, texts, strict=True))


def _lrc_time(milliseconds: int) -> str:
    """Return ``mm:ss.xx``; minutes have as many digits as they need."""
    minutes, rest = divmod(milliseconds // 10, 6_000)
    return f"{minutes:02}:{rest // 100:02}.{rest % 100:02}"
