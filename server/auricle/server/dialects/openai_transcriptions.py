"""OpenAI's ``/v1/audio/transcriptions`` and ``/v1/audio/translations``: forms to sessions, transcripts to answers.

Source: OpenAI's API reference, and the types of the official clients (openai 3.57). No I/O.
"""

import json
import math
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

from auricle.core import ClientEvent, Start
from auricle.core.language_names import TAGS, language_tag
from auricle.core.messages import Final as FinalMessage
from auricle.core.parts import Bias, Endpointing, Features, Product
from auricle.core.schema import FieldError
from auricle.server.dialects.document import BadRequest, Document, Failure, WholeDocument
from auricle.server.transcripts.format_names import Format
from auricle.server.transcripts.formats import line
from auricle.server.transcripts.transcript import Transcript

Task = Literal["transcribe", "translate"]
ALIASES: Final = (
    "whisper-1", "gpt-transcribe", "gpt-live-transcribe", "gpt-realtime-whisper", "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
)  # fmt: skip
"""Model names that clients have built in. Any name is accepted: one that is none of the server's means the default."""
RESPONSE_FORMATS: Final = ("json", "text", "srt", "verbose_json", "vtt")
GRANULARITIES: Final = ("segment", "word")
PLAIN: Final = "text/plain; charset=utf-8"
SILENT: Final = frozenset({"model", "file", "chunking_strategy", "user", "temperature"})
"""Fields that are understood, and change nothing: chunks are cut at pauses, and the decoder chooses its temperature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A form, as a session and a document."""

    start: Start
    document: Document
    warnings: tuple[str, ...]


def read_request(form: Sequence[tuple[str, str]], task: Task, models: Collection[str] = ()) -> Request:
    """Return what a form asks for, of ``models`` or else the default. Raises `BadRequest`."""
    fields = _Fields(form)
    kind = fields.one_of("response_format", RESPONSE_FORMATS, "json")
    granularities = fields.some_of("timestamp_granularities", GRANULARITIES)
    streams = fields.truth("stream")
    fields.number("temperature")
    language, languages = fields.language("language"), fields.all("languages")
    model = fields.last("model")
    try:
        start = Start(
            language=language if task == "transcribe" else None,
            languages=() if language else tuple(tag for each in languages if (tag := language_tag(each))),
            task=task,
            model=model if model in models else None,
            features=Features(words=True, partials=False, speech_events=False),
            endpointing=Endpointing(offline=True),
            bias=Bias(terms=tuple(each.strip() for each in fields.all("keywords") if each.strip()),
                      prompt=fields.last("prompt") or None),
            resume=False,
            client=Product(name="openai"),
        )  # fmt: skip
    except FieldError as error:
        param = {"terms": "keywords"}.get(error.path.split("/")[1], error.path.split("/")[1])
        raise BadRequest(f"{param} cannot be used: {error}.", param) from None
    warnings = fields.unused()
    if streams:
        return Request(start=start, document=_Events(), warnings=warnings)
    documents: Mapping[str, Document] = {
        "json": _Json(task),
        "verbose_json": _Json(task, verbose=granularities or ("segment",)),
        "text": WholeDocument(Format.TEXT, PLAIN),
        "srt": WholeDocument(Format.SRT, PLAIN),
        "vtt": WholeDocument(Format.VTT, PLAIN),
    }
    return Request(start=start, document=documents[kind], warnings=warnings)


