"""The span of a session under one configuration, transcribed by one engine session.

A session begins with one span. ``configure`` ends it at the requested position and begins the next one, so every engine
can be reconfigured, and audio before the change is decided under the old configuration (O7). An engine session counts
from the first sample it is given; this module converts its positions and times to those of the whole session.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, assert_never

from auricle.core import Start, Word
from auricle.core.parts import AudioFormat, FinalDetails
from auricle.engines.actor import EngineActor
from auricle.engines.audio.encodings import SILENCE
from auricle.engines.protocol import (
    OFFLINE_DEFAULTS,
    EngineInfo,
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    QueueMoved,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
    TimedWord,
    UtteranceFailed,
)
from auricle.engines.turn_results import TurnGoesOn, TurnMaybeOver, TurnOver
from auricle.server.sessions.speaker_naming import NOBODY, SpeakerNaming
from auricle.server.sessions.turn_detection import BY_SILENCE, TurnDetection


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


class ConfigurationSpan:
    """One engine session, addressed in the positions of the session it is part of.

    ``base_sample`` is the position of its first sample frame. ``defaults`` are the server's. ``owner`` is told to those
    who watch the engine.
    """

    def __init__(
        self,
        actor: EngineActor,
        config: Start,
        *,
        base_sample: int,
        defaults: SpeechDefaults,
        owner: object | None = None,
    ) -> None:
        self.change_id: str | None = None
        """Id of the ``configure`` request that ended the span; None while it is open or where the input ended it."""
        self._audio = config.audio
        self._base = base_sample
        self._base_s = base_sample / config.audio.sample_rate
        stream = _stream_config(config, defaults)
        self._engine = actor.open(stream, owner, defaults.turns.of_session(config, stream.silence_s))

    def feed(self, pcm: bytes) -> None:
        """Feed whole sample frames in the declared format."""
        self._engine.feed(pcm)

    def skip(self, samples: int) -> None:
        """Feed silence for ``samples`` sample frames for which there is no audio."""
        for count in _chunk_sizes(samples, self._audio.sample_rate):
            self._engine.feed(SILENCE[self._audio.encoding] * (count * self._audio.frame_bytes))

    def flush(self, flush_id: str, at_sample: int) -> None:
        """Ask for finals up to session position ``at_sample``; one before the span counts as its beginning."""
        self._engine.flush(flush_id, max(0, at_sample - self._base))

    def finish(self) -> None:
        """End the input of the engine session."""
        self._engine.finish()

    def change(self, change_id: str) -> None:
        """End the input of the engine session because of the ``configure`` request ``change_id``."""
        self.change_id = change_id
        self._engine.finish()

    def close(self) -> None:
        """Close the engine session; results that are still pending are discarded."""
        self._engine.close()

    async def results(self) -> "list[Result]":
        """Wait for results, in session positions; an empty list once the span has ended. Raises `EngineError`."""
        return [self._in_session_positions(result) for result in await self._engine.receive()]

    def _in_session_positions(self, result: Result) -> Result:
        base, base_s = self._base, self._base_s
        match result:
            case Processed():
                return replace(result, upto_sample=result.upto_sample + base)
            case SpeechStarted() | SpeechEnded() | TurnMaybeOver() | TurnGoesOn() | TurnOver():
                return replace(result, at_sample=result.at_sample + base)
            case PartialResult():
                words = _shifted(result.words, base_s)
                return replace(result, start_s=result.start_s + base_s, end_s=result.end_s + base_s, words=words)
            case FinalResult():
                return replace(
                    result,
                    start_s=result.start_s + base_s,
                    end_s=result.end_s + base_s,
                    end_sample=result.end_sample + base,
                    words=_shifted(result.words, base_s),
                    reason="configure" if self._ended_by_configure(result) else result.reason,
                )
            case UtteranceFailed():
                return replace(result, end_sample=result.end_sample + base)
            case FlushDone():
                return replace(result, upto_sample=result.upto_sample + base)
            case StreamDone() | QueueMoved():
                return result
            case _:
                assert_never(result)

    def _ended_by_configure(self, result: FinalResult) -> bool:
        return self.change_id is not None and result.reason == "end_input"


MORE_LANGUAGES: Final = "a model of more languages is needed, such as Whisper's base"


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


def wire_words(words: tuple[TimedWord, ...]) -> tuple[Word, ...]:
    """Return the engine's words as protocol words; times are rounded to milliseconds."""
    return tuple(
        Word(text=word.text, start=round(word.start_s, 3), end=round(word.end_s, 3), confidence=word.confidence)
        for word in words
    )


def final_details(result: FinalResult) -> FinalDetails | None:
    """Return the decoder statistics of a final; None where the engine gives none."""
    if result.avg_logprob is None and result.no_speech_prob is None and not result.doubtful:
        return None
    return FinalDetails(
        avg_logprob=None if result.avg_logprob is None else round(result.avg_logprob, 4),
        no_speech_prob=None if result.no_speech_prob is None else round(result.no_speech_prob, 4),
        doubtful=True if result.doubtful else None,
    )


def _shifted(words: tuple[TimedWord, ...], offset_s: float) -> tuple[TimedWord, ...]:
    return tuple(replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s) for word in words)


def _chunk_sizes(samples: int, most: int) -> Iterator[int]:
    while samples > 0:
        yield min(samples, most)
        samples -= most


def _stream_config(config: Start, given: SpeechDefaults) -> StreamConfig:
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
