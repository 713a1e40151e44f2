"""Deepgram's live transcription, ``/v1/listen`` as a WebSocket.

The configuration is in the query. A client sends binary audio and the text messages ``KeepAlive``, ``Finalize``,
``Configure`` and ``CloseStream``; it hears ``Results``, ``SpeechStarted``, ``UtteranceEnd``, ``Metadata`` once at the
end, and the server closes. Source: Deepgram's API reference, and its clients (notes/wire-protocols.md §4.1).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from auricle.core import codec
from auricle.core.audio_pieces import pieces
from auricle.core.codec import Decoded
from auricle.core.errors import NORMAL_CLOSURE
from auricle.core.messages import (
    Ack,
    Closed,
    Configure,
    Configured,
    EndInput,
    ErrorMessage,
    Flush,
    Flushed,
    Malformed,
    Message,
    Partial,
    Ping,
    Ready,
    SpeechStart,
    WarningMessage,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Frame
from auricle.core.parts import ServerInfo
from auricle.core.snapshot import Snapshot
from auricle.server.dialects.deepgram_options import (
    MAX_TERMS,
    ListenOptions,
    QueryRefused,
    Warned,
    media_kind,
    read_options,
    read_start,
    usable_terms,
)
from auricle.server.dialects.deepgram_results import (
    Told,
    alternative,
    error_message,
    results_message,
    transcript_metadata,
)
from auricle.server.dialects.handshake import Handshake, Media, Opening, Refused
from auricle.server.dialects.query_values import parse_query
from auricle.server.dialects.service_dialect import ServiceDialect, answer, dump

if TYPE_CHECKING:
    from hashlib import _Hash

ENDS_SPEECH: Final = ("endpoint", "flush", "end_input")
"""Reasons of a final after which nobody speaks (``speech_final``)."""
CLOSE_FRAMES: Final[Mapping[int, tuple[int, str]]] = {
    4408: (1011, "NET-0001"),
    1002: (1008, "DATA-0000"),
    1003: (1008, "DATA-0000"),
    1007: (1008, "DATA-0000"),
    4400: (1008, "DATA-0000"),
    4413: (1008, "DATA-0000"),
}
"""Deepgram's close code and reason for one of ``auricle.v1``; others below 3000 stay, and the rest is ``NET-0000``."""


def open_listen(handshake: Handshake) -> Opening | Refused:
    """Open a session for the query of ``/v1/listen``, or refuse it with 400. Any key is accepted, none is needed."""
    query = parse_query(handshake.query)
    named = (("dg-request-id", handshake.session_id),)
    try:
        start = read_start(query)
    except QueryRefused as refusal:
        body = {"err_code": "INVALID_QUERY_PARAMETER", "err_msg": str(refusal), "request_id": handshake.session_id}
        return Refused(status=400, body=json.dumps(body).encode(), headers=(*named, ("dg-error", str(refusal))))
    media = media_kind(query)
    dialect = DeepgramListen(
        options=read_options(query),
        limits=handshake.limits,
        server=ServerInfo(name="auricle"),
        digest=hashlib.sha256() if media is None else None,
        request_id=handshake.session_id,
        created=handshake.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )
    # A client that has its key in the subprotocols offers "token" or "bearer" and the key, and wants the first back.
    scheme = next((item for item in handshake.subprotocols if item.lower() in ("token", "bearer")), None)
    return Opening(
        dialect=dialect,
        messages=(start,),
        subprotocol=scheme,
        headers=named,
        media=None if media is None else Media(kind=media, is_end=_is_close_stream),
    )


