"""Deepgram's ``POST /v1/listen``: a query and a recording to a session, its transcript to one JSON document.

Source: Deepgram's API reference, and the types of deepgram-sdk 7.17. The query is read as that of the WebSocket.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from auricle.core import ClientEvent, Start
from auricle.core.messages import Final as FinalMessage
from auricle.core.parts import Endpointing, Features, Product, ServerInfo
from auricle.core.schema import FieldError
from auricle.server.dialects.deepgram_options import ListenOptions, QueryRefused, media_kind, read_options, read_start
from auricle.server.dialects.deepgram_results import alternative, transcript_metadata, words_of
from auricle.server.dialects.document import BadRequest, Failure
from auricle.server.dialects.query_values import is_on, last, parse_query
from auricle.server.transcripts.formats import line
from auricle.server.transcripts.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A query, as a session and what is told of it."""

    start: Start
    is_raw: bool
    """Whether the body is audio in the format of ``start``, and no container."""
    options: ListenOptions
    utterances: bool
    detects_language: bool


def read_request(query: str, models: Collection[str] = ()) -> Request:
    """Return what a query asks for, of ``models`` or else the default. Raises `BadRequest`."""
    given = parse_query(query)
    try:
        start = read_start(given)
    except QueryRefused as refusal:
        raise BadRequest(str(refusal), refusal.parameter) from None
    except FieldError as error:
        raise BadRequest(f"The query is not understood: {error}.") from None
    return Request(
        start=replace(
            start,
            model=start.model if start.model in models else None,
            features=Features(words=True, partials=False, speech_events=False),
            endpointing=Endpointing(offline=True),
            client=Product(name="deepgram"),
        ),
        is_raw=bool(last(given, "encoding")) and media_kind(given) is None,
        options=read_options(given, models),
        utterances=is_on(last(given, "utterances")),
        detects_language=is_on(last(given, "detect_language")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrerecordedDocument:
    """The one answer, at the end."""

    request: Request
    request_id: str
    created: str
    sha256: Callable[[], str]
    """Returns the hash of the body, once it has come."""
    media_type: str = "application/json"

    def heard(self, event: ClientEvent) -> str:
        """Return nothing: all of it comes at the end."""
        return ""

    def end(self, transcript: Transcript, warnings: tuple[str, ...]) -> str:
        """Return the document."""
        metadata = transcript_metadata(
            request_id=self.request_id,
            sha256=self.sha256(),
            created=self.created,
            duration_s=transcript.duration_s or 0.0,
            server=transcript.engine or ServerInfo(name="auricle"),
        )
        told: list[dict[str, str]] = [asdict(row) for row in self.request.options.warnings]
        told += [{"parameter": "", "type": "audio", "message": warning} for warning in warnings]
        if told:
            metadata["warnings"] = told
        results: dict[str, Any] = {"channels": [self._channel(transcript)]}
        if self.request.utterances:
            results["utterances"] = [self._utterance(final) for final in transcript.spoken]
        return json.dumps({"metadata": metadata, "results": results}, ensure_ascii=False)

    def cut(self, failure: Failure) -> str:
        """Return nothing: the answer never begins before its end."""
        return ""

    def _channel(self, transcript: Transcript) -> dict[str, Any]:
        finals = transcript.spoken
        spoken_s = sum(final.end - final.start for final in finals)
        weighed = sum(final.confidence * (final.end - final.start) for final in finals)
        words = [word for final in finals for word in final.words or ()]
        confidence = round(weighed / spoken_s, 4) if spoken_s else 0.0
        text = " ".join(line(final) for final in finals)
        shown = alternative(text, words, confidence, formatted=self.request.options.formatted)
        channel: dict[str, Any] = {"alternatives": [shown]}
        if self.request.detects_language and transcript.language:
            channel["detected_language"] = transcript.language
        return channel

    def _utterance(self, final: FinalMessage) -> dict[str, Any]:
        words = final.words or ()
        shown = alternative(line(final), words, final.confidence, formatted=self.request.options.formatted)
        return {
            "start": final.start,
            "end": final.end,
            "confidence": final.confidence,
            "channel": 0,
            "transcript": shown["transcript"],
            "words": words_of(words, final.confidence),
            "id": str(uuid5(NAMESPACE_URL, f"auricle:{self.request_id}/{final.segment}")),
        }


def error_object(failure: Failure, request_id: str) -> dict[str, str]:
    """Return a failure in Deepgram's shape."""
    code = "INVALID_QUERY_PARAMETER" if failure.code == "invalid_value" and failure.param else failure.code.upper()
    return {"err_code": code, "err_msg": failure.message, "request_id": request_id}