class _Fields:
    """The fields of a form: arrays come as ``name[]``, and from some clients as ``name`` or ``name[0]``."""

    def __init__(self, form: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in form:
            self._values.setdefault(name.partition("[")[0], []).append(value)
        self._used = set(SILENT)

    def all(self, name: str) -> list[str]:
        self._used.add(name)
        return self._values.get(name, [])

    def last(self, name: str) -> str:
        return next(reversed(self.all(name)), "").strip()

    def one_of(self, name: str, known: Sequence[str], default: str) -> str:
        given = self.last(name) or default
        if given not in known:
            raise BadRequest(f"{name} is one of {', '.join(known)} here, and not {given[:50]!r}.", name)
        return given

    def some_of(self, name: str, known: Sequence[str]) -> tuple[str, ...]:
        wrong = next((each for each in self.all(name) if each not in known), None)
        if wrong is not None:
            raise BadRequest(f"{name} is {' or '.join(known)}, and not {wrong[:50]!r}.", name)
        return tuple(dict.fromkeys(self.all(name)))

    def truth(self, name: str) -> bool:
        given = self.last(name).lower()
        if given not in ("", "true", "false", "1", "0"):
            raise BadRequest(f"{name} is true or false, and not {given[:50]!r}.", name)
        return given in ("true", "1")

    def number(self, name: str) -> None:
        given = self.last(name)
        try:
            good = 0 <= float(given or 0) <= 1
        except ValueError:
            good = False
        if not good:
            raise BadRequest(f"{name} is a number from 0 to 1, and not {given[:50]!r}.", name)

    def language(self, name: str) -> str | None:
        return language_tag(self.last(name))

    def unused(self) -> tuple[str, ...]:
        return tuple(
            f"{name[:50]} is not supported here, and was ignored." for name in self._values if name not in self._used
        )


@dataclass(frozen=True, slots=True)
class _Json:
    """``json``, and with the granularities that ``verbose`` names, ``verbose_json``."""

    task: Task
    verbose: tuple[str, ...] = ()
    media_type: str = "application/json"

    def heard(self, event: ClientEvent) -> str:
        return ""

    def end(self, transcript: Transcript, warnings: tuple[str, ...]) -> str:
        body: dict[str, Any] = {"text": text_of(transcript.spoken), "usage": _usage(transcript)}
        if self.verbose:
            body |= {
                "task": self.task,
                "language": _language_name(transcript.language),
                "duration": transcript.duration_s or 0.0,
            }
        if "segment" in self.verbose:
            body["segments"] = [_segment(number, final) for number, final in enumerate(transcript.spoken)]
        if "word" in self.verbose:
            words = (word for final in transcript.spoken for word in final.words or ())
            body["words"] = [{"word": word.text.strip(), "start": word.start, "end": word.end} for word in words]
        if warnings:
            body["warnings"] = list(warnings)
        return json.dumps(body, ensure_ascii=False)

    def cut(self, failure: Failure) -> str:
        return ""


@dataclass(slots=True)
class _Events:
    """Server-sent events: a delta for each final, and ``transcript.text.done``."""

    media_type: str = "text/event-stream; charset=utf-8"
    _texts: list[str] = field(default_factory=list)

    def heard(self, event: ClientEvent) -> str:
        if not isinstance(event, FinalMessage) or not (text := line(event)):
            return ""
        delta = f" {text}" if self._texts else text
        self._texts.append(text)
        return _event({"type": "transcript.text.delta", "delta": delta, "segment_id": f"seg_{event.segment}"})

    def end(self, transcript: Transcript, warnings: tuple[str, ...]) -> str:
        done: dict[str, Any] = {
            "type": "transcript.text.done",
            "text": " ".join(self._texts),
            "usage": _usage(transcript),
        }
        if warnings:
            done["warnings"] = list(warnings)
        return _event(done) + "data: [DONE]\n\n"

    def cut(self, failure: Failure) -> str:
        return _event({"type": "error", **error_object(failure)})


def text_of(finals: Iterable[FinalMessage]) -> str:
    """Return the text of finals, as one line."""
    return " ".join(line(final) for final in finals)


def error_object(failure: Failure) -> dict[str, object]:
    """Return a failure in OpenAI's shape: ``{"error": {message, type, param, code}}``."""
    kind = "invalid_request_error" if failure.status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
    return {
        "error": {"message": failure.message, "type": kind, "param": failure.param, "code": failure.code},
    }


def _event(body: Mapping[str, object]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _language_name(tag: str | None) -> str:
    """Return the name of a language, as ``verbose_json`` has it: ``english``; empty where none was told."""
    return next((name for name, known in TAGS.items() if known == tag), tag or "")


def _usage(transcript: Transcript) -> dict[str, object]:
    return {"type": "duration", "seconds": math.ceil(transcript.duration_s or 0)}


def _segment(number: int, final: FinalMessage) -> dict[str, object]:
    """Return a segment. Typed clients require every key; ``tokens`` and ``temperature`` are told by no engine here."""
    text = line(final)
    raw = text.encode()
    details = final.details
    logprob = details.avg_logprob if details is not None else None
    return {
        "id": number,
        "seek": round(final.start * 100),
        "start": final.start,
        "end": final.end,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": math.log(max(final.confidence, 1e-9)) if logprob is None else logprob,
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 4),
        "no_speech_prob": (details.no_speech_prob if details is not None else None) or 0.0,
    }
