"""The legacy dialect on ``/ws/transcribe``, for clients and for servers. Source: notes/wire-protocols.md §3.11.

Client: ``{language, sample_rate, task}``, binary 16-bit PCM, ``{"type":"end_of_stream"}``. Server:
``{"type":"ready","message"}``, ``{"type":"final","text","start","end","confidence"}`` for each segment,
``{"type":"error","message"}``, and then it closes. There is no accounting, so a client can only call the end
unverified.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from auricle.core import codec, schema
from auricle.core.audio_pieces import container_name, pieces
from auricle.core.codec import Decoded
from auricle.core.dialect import V1, Dialect
from auricle.core.errors import ERROR_CODES, NORMAL_CLOSURE
from auricle.core.language_names import language_tag
from auricle.core.limits import Limits
from auricle.core.messages import Audio, Closed, EndInput, ErrorMessage, Gap, Malformed, Message, Ready, Start, Unknown
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Frame
from auricle.core.parts import SAMPLE_BYTES, AudioFormat, ClosedStats, Features, ServerInfo
from auricle.core.schema import MAX_INTEGER
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role
from auricle.core.stimuli import Lose

END_OF_STREAM: Final = '{"type":"end_of_stream"}'
FEATURES: Final = Features(partials=False, words=False, speech_events=False, acks=False)
"""The features of a legacy session: its dialect has no messages for the others."""


class Undecided(NamedTuple):
    """Server: the client negotiated no subprotocol; its first text message decides which dialect it uses.

    ``"type"`` present: ``auricle.v1``. A JSON object without it: legacy. Anything else: `config_required`.
    """

    limits: Limits
    legacy: bool = False

    def decode(self, frame: Frame, s: Snapshot) -> tuple[Dialect, tuple[Decoded, ...]]:
        """Decode the first frame; return the dialect that it is in."""
        v1 = V1(Role.CLIENT, self.limits)
        if frame == b"":
            return self, ()  # an empty binary frame does not show the dialect either
        if isinstance(frame, bytes):
            return v1.decode(frame, s)
        body = codec.parse_object(frame, self.limits.max_start_bytes)
        if isinstance(body, Malformed):
            return v1, (Decoded(Malformed(code="config_required", why=f"the first message must be start: {body.why}")),)
        if "type" in body:
            return v1, (codec.decode_object(body, Role.CLIENT, self.limits, codec.utf8_length(frame)),)
        return LegacyClient(self.limits), (_start(body),)

    def encode(self, message: Message, s: Snapshot) -> tuple[Dialect, tuple[Frame, ...]]:
        """Encode as ``auricle.v1`` as long as the dialect is not known."""
        return self, (codec.encode(message),)

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return them as they are."""
        return code, reason

    def conclude(self, lost: Lose, s: Snapshot) -> Closed | None:
        """Return None: no session had been started."""
        return None


class LegacyClient(NamedTuple):
    """Server: the peer is a legacy client."""

    limits: Limits
    failed: bool = False
    """Whether the client has been told an error: no more than one comes before the close."""
    legacy: bool = True

    def decode(self, frame: Frame, s: Snapshot) -> tuple[Dialect, tuple[Decoded, ...]]:
        """Decode binary as audio, ``end_of_stream`` as the end, and anything else, also invalid JSON, as unknown."""
        if isinstance(frame, bytes):
            return self, self._audio(frame, s)
        body = codec.parse_object(frame, self.limits.max_start_bytes)
        if isinstance(body, Malformed):
            # The seed: "invalid JSON from a client is a logged warning, not the end of the session".
            return self, (Decoded(Unknown(name="invalid JSON")),)
        if body.get("type") == "end_of_stream":
            return self, (Decoded(EndInput()),)
        return self, (Decoded(Unknown(name="unknown")),)

    def encode(self, message: Message, s: Snapshot) -> tuple[Dialect, tuple[Frame, ...]]:
        """Encode ``ready``, finals with text and fatal errors, with exactly the old keys; nothing else."""
        body: dict[str, object]
        match message:
            case Ready():
                body = {"type": "ready", "message": "Ready to receive audio"}
            case FinalMessage(text=text) if text.strip():
                times = {"start": message.start, "end": message.end, "confidence": message.confidence}
                body = {"type": "final", "text": text, **times}
            case ErrorMessage(fatal=True):
                body = {"type": "error", "message": f"{message.code}: {message.message}"}
                return self._replace(failed=True), (_dump(body),)
            case Closed(code=code, reason=reason) if code != NORMAL_CLOSURE and not self.failed:
                body = {"type": "error", "message": f"{reason}: the server has ended the session"}
            case _:
                return self, ()
        return self, (_dump(body),)

    def _audio(self, frame: bytes, s: Snapshot) -> tuple[Decoded, ...]:
        """Return audio of any length, piece by piece. Behind the end it is dropped silently."""
        if s.ended or not frame:
            return ()
        container = container_name(frame) if s.received == 0 else None
        if container is not None:
            why = f"the audio is {container}, and not 16-bit PCM: send the samples alone, decoded"
            return (Decoded(Malformed(code="unsupported_data", why=why)),)
        return pieces(frame, s.config.audio, self.limits)

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return them as they are."""
        return code, reason

    def conclude(self, lost: Lose, s: Snapshot) -> Closed | None:
        """Return None: a legacy client has no accounting."""
        return None


class LegacyServer(NamedTuple):
    """Client: the peer is a legacy server (it selected no subprotocol)."""

    limits: Limits
    legacy: bool = True

    def decode(self, frame: Frame, s: Snapshot) -> tuple[Dialect, tuple[Decoded, ...]]:
        """Decode ``ready``, ``final`` and ``error``. Unknown types are ignored."""
        if isinstance(frame, bytes):
            return self, ()
        body = codec.parse_object(frame, self.limits.max_message_bytes)
        if isinstance(body, Malformed):
            return self, (Decoded(body),)
        try:
            message = _from_server(body, s)
        except schema.FieldError as error:
            return self, (Decoded(Malformed(code="bad_message", why=str(error), param=error.path)),)
        return self, () if message is None else (Decoded(message),)

    def encode(self, message: Message, s: Snapshot) -> tuple[Dialect, tuple[Frame, ...]]:
        """Encode ``start``, audio and the end; a legacy server knows no flush, ping or cancel."""
        match message:
            case Start():
                config = {"language": message.language, "sample_rate": message.audio.sample_rate, "task": message.task}
                return self, (_dump(config),)
            case Audio():
                return self, (message.data,)
            case Gap(samples=samples):
                # It knows no gaps: silence keeps its times correct.
                return self, (bytes(samples * SAMPLE_BYTES["pcm_s16le"]),)
            case EndInput():
                return self, (END_OF_STREAM,)
            case _:
                return self, ()

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return them as they are."""
        return code, reason

    def conclude(self, lost: Lose, s: Snapshot) -> Closed | None:
        """Return ``completed`` for a normal close after the end of the stream, the only completion of this dialect."""
        sent_all = s.ended and s.outbox_sent == len(s.outbox)
        if not (sent_all and lost.how == "eof" and lost.code == NORMAL_CLOSURE and s.error is None):
            return None
        stats = ClosedStats(received=s.sent, processed=s.sent, committed=s.committed, segments=s.segment, words=s.words)
        return Closed(seq=s.seq + 1, reason="completed", code=NORMAL_CLOSURE, complete=False, stats=stats)


