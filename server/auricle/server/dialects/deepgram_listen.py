"""A session of Deepgram's live transcription, ``/v1/listen`` as a WebSocket. Its query is read in `deepgram`.

A client sends binary audio and the text messages ``KeepAlive``, ``Finalize``, ``Configure`` and ``CloseStream``; it
hears ``Results``, ``SpeechStarted``, ``UtteranceEnd``, ``Metadata`` once at the end, and the server closes. Source:
Deepgram's API reference, and its clients (notes/wire-protocols.md §4.1).
"""

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
from auricle.server.dialects.deepgram_changes import (
    ChangeRefused,
    NotAChange,
    failure_message,
    features_not_done,
    read_terms,
    success_message,
)
from auricle.server.dialects.deepgram_options import ListenOptions, Warned
from auricle.server.dialects.deepgram_results import (
    Told,
    alternative,
    error_message,
    results_message,
    transcript_metadata,
)
from auricle.server.dialects.service_dialect import ServiceDialect, answer, dump

if TYPE_CHECKING:
    from hashlib import _Hash

ENDS_SPEECH: Final = ("endpoint", "flush", "end_input")
"""Reasons of a final after which nobody speaks (``speech_final``)."""
LONGEST_CONTROL: Final = 256 * 1024
"""Bytes of a text message: a ``Configure`` has room for as many keyterms as there may be."""
MOST_WARNINGS: Final = 100
"""Rows of ``Metadata.warnings`` beyond which changes add none."""
CLOSE_FRAMES: Final[Mapping[int, tuple[int, str]]] = {
    4408: (1011, "NET-0001"),
    1002: (1008, "DATA-0000"),
    1003: (1008, "DATA-0000"),
    1007: (1008, "DATA-0000"),
    4400: (1008, "DATA-0000"),
    4413: (1008, "DATA-0000"),
}
"""Deepgram's close code and reason for one of ``auricle.v1``; others below 3000 stay, and the rest is ``NET-0000``."""


def is_end(frame: Frame) -> bool:
    """Whether a frame says that there is no more audio: ``CloseStream``, or an empty binary one."""
    if isinstance(frame, bytes):
        return not frame
    body = codec.parse_object(frame, LONGEST_CONTROL)
    return isinstance(body, dict) and body.get("type") == "CloseStream"


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
        body = codec.parse_object(frame, LONGEST_CONTROL)
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
        try:
            terms = read_terms(body)
            if terms is not None and s.changes:
                raise ChangeRefused("ALREADY_PENDING", "The change before this one has not been answered yet.")
        except NotAChange as wrong:
            return self, self._schema_error(str(wrong))
        except ChangeRefused as refusal:
            return self, answer(failure_message(self.request_id, refusal.code, str(refusal)))
        warned = self._cannot(body)
        if terms is None:
            kept = s.changes[-1].config if s.changes else s.config
            return warned, answer(success_message(self.request_id, kept.bias.terms))
        change = Configure(id=f"configure-{self.asked + 1}", set={"bias": {"terms": list(terms)}})
        return replace(warned, asked=self.asked + 1), (Decoded(change),)

    def _cannot(self, body: Mapping[str, Any]) -> "DeepgramListen":
        """Return the dialect that will tell which features of a ``Configure`` are not done."""
        told = [warned.parameter for warned in self.options.warnings]
        warned = features_not_done(body, told)
        return self._warned(*warned) if warned and len(told) < MOST_WARNINGS else self

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
                return self, (dump(success_message(self.request_id, terms)),)
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

    def _error(self, error: ErrorMessage) -> Mapping[str, object]:
        if error.ref is not None and error.ref.startswith("configure-"):
            return failure_message(self.request_id, "INTERNAL_ERROR", error.message)
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