def _is_close_stream(frame: Frame) -> bool:
    return frame == b"" or (isinstance(frame, str) and "CloseStream" in frame[:100])


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramListen(ServiceDialect):
    """One session of ``/v1/listen``. What it holds beside the options is for messages to come."""

    options: ListenOptions
    request_id: str
    created: str
    server: ServerInfo
    """The engine, as soon as it is known."""
    digest: "_Hash | None" = field(compare=False)
    """Of the audio so far, for ``Metadata.sha256``; never changed in place. None: it comes here decoded."""
    asked: int = 0
    """Flushes and changes so far: their ids are numbers."""
    finalized: str | None = None
    """Id of the flush that a final has answered already."""
    last_word_end_s: float | None = None
    """End of the last word for which no ``UtteranceEnd`` has been sent."""

    # ------------------------------------------------------------------------ what the client sends

    def decode(self, frame: Frame, s: Snapshot) -> "tuple[DeepgramListen, tuple[Decoded, ...]]":
        """Decode audio, and control messages; an empty binary frame ends the stream as ``CloseStream`` does."""
        if isinstance(frame, bytes):
            if not frame:
                return self, (Decoded(EndInput()),)
            audio = pieces(frame, s.config.audio, self.limits)
            if s.ended or self.digest is None:
                return self, audio
            digest = self.digest.copy()
            digest.update(frame)
            return replace(self, digest=digest), audio
        body = codec.parse_object(frame, self.limits.max_text_bytes)
        if isinstance(body, Malformed):
            return self, self._schema_error(body.why)
        match body.get("type"):
            case "KeepAlive":
                return self, (Decoded(Ping()),)
            case "Finalize":
                asked = self.asked + 1
                return replace(self, asked=asked), (Decoded(Flush(id=f"finalize-{asked}")),)
            case "CloseStream":
                return self, (Decoded(EndInput()),)
            case "Configure":
                return self._configure(body, s)
            case name:
                return self, self._schema_error(f"messages of type {str(name)[:64]!r} are not known here")

    def _configure(self, body: Mapping[str, Any], s: Snapshot) -> "tuple[DeepgramListen, tuple[Decoded, ...]]":
        terms = body.get("keyterms")
        if terms is None:
            kept = s.changes[-1].config if s.changes else s.config
            return self._cannot(body), answer(self._configured(kept.bias.terms))
        if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
            return self, self._schema_error("keyterms must be a list of strings")
        if len(terms) > MAX_TERMS:
            return self, answer(self._refused("KEYTERM_LIMIT_EXCEEDED", f"There may be {MAX_TERMS} keyterms."))
        if s.changes:
            why = "The change before this one has not been answered yet."
            return self, answer(self._refused("ALREADY_PENDING", why))
        asked = self.asked + 1
        change = Configure(id=f"configure-{asked}", set={"bias": {"terms": list(usable_terms(tuple(terms)))}})
        return replace(self._cannot(body), asked=asked), (Decoded(change),)

    def _cannot(self, body: Mapping[str, Any]) -> "DeepgramListen":
        """Return the dialect that will tell which features of a ``Configure`` are not done."""
        features = body.get("features")
        wanted = [name for name, on in features.items() if on is True] if isinstance(features, dict) else []
        told = [warned.parameter for warned in self.options.warnings]
        warned = tuple(
            Warned(parameter=name[:64], type="unsupported_feature", message=f"{name[:64]} is not done here.")
            for name in wanted[:16]
            if name[:64] not in told
        )
        return self._warned(*warned) if warned and len(told) < 100 else self

    def _schema_error(self, why: str) -> tuple[Decoded, ...]:
        """Answer what is no message: the socket stays, as it does at Deepgram."""
        return answer(error_message("SchemaError", why))

    # ------------------------------------------------------------------------ what the client hears

    def encode(self, message: Message, s: Snapshot) -> "tuple[DeepgramListen, tuple[Frame, ...]]":
        """Encode results, answers and errors; a warning is kept for ``Metadata``."""
        match message:
            case Ready(server=ServerInfo() as server):
                return replace(self, server=server), ()
            case Partial():
                return self, (self._partial(message, s),)
            case FinalMessage():
                return self._final(message, s)
            case Flushed(id=answered) if answered != self.finalized:
                at_s = s.seconds(message.upto)
                nothing = alternative("", (), 0.0, formatted=self.options.formatted)
                return self, (self._results(nothing, (at_s, at_s), "is_final", "speech_final", "from_finalize"),)
            case SpeechStart(time=at_s) if self.options.vad_events:
                return self, (dump({"type": "SpeechStarted", "channel": [0], "timestamp": at_s}),)
            case Ack():
                return self._utterance_end(message, s)
            case Configured():
                change = next((change for change in s.changes if change.id == message.id), None)
                terms = (change.config if change else s.config).bias.terms
                return self, (dump(self._configured(terms)),)
            case ErrorMessage():
                return self, (dump(self._error(message)),)
            case WarningMessage():
                return self._warned(Warned(parameter=message.code, type="session", message=message.message)), ()
            case Closed(code=1000 | 1012):
                return self, (dump(self._metadata(message)),)
            case _:
                return self, ()

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return Deepgram's close code for one of ``auricle.v1``, with the reason that its documents name."""
        if code == NORMAL_CLOSURE:
            return code, ""
        return CLOSE_FRAMES.get(code, (code, reason) if code < 3000 else (1011, "NET-0000"))

    def _partial(self, partial: Partial, s: Snapshot) -> str:
        begin_s = s.seconds(s.committed)
        shown = alternative(
            partial.text, partial.words or (), partial.confidence or 0.0, formatted=self.options.formatted
        )
        return self._results(shown, (begin_s, max(begin_s, partial.end)))

    def _final(self, final: FinalMessage, s: Snapshot) -> "tuple[DeepgramListen, tuple[Frame, ...]]":
        shown = alternative(
            final.text,
            final.words or (),
            final.confidence,
            formatted=self.options.formatted,
            language=final.language if self.options.multilingual else None,
        )
        told: list[Told] = ["is_final"]
        if final.reason in ENDS_SPEECH and (self.options.endpointing or final.reason != "endpoint"):
            told.append("speech_final")
        if final.flush is not None:
            told.append("from_finalize")
        begin, end = final.audio
        frame = self._results(shown, (s.seconds(begin), s.seconds(end)), *told)
        spoken_s = final.end if final.text.strip() else self.last_word_end_s
        return replace(self, finalized=final.flush or self.finalized, last_word_end_s=spoken_s), (frame,)

    def _results(self, shown: Mapping[str, Any], span_s: tuple[float, float], *told: Told) -> str:
        return dump(results_message(shown, span_s, told, self.request_id, self.server))

    def _utterance_end(self, ack: Ack, s: Snapshot) -> "tuple[DeepgramListen, tuple[Frame, ...]]":
        """Tell the end of an utterance once enough has been heard after its last word, and nobody speaks."""
        gap_s, last_s = self.options.utterance_end_s, self.last_word_end_s
        if gap_s is None or last_s is None or s.speaking_since is not None or s.seconds(ack.processed) - last_s < gap_s:
            return self, ()
        body = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last_s}
        return replace(self, last_word_end_s=None), (dump(body),)

    def _configured(self, terms: tuple[str, ...]) -> dict[str, object]:
        return {"type": "ConfigureSuccess", "request_id": self.request_id, "keyterms": list(terms)}

    def _refused(self, code: str, why: str) -> dict[str, str]:
        named = {"code": f"CONFIGURE_{code}", "description": why}
        return {"type": "ConfigureFailure", "request_id": self.request_id, **named}

    def _error(self, error: ErrorMessage) -> dict[str, str]:
        if error.ref is not None and error.ref.startswith("configure-"):
            return self._refused("INTERNAL_ERROR", error.message)
        return error_message(error.code, error.message)

    def _warned(self, *warned: Warned) -> "DeepgramListen":
        return replace(self, options=replace(self.options, warnings=(*self.options.warnings, *warned)))

    def _metadata(self, closed: Closed) -> dict[str, object]:
        told = transcript_metadata(
            request_id=self.request_id,
            sha256=None if self.digest is None else self.digest.hexdigest(),
            created=self.created,
            duration_s=closed.stats.audio_s,
            server=self.server,
        )
        warnings = [asdict(warned) for warned in self.options.warnings]
        return {"type": "Metadata", **told, **({"warnings": warnings} if warnings else {})}
