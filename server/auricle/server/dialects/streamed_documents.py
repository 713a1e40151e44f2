"""``/v1/transcribe``: the body is a recording, the query says what is wanted, and text comes as it is heard.

This is for ``curl``, and for whoever needs no client: our own formats, and nobody else's shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from auricle.core import ClientEvent, Start
from auricle.core.language_names import language_tag
from auricle.core.messages import Final as FinalMessage
from auricle.core.parts import Bias, Endpointing, Features, Product
from auricle.core.schema import FieldError
from auricle.server.dialects.document import BadRequest, Document, Failure, WholeDocument
from auricle.server.dialects.query_values import Query, last, parse_query
from auricle.server.transcripts.format_names import Format, named_format
from auricle.server.transcripts.formats import TSV_HEADER, heading, line, srt_block, tsv_row, vtt_block
from auricle.server.transcripts.subtitle_cues import Cue, cues
from auricle.server.transcripts.transcript import Transcript

MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.TEXT: "text/plain; charset=utf-8",
        Format.JSON: "application/json",
        Format.SRT: "application/x-subrip; charset=utf-8",
        Format.VTT: "text/vtt; charset=utf-8",
        Format.TSV: "text/tab-separated-values; charset=utf-8",
        Format.LRC: "text/plain; charset=utf-8",
    }
)
PARAMETERS: Final = ("format", "language", "languages", "task", "prompt", "keyterms", "channel", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A query, as a session and a document."""

    start: Start
    document: Document
    channel: int | None
    """The one channel that is heard, counted from 1; None: the average of all."""


def read_request(query: str, accept: str) -> Request:
    """Return what a query, or the ``Accept`` of a request without ``format``, asks for. Raises `BadRequest`."""
    given = parse_query(query)
    unknown = next((name for name in given if name not in PARAMETERS), None)
    if unknown is not None:
        raise BadRequest(f"There is no parameter {unknown[:50]!r}: there are {', '.join(PARAMETERS)}.", unknown)
    form = _format(last(given, "format"), accept)
    document = _Streamed(form, MEDIA_TYPES[form]) if form in _STREAMED else WholeDocument(form, MEDIA_TYPES[form])
    return Request(start=_start(given), document=document, channel=_channel(last(given, "channel")))


def _format(given: str | None, accept: str) -> Format:
    if given:
        form = named_format(given)
        if form is None:
            raise BadRequest(f"format is one of {', '.join(Format)}, and not {given[:50]!r}.", "format")
        return form
    accepted = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    named = (form for kind in accepted for form, media in MEDIA_TYPES.items() if media.partition(";")[0] == kind)
    return next(named, Format.TEXT)


def _start(given: Query) -> Start:
    task = last(given, "task") or "transcribe"
    if task not in ("transcribe", "translate"):
        raise BadRequest(f"task is transcribe or translate, and not {task[:50]!r}.", "task")
    language = language_tag(last(given, "language") or "")
    try:
        return Start(
            language=language,
            languages=()
            if language
            else tuple(tag for each in _items(given, "languages") if (tag := language_tag(each))),
            task="translate" if task == "translate" else "transcribe",
            model=last(given, "model") or None,
            features=Features(words=True, partials=False, speech_events=False),
            endpointing=Endpointing(offline=True),
            bias=Bias(terms=_items(given, "keyterms"), prompt=last(given, "prompt") or None),
            resume=False,
            client=Product(name="upload"),
        )
    except FieldError as error:
        raise BadRequest(f"The parameters are not understood: {error}.") from None


def _items(given: Query, name: str) -> tuple[str, ...]:
    """Return what is separated by commas, or given more than once."""
    parts = (part.strip() for value in given.get(name, ()) for part in value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _channel(given: str | None) -> int | None:
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:5]) <= 1_000:
        raise BadRequest(f"channel is a number, counted from 1, and not {given[:50]!r}.", "channel")
    return int(given)


_STREAMED: Final = frozenset({Format.TEXT, Format.SRT, Format.VTT, Format.TSV})


@dataclass(slots=True)
class _Streamed:
    """A document that grows with each final. The last cue waits for the next: it ends no later than that begins."""

    form: Format
    media_type: str
    _begun: bool = False
    _written: int = 0
    _last: Cue | None = None

    def heard(self, event: ClientEvent) -> str:
        if not isinstance(event, FinalMessage) or not line(event):
            return ""
        match self.form:
            case Format.TEXT:
                text = f"{line(event)}\n"
            case Format.TSV:
                text = tsv_row(event.start, event.end, line(event))
            case _:
                text = self._cues(cues([event]))
        return self._head() + text

    def end(self, transcript: Transcript, warnings: tuple[str, ...]) -> str:
        return self._head() + self._cues([]) + "".join(self._remark(warning) for warning in warnings)

    def cut(self, failure: Failure) -> str:
        return self._head() + self._cues([]) + self._remark(f"partial: {failure.message}")

    def _head(self) -> str:
        if self._begun:
            return ""
        self._begun = True
        return {Format.VTT: "WEBVTT\n", Format.TSV: TSV_HEADER}.get(self.form, "")

    def _cues(self, new: list[Cue]) -> str:
        """Return the cues that are certain now: all but the last of ``new``; without any, the last one too."""
        ready = [*([] if self._last is None else [self._last]), *new]
        if self._last is not None and new:
            ready[0] = _ended_by(self._last, new[0].start)
        self._last = ready.pop() if new else None
        return "".join(self._block(cue) for cue in ready)

    def _block(self, cue: Cue) -> str:
        self._written += 1
        if self.form is Format.SRT:
            return ("\n" if self._written > 1 else "") + srt_block(self._written, cue)
        return "\n" + vtt_block(cue)

    def _remark(self, sentence: str) -> str:
        """Return a sentence that is no speech, in the formats that can have one."""
        match self.form:
            case Format.TEXT:
                return f"{heading(sentence)}\n"
            case Format.VTT:
                return f"\nNOTE {sentence.replace('-->', '->')}\n"
            case _:
                return ""


def _ended_by(cue: Cue, end: int) -> Cue:
    return (
        cue if cue.end <= end else Cue(start=cue.start, end=max(cue.start + 1, end), lines=cue.lines, timed=cue.timed)
    )
