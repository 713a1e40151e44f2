"""The session of OpenAI's realtime transcription: what ``session.update`` asks for, and what is in effect.

An absent field is unchanged, null is the default of the field (no turn detection, no keywords). Unknown fields are
ignored. Source: OpenAI's realtime API reference (GA), and what its SDKs, LiveKit and pipecat send.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from auricle.core.language_names import language_tag
from auricle.core.messages import Start
from auricle.core.parts import AudioFormat, Bias, Encoding, Endpointing, Features

RATE: Final = 24_000
G711: Final[Mapping[str, Encoding]] = {"audio/pcmu": "mulaw", "audio/pcma": "alaw"}
COMMITTED_BY_CLIENT: Final = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""Models that know no turn detection: their clients leave it out, and commit."""
LOGPROBS: Final = "item.input_audio_transcription.logprobs"
FINALS_ALONE: Final = ("high", "xhigh")
"""Values of ``delay`` at which text waits for its final, whose decode then owes nothing to what was told before."""
DELAYS: Final = ("minimal", "low", "medium", *FINALS_ALONE)
MAX_TERMS: Final = 500


class BadValue(Exception):
    """A field of ``session.update`` is not what it has to be. The message is a sentence."""

    def __init__(self, param: str, why: str) -> None:
        super().__init__(f"{param} {why}.")
        self.param = param


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSession:
    """The effective session."""

    model: str | None = None
    """As the client calls it; where it is none of the server's, the default is meant."""
    audio: AudioFormat = AudioFormat(sample_rate=RATE)
    language: str | None = None
    languages: tuple[str, ...] = ()
    prompt: str | None = None
    keywords: tuple[str, ...] = ()
    delay: str | None = None
    detects_turns: bool | None = None
    """None: as the model does by default."""
    silence_ms: int | None = None
    logprobs: bool = False

    @property
    def by_server(self) -> bool:
        """Whether the server commits, at pauses; else the client does."""
        if self.detects_turns is not None:
            return self.detects_turns
        return not (self.model or "").startswith(COMMITTED_BY_CLIENT)

    @property
    def start(self) -> Start:
        """The ``start`` of a session with these settings."""
        at_once = self.delay not in FINALS_ALONE
        only = next(iter(self.languages), None) if len(self.languages) == 1 else None
        language = language_tag(self.language or only or "")
        tags = (language_tag(item) for item in self.languages)
        return Start(
            audio=self.audio,
            language=language,
            languages=() if language else tuple(tag for tag in tags if tag),
            model=self.model,
            features=Features(partials=at_once, stable_prefix=at_once, words=True),
            endpointing=Endpointing(silence_ms=self.silence_ms),
            bias=Bias(terms=self.keywords, prompt=self.prompt),
            resume=False,
        )

    def told(self, session_id: str) -> dict[str, object]:
        """Return the session as the client is told of it: what is in effect, and nothing that is not done."""
        transcription: dict[str, object] = {"model": self.model, "language": self.language}
        optional = {"languages": list(self.languages), "keywords": list(self.keywords)}
        transcription |= {name: value for name, value in optional.items() if value}
        transcription |= {n: v for n, v in (("prompt", self.prompt), ("delay", self.delay)) if v}
        kind = {encoding: name for name, encoding in G711.items()}.get(self.audio.encoding)
        pcm: dict[str, object] = {"type": "audio/pcm", "rate": self.audio.sample_rate}
        silence = {"silence_duration_ms": self.silence_ms or 500}
        return {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": f"sess_{session_id}",
            "audio": {
                "input": {
                    "format": pcm if kind is None else {"type": kind},
                    "transcription": transcription,
                    "noise_reduction": None,
                    "turn_detection": {"type": "server_vad", **silence} if self.by_server else None,
                }
            },
            "include": [LOGPROBS] if self.logprobs else [],
        }


def updated(session: RealtimeSession, change: Mapping[str, Any]) -> RealtimeSession:
    """Return the session after ``session.update`` with the object ``change``. Raises `BadValue`."""
    if change.get("type", "transcription") != "transcription":
        raise BadValue("session.type", "must be 'transcription' here: this server transcribes, and does not talk")
    asked = _object(_object(change, "audio", "session"), "input", "session.audio")
    where = "session.audio.input"
    if "include" in change:
        included = change["include"]
        session = replace(session, logprobs=isinstance(included, list) and LOGPROBS in included)
    if asked.get("format") is not None:
        session = replace(session, audio=_audio(_object(asked, "format", where)))
    if asked.get("transcription") is not None:
        session = _transcription(session, _object(asked, "transcription", where))
    if "turn_detection" in asked:
        session = _turn_detection(
            session, _object(asked, "turn_detection", where), is_off=asked["turn_detection"] is None
        )
    return session


def _audio(asked: Mapping[str, Any]) -> AudioFormat:
    name, rate = asked.get("type", "audio/pcm"), asked.get("rate") or RATE
    if name in G711:
        return AudioFormat(encoding=G711[name], sample_rate=8_000)
    if name != "audio/pcm":
        raise BadValue("session.audio.input.format.type", "must be 'audio/pcm', 'audio/pcmu' or 'audio/pcma'")
    if not isinstance(rate, int) or isinstance(rate, bool) or not 4_000 <= rate <= 192_000:
        raise BadValue("session.audio.input.format.rate", f"must be a number of Hz, {RATE} as a rule")
    return AudioFormat(sample_rate=rate)


def _transcription(session: RealtimeSession, asked: Mapping[str, Any]) -> RealtimeSession:
    where = "session.audio.input.transcription"
    delay = _text(asked, "delay", where, 16) if "delay" in asked else session.delay
    if delay is not None and delay not in DELAYS:
        raise BadValue(f"{where}.delay", f"must be one of {', '.join(DELAYS)}")
    return replace(
        session,
        delay=delay,
        model=_text(asked, "model", where, 200) if "model" in asked else session.model,
        language=_text(asked, "language", where, 35) if "language" in asked else session.language,
        prompt=_text(asked, "prompt", where, 2_000) if "prompt" in asked else session.prompt,
        languages=_texts(asked, "languages", where, 35, 32) if "languages" in asked else session.languages,
        keywords=_texts(asked, "keywords", where, 200, MAX_TERMS) if "keywords" in asked else session.keywords,
    )


def _turn_detection(session: RealtimeSession, asked: Mapping[str, Any], *, is_off: bool) -> RealtimeSession:
    silence_ms = asked.get("silence_duration_ms")
    if silence_ms is not None and (not isinstance(silence_ms, int) or isinstance(silence_ms, bool)):
        raise BadValue("session.audio.input.turn_detection.silence_duration_ms", "must be a number of milliseconds")
    bounded = None if silence_ms is None else min(10_000, max(200, silence_ms))
    return replace(session, detects_turns=not is_off, silence_ms=bounded)


def _object(body: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadValue(f"{where}.{name}", "must be an object")
    return value


def _text(body: Mapping[str, Any], name: str, where: str, longest: int) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadValue(f"{where}.{name}", "must be a string")
    return value[:longest] if value else None


def _texts(body: Mapping[str, Any], name: str, where: str, longest: int, most: int) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadValue(f"{where}.{name}", "must be a list of strings")
    return tuple(dict.fromkeys(item.strip()[:longest] for item in value if item.strip()))[:most]
