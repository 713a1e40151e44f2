"""Wyoming, the protocol of Home Assistant's voice services, over TCP (``--wyoming-port``).

A client says ``transcribe``, ``audio-start``, ``audio-chunk`` … and ``audio-stop``, and hears ``transcript-start``,
``transcript-chunk`` …, ``transcript`` and ``transcript-stop``; perhaps several times on one connection, which is one
session: ``audio-stop`` is a flush. A frame is an event as JSON, and one of bytes is the payload of the event before it
(`auricle.server.sessions.wyoming_wire`). Source: the ``wyoming`` package, and Home Assistant's integration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from auricle.core import codec
from auricle.core.audio_pieces import pieces
from auricle.core.codec import Decoded
from auricle.core.language_names import TAGS, language_tag
from auricle.core.messages import (
    Closed,
    Configure,
    EndInput,
    ErrorMessage,
    Flush,
    Flushed,
    Malformed,
    Message,
    Partial,
    Ping,
    Start,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Frame
from auricle.core.parts import AudioFormat, Bias, Features
from auricle.core.snapshot import Snapshot
from auricle.server.dialects.growing_text import GrowingText
from auricle.server.dialects.service_dialect import ServiceDialect, answer, dump

END: Final = '{"type":"end"}'
"""What the end of the connection stands for: what has been said is still decided."""
IDLE_S: Final = 3_600.0
"""Seconds without an event after which a connection is closed: satellites keep theirs open between commands."""
WIDTH: Final = 2
MAX_TERMS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WyomingConnection(ServiceDialect):
    """One connection."""

    language: str | None = None
    model: str | None = None
    """As the client calls it; where it is none of the server's, the default is meant."""
    bias: Bias = Bias()
    context: Mapping[str, Any] | None = None
    """What the client wants back with the transcript."""
    audio: AudioFormat = AudioFormat()
    said: GrowingText = GrowingText()
    begun: bool = False
    """Whether ``transcript-start`` has been sent for the command that is being heard."""
    asked: int = 0
    """Flushes and changes so far: their ids are numbers."""
    open: tuple[str, ...] = ()
    """Ids of the flushes that are commands."""

    # ------------------------------------------------------------------------ what the client sends

    def decode(self, frame: Frame, s: Snapshot) -> "tuple[WyomingConnection, tuple[Decoded, ...]]":
        """Decode an event, or the payload of an ``audio-chunk``; an event of an unknown type is a sign of life."""
        if isinstance(frame, bytes):
            return self, pieces(frame, self.audio, self.limits)
        body = codec.parse_object(frame, self.limits.max_start_bytes)
        if isinstance(body, Malformed):
            return self, (Decoded(body),)
        data = body.get("data")
        data = data if isinstance(data, dict) else {}
        match body.get("type"):
            case "transcribe":
                return self._transcribe(data), (Decoded(Ping()),)
            case "audio-start":
                return self._audio(data, s)
            case "audio-chunk" if s.started:
                return self._chunk(data, s)
            case "audio-chunk":
                return self._audio(data, s)
            case "audio-stop":
                asked = self.asked + 1
                flush = Flush(id=f"command-{asked}")
                stopped = replace(self, asked=asked, open=(*self.open, flush.id))
                return stopped, (*self._begin(s), Decoded(flush))
            case "ping":
                return self, answer({"type": "pong", "data": {"text": data.get("text")}})
            case "end":
                return self, (Decoded(EndInput()),)
            case "error":  # of the wire: the event cannot be read
                why, code = str(data.get("text"))[:200], data.get("code")
                known = code if code in ("too_large", "bad_message") else "bad_message"
                return self, (Decoded(Malformed(code=str(known), why=why)),)
            case _:
                return self, (Decoded(Ping()),)

    def _transcribe(self, data: Mapping[str, Any]) -> "WyomingConnection":
        model = data.get("name")
        names, terms = (_texts(data.get(key)) for key in ("transcript_names", "transcript_terms"))
        language, context = data.get("language"), data.get("context")
        return replace(
            self,
            model=model[:200] if isinstance(model, str) and model else None,
            language=language_tag(language[:35]) if isinstance(language, str) else None,
            bias=Bias(terms=tuple(dict.fromkeys((*names, *terms)))[:MAX_TERMS]),
            context=context if isinstance(context, dict) else None,
        )

    def _audio(self, data: Mapping[str, Any], s: Snapshot) -> "tuple[WyomingConnection, tuple[Decoded, ...]]":
        """Begin a command, with what ``transcribe`` has asked for."""
        audio = _format(data)
        if isinstance(audio, Malformed):
            return self, (Decoded(audio),)
        if not s.started:
            begun = replace(self, audio=audio)
            return begun, begun._begin(s)
        if audio != s.config.audio:
            why = f"one connection has one audio format, {s.config.audio.sample_rate} Hz here"
            return self, (Decoded(Malformed(code="invalid_config", why=why)),)
        config = s.changes[-1].config if s.changes else s.config
        if (config.language, config.bias) == (self.language, self.bias):
            return self, (Decoded(Ping()),)
        asked = self.asked + 1
        change = {"language": self.language, "bias": codec.plain(self.bias)}
        return replace(self, asked=asked), (Decoded(Configure(id=f"change-{asked}", set=change)),)

    def _chunk(self, data: Mapping[str, Any], s: Snapshot) -> "tuple[WyomingConnection, tuple[Decoded, ...]]":
        audio = _format(data)
        if audio == s.config.audio:
            return self, (Decoded(Ping()),)  # its payload is the next frame
        why = audio.why if isinstance(audio, Malformed) else "the format of a chunk is not that of audio-start"
        return self, (Decoded(Malformed(code="invalid_config", why=why)),)

    def _begin(self, s: Snapshot) -> tuple[Decoded, ...]:
        if s.started:
            return ()
        features = Features(words=False)
        start = Start(
            audio=self.audio, language=self.language, model=self.model, bias=self.bias, features=features, resume=False
        )
        return (Decoded(start),)

    # ------------------------------------------------------------------------ what the client hears

    def encode(self, message: Message, s: Snapshot) -> "tuple[WyomingConnection, tuple[Frame, ...]]":
        """Encode text as it grows, the transcript of a command at its end, and errors."""
        match message:
            case Partial():
                return self._chunked(*self.said.heard(message.text, message.stable))
            case FinalMessage():
                return self._chunked(*self.said.decided(message))
            case Flushed(id=command) if command in self.open:
                return self._transcript()
            case Closed() if self.said.text:
                return self._transcript()
            case ErrorMessage():
                error = _event("error", {"text": message.message, "code": message.code})
                if message.ref is not None and message.ref in self.open:
                    done, frames = self._transcript()  # a client waits for a transcript, whatever happens
                    return done, (error, *frames)
                return self, (error,)
            case _:
                return self, ()

    def _chunked(self, said: GrowingText, piece: str) -> "tuple[WyomingConnection, tuple[Frame, ...]]":
        if not piece:
            return replace(self, said=said), ()
        chunk = _event("transcript-chunk", {"text": piece})
        return replace(self, said=said, begun=True), (*self._transcript_start(), chunk)

    def _transcript_start(self) -> tuple[Frame, ...]:
        return () if self.begun else (_event("transcript-start", {"language": self.language, "context": self.context}),)

    def _transcript(self) -> "tuple[WyomingConnection, tuple[Frame, ...]]":
        language = next(iter(self.said.languages), self.language)
        told = {"text": self.said.text, "language": language, "context": self.context}
        frames = (*self._transcript_start(), _event("transcript", told), _event("transcript-stop", {}))
        return replace(self, said=GrowingText(), begun=False, open=self.open[1:]), frames


