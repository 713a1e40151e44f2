"""What a client asks for, and a server where it does not, as the engine is told it; and what an engine cannot do."""

from dataclasses import dataclass
from typing import Final

from auricle.core import Start
from auricle.core.parts import AudioFormat
from auricle.engines.protocol import OFFLINE_DEFAULTS, EngineInfo, StreamConfig
from auricle.server.sessions.speaker_naming import NOBODY, SpeakerNaming
from auricle.server.sessions.turn_detection import BY_SILENCE, TurnDetection

MORE_LANGUAGES: Final = "a model of more languages is needed, such as Whisper's base"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDefaults:
    """How speech is heard where a client does not say. Recordings have an endpointing of their own."""

    language: str | None = None
    silence_s: float = StreamConfig().silence_s
    """Seconds of silence that end an utterance."""
    max_segment_s: float = StreamConfig().max_segment_s
    """Longest utterance in seconds; a longer one is cut."""
    turns: TurnDetection = BY_SILENCE
    """By what the end of a turn is told, where the client wants to know."""
    speakers: SpeakerNaming = NOBODY
    """By what it is told who speaks, where the client wants to know."""


SPEECH_DEFAULTS: Final = SpeechDefaults()


def stream_config(config: Start, given: SpeechDefaults) -> StreamConfig:
    """Return the engine's stream configuration; what the client leaves open is as ``given``."""
    endpointing = config.endpointing
    live = StreamConfig(silence_s=given.silence_s, max_segment_s=given.max_segment_s)
    defaults = OFFLINE_DEFAULTS if endpointing.offline else live
    silence_ms, max_segment_ms = endpointing.silence_ms, endpointing.max_segment_ms
    pause_ms = endpointing.pause_ms
    return StreamConfig(
        audio=AudioFormat(
            encoding=config.audio.encoding, sample_rate=config.audio.sample_rate, channels=config.audio.channels
        ),
        language=config.language or (None if config.languages else given.language),
        languages=config.languages,
        language_per_utterance=bool(config.features.language_per_utterance),
        task=config.task,
        partials=config.features.partials,
        stable_prefix=config.features.stable_prefix,
        silence_s=defaults.silence_s if silence_ms is None else silence_ms / 1000,
        pause_s=None if pause_ms is None else pause_ms / 1000,
        max_segment_s=defaults.max_segment_s if max_segment_ms is None else max_segment_ms / 1000,
        offline=defaults.offline,
        terms=config.bias.terms,
        prompt=config.bias.prompt,
    )


def unsupported(config: Start, info: EngineInfo) -> tuple[str, str, str] | None:
    """Return (error code, reason, JSON pointer of the field) where the engine cannot serve ``config``, else None."""
    who = f"{info.name} {info.model}" if info.model else info.name
    asked = [(config.language, "/language"), *((tag, f"/languages/{at}") for at, tag in enumerate(config.languages))]
    for language, pointer in asked:
        if language is not None and info.languages is not None and language.split("-")[0].lower() not in info.languages:
            known = ", ".join(info.languages)
            return "unsupported_language", f"{who} understands {known}, not {language!r}: {MORE_LANGUAGES}", pointer
    if config.task not in info.tasks:
        return "invalid_config", f"{who} cannot {config.task}: {MORE_LANGUAGES}", "/task"
    return None
