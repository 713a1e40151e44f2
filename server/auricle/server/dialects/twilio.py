"""Twilio Media Streams, ``/v1/twilio``: the audio of a call, mu-law at 8 kHz in base64.

Twilio sends ``connected``, ``start``, ``media``, perhaps ``mark`` and ``dtmf``, and ``stop``, then it hangs up. It
takes nothing but audio in return, so what is heard goes to those who listen to the call's feed,
``/v1/twilio/transcripts``. A stream's URL has no query: its configuration is in the parameters of ``<Stream>``. Source:
Twilio's reference of Media Streams, "WebSocket Messages".
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from auricle.core import codec
from auricle.core.audio_pieces import pieces
from auricle.core.codec import Decoded
from auricle.core.language_names import language_tag
from auricle.core.messages import (
    Closed,
    EndInput,
    ErrorMessage,
    Gap,
    Malformed,
    Message,
    Partial,
    Ping,
    Ready,
    SpeechEnd,
    SpeechStart,
    Start,
    WarningMessage,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Frame
from auricle.core.parts import AudioFormat, Bias, Features
from auricle.core.snapshot import Snapshot
from auricle.server.dialects.handshake import FeedSubscription, Handshake, Opening, Refused
from auricle.server.dialects.query_values import is_on, last, parse_query, whole
from auricle.server.dialects.service_dialect import ServiceDialect, dump

MULAW: Final = AudioFormat(encoding="mulaw", sample_rate=8_000)
STOP: Final = '{"event":"stop"}'
"""What a call that is cut short stands for: what has been said is still transcribed."""
LEAST_GAP_MS: Final = 200
"""Least time without media that is taken for a gap: less is jitter of Twilio's own clock."""
KEYS: Final = ("callSid", "streamSid")


def open_stream(handshake: Handshake) -> Opening | Refused:
    """Accept a stream; its ``start`` message says the rest."""
    return Opening(dialect=TwilioStream(limits=handshake.limits), feed=STOP)


def open_transcripts(handshake: Handshake) -> FeedSubscription | Refused:
    """Accept a listener to the feed of one call or stream: ``?callSid=`` or ``?streamSid=``."""
    query = parse_query(handshake.query)
    key = next((value for name in KEYS if (value := last(query, name))), None)
    if key is None:
        why = "Name the call whose transcripts you want: /v1/twilio/transcripts?callSid=CA… or ?streamSid=MZ…"
        return Refused(status=400, body=dump({"message": why}).encode())
    return FeedSubscription(key=key[:100])


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioStream(ServiceDialect):
    """One media stream."""

    about: Mapping[str, str] | None = None
    """``streamSid`` and ``callSid``, once ``start`` has told them."""
    track: str = "inbound"
    """The track that is heard: one of a call, the caller's where it is there."""

    # ------------------------------------------------------------------------ what Twilio sends

    def decode(self, frame: Frame, s: Snapshot) -> "tuple[TwilioStream, tuple[Decoded, ...]]":
        """Decode one of Twilio's messages; those of no meaning here are signs of life."""
        if isinstance(frame, bytes):
            return self, (Decoded(Malformed(code="bad_message", why="Twilio sends no binary frames")),)
        body = codec.parse_object(frame, self.limits.max_audio_bytes)
        if isinstance(body, Malformed):
            return self, (Decoded(body),)
        match body.get("event"):
            case "start" if not s.started:
                return self._start(_object(body, "start"))
            case "media":
                return self, self._media(_object(body, "media"), s)
            case "stop":
                return self, (Decoded(EndInput()),)
            case _:
                return self, (Decoded(Ping()),)

    def _start(self, start: Mapping[str, Any]) -> "tuple[TwilioStream, tuple[Decoded, ...]]":
        media = _object(start, "mediaFormat")
        if media.get("encoding", "audio/x-mulaw") != "audio/x-mulaw" or whole(str(media.get("channels", 1))) != 1:
            why = "the media of a stream is one channel of audio/x-mulaw"
            return self, (Decoded(Malformed(code="unsupported_encoding", why=why)),)
        named = {key: str(start.get(key) or "")[:100] for key in KEYS}
        asked = {name: value for name, value in _object(start, "customParameters").items() if isinstance(value, str)}
        tracks = start.get("tracks")
        heard = tracks[0] if isinstance(tracks, list) and tracks and "inbound" not in tracks else "inbound"
        terms = tuple(term.strip()[:200] for term in asked.get("terms", "").split(",") if term.strip())
        begun = Start(
            audio=MULAW,
            language=language_tag(asked.get("language", "")[:35]),
            features=Features(partials=is_on(asked.get("partials"), default=True), words=True),
            bias=Bias(terms=terms[:500], prompt=asked["prompt"][:2_000] if asked.get("prompt") else None),
            resume=False,
        )
        return replace(self, about=named, track=str(heard)[:20]), (Decoded(begun),)

    def _media(self, media: Mapping[str, Any], s: Snapshot) -> tuple[Decoded, ...]:
        if media.get("track", self.track) != self.track:
            return (Decoded(Ping()),)
        try:
            audio = base64.b64decode(media["payload"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            return (Decoded(Malformed(code="bad_message", why="the payload of media is base64")),)
        return (*self._gap(media, s), *pieces(audio, MULAW, self.limits))

    def _gap(self, media: Mapping[str, Any], s: Snapshot) -> tuple[Decoded, ...]:
        """Return the gap before a piece of media, so that times are those of the call."""
        at_ms = whole(str(media.get("timestamp", "")))
        missing = 0 if at_ms is None else at_ms * 8 - s.received
        longest = s.samples(self.limits.session_max_s if self.limits.session_max_s < 86_400 else 86_400)
        return (Decoded(Gap(samples=missing)),) if LEAST_GAP_MS * 8 <= missing <= longest and s.received else ()

    # ------------------------------------------------------------------------ what the call's listeners hear

    def encode(self, message: Message, s: Snapshot) -> "tuple[TwilioStream, tuple[Frame, ...]]":
        """Encode results, each with the names of its call."""
        match message:
            case Ready():
                body: dict[str, object] = {"event": "start", "track": self.track}
            case Partial() | FinalMessage() if message.text.strip():
                body = _transcript(message)
            case SpeechStart(time=at_s) | SpeechEnd(time=at_s):
                name = "speech_started" if isinstance(message, SpeechStart) else "speech_stopped"
                body = {"event": name, "timestamp": round(at_s * 1000)}
            case ErrorMessage() | WarningMessage():
                body = {"event": message.type, "code": message.code, "message": message.message}
            case Closed(stats=stats):
                accounts = {"complete": message.complete, "duration": stats.audio_s, "reason": message.reason}
                body = {"event": "stop", **accounts}
            case _:
                return self, ()
        return self, (dump({**body, **(self.about or {})}),)


def _transcript(said: Partial | FinalMessage) -> dict[str, object]:
    words = [
        {"word": word.text, "start": word.start, "end": word.end, "confidence": word.confidence}
        for word in said.words or ()
    ]
    return {
        "event": "transcript",
        "final": isinstance(said, FinalMessage),
        "text": said.text.strip(),
        "start": said.start,
        "end": said.end,
        "confidence": said.confidence,
        "language": said.language,
        "words": words,
    }


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}