def _dump(body: Mapping[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False)


def _start(body: Mapping[str, Any]) -> Decoded:
    """Decode the old configuration: every key is optional, unknown ones are ignored, null and "" count as absent.

    Old clients write a language as a tag, a locale or a name, "auto" for any, and a rate also as text or as a float.
    """
    given = {key: value for key, value in body.items() if value is not None and value != ""}
    audio = {"sample_rate": _rate(given["sample_rate"])} if "sample_rate" in given else {}
    wanted: dict[str, Any] = {key: given[key] for key in ("language", "task") if key in given}
    if isinstance(wanted.get("language"), str):
        wanted["language"] = language_tag(wanted["language"])
    try:
        start, ignored = schema.parse(Start, {"audio": audio, **wanted})
    except schema.FieldError as error:
        return Decoded(Malformed(code="invalid_config", why=str(error), param=error.path))
    assert isinstance(start, Start)
    extra = tuple(f"/{key}" for key in body if key not in ("language", "task", "sample_rate"))
    legacy = Start(
        audio=AudioFormat(sample_rate=start.audio.sample_rate),
        language=start.language,
        task=start.task,
        features=FEATURES,
        resume=False,
    )
    return Decoded(legacy, ignored + extra)


def _rate(value: object) -> object:
    """Return a whole number that is written as text or as a float; anything else as it is, to be refused."""
    try:
        number = float(value) if isinstance(value, str | float) else math.nan
    except ValueError:
        return value
    return int(number) if number.is_integer() else value


def _from_server(body: Mapping[str, Any], s: Snapshot) -> Message | None:
    seq = s.seq + 1
    match body.get("type"):
        case "ready":
            return Ready(
                seq=seq,
                session="",
                message=str(body.get("message", "ready")),
                protocol="legacy",
                credit=MAX_INTEGER,
                server=ServerInfo(name="legacy"),
            )
        case "final":
            return _final(body, s)
        case "error":
            row = ERROR_CODES["internal"]
            why = str(body.get("message", "the server failed"))
            return ErrorMessage(
                seq=seq, code="internal", message=why, fatal=True, retriable=row.retriable, status=row.status
            )
        case _:
            return None


def _final(body: Mapping[str, Any], s: Snapshot) -> FinalMessage:
    start, end = _number(body, "start"), _number(body, "end")
    confidence = _number(body, "confidence")
    if confidence < 0:
        # The old server sent Whisper's average log-probability; in every dialect of ours it is a probability.
        confidence = math.exp(confidence)
    return FinalMessage(
        seq=s.seq + 1,
        segment=s.segment,
        text=str(body.get("text", "")),
        start=max(0.0, min(start, end)),
        end=max(0.0, start, end),
        confidence=min(1.0, confidence),
        audio=(s.committed, s.committed),
        reason="endpoint",
    )


def _number(body: Mapping[str, Any], key: str) -> float:
    value = body.get(key, 0.0)
    if not schema.is_finite(value):
        raise schema.FieldError(f"/{key}", "must be a finite number")
    return float(value)