class ToldModel(NamedTuple):
    """A model, as ``describe`` is answered. ``languages`` None: all of Whisper's."""

    name: str
    engine: str
    languages: Sequence[str] | None


def info_event(models: Sequence[ToldModel], *, version: str) -> str:
    """Return the answer to ``describe``: one program with its models, the default one first."""
    about = {"attribution": {"name": "Auricle", "url": ""}, "installed": True, "version": version}
    program = {
        "name": "auricle",
        "description": "Auricle: every sample accounted for",
        "models": [
            {
                "name": model.name,
                "description": f"{model.engine} {model.name}",
                "languages": list(model.languages) if model.languages is not None else sorted(set(TAGS.values())),
                **about,
            }
            for model in models
        ],
        "supports_transcript_streaming": True,
        "requires_external_vad": True,
        **about,
    }
    return _event("info", {"asr": [program]})


def _format(data: Mapping[str, Any]) -> AudioFormat | Malformed:
    rate, width, channels = (data.get(key) for key in ("rate", "width", "channels"))
    if width != WIDTH:
        return Malformed(
            code="unsupported_encoding", why=f"audio has {WIDTH} bytes a sample (width), not {width!r:.20}"
        )
    if type(rate) is not int or not 4_000 <= rate <= 192_000 or type(channels) is not int or not 1 <= channels <= 8:
        return Malformed(code="invalid_config", why="audio has a rate of 4000 to 192000 Hz, and 1 to 8 channels")
    return AudioFormat(sample_rate=rate, channels=channels)


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return tuple(item.strip()[:200] for item in items if isinstance(item, str) and item.strip())


def _event(name: str, data: Mapping[str, object]) -> str:
    return dump({"type": name, "data": {key: value for key, value in data.items() if value is not None}})
