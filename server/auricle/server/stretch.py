"""A stretch of a session: the part of it that is heard under one configuration, by one engine session.

A session begins with one. ``configure`` ends it at its position and begins the next; so any engine can be reconfigured,
and what comes before the change is decided as it was configured then (O7). Engines count from the first sample they
are given: here their positions and times become the session's.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, assert_never

from auricle.core import Start, Word
from auricle.core.parts import AudioFormat, FinalDetails
from auricle.engines.actor import EngineActor
from auricle.engines.protocol import (
    EngineInfo,
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
    TimedWord,
    UtteranceFailed,
)

SILENCE: Final = {"pcm_s16le": b"\0", "pcm_f32le": b"\0", "mulaw": b"\xff", "alaw": b"\xd5"}
"""The byte that silence is made of (ITU-T G.711 for the last two)."""


class Stretch:
    """One engine session, spoken to in the positions of the session it is part of."""

    def __init__(self, actor: EngineActor, config: Start, *, base_sample: int, language: str | None) -> None:
        self.change_id: str | None = None
        """The ``configure`` that ended it; None: the end of input does, or nothing yet."""
        self._audio = config.audio
        self._base = base_sample
        self._base_s = base_sample / config.audio.sample_rate
        self._engine = actor.open(_stream_config(config, language))

    def feed(self, pcm: bytes) -> None:
        """Let it hear whole sample frames."""
        self._engine.feed(pcm)

    def skip(self, samples: int) -> None:
        """Let it hear that there is nothing to hear."""
        for count in _pieces(samples, self._audio.sample_rate):
            self._engine.feed(SILENCE[self._audio.encoding] * (count * self._audio.frame_bytes))

    def flush(self, flush_id: str, at_sample: int) -> None:
        """Decide everything before a position; one from before the stretch is decided where the stretch begins."""
        self._engine.flush(flush_id, max(0, at_sample - self._base))

    def finish(self) -> None:
        """Decide everything: there is no more."""
        self._engine.finish()

    def change(self, change_id: str) -> None:
        """Decide everything: what comes is for another configuration."""
        self.change_id = change_id
        self._engine.finish()

    def close(self) -> None:
        """Nobody listens any more."""
        self._engine.close()

    async def results(self) -> "list[Result]":
        """Wait for results, in the session's positions; none once the stretch is over. Raises `EngineError`."""
        return [self._placed(result) for result in await self._engine.receive()]

    def _placed(self, result: Result) -> Result:
        base, base_s = self._base, self._base_s
        match result:
            case Processed():
                return replace(result, upto_sample=result.upto_sample + base)
            case SpeechStarted() | SpeechEnded():
                return replace(result, at_sample=result.at_sample + base)
            case PartialResult():
                words = _later(result.words, base_s)
                return replace(result, start_s=result.start_s + base_s, end_s=result.end_s + base_s, words=words)
            case FinalResult():
                return replace(
                    result,
                    start_s=result.start_s + base_s,
                    end_s=result.end_s + base_s,
                    end_sample=result.end_sample + base,
                    words=_later(result.words, base_s),
                    reason="configure" if self._is_cut(result) else result.reason,
                )
            case UtteranceFailed():
                return replace(result, end_sample=result.end_sample + base)
            case FlushDone():
                return replace(result, upto_sample=result.upto_sample + base)
            case StreamDone():
                return result
            case _:
                assert_never(result)

    def _is_cut(self, result: FinalResult) -> bool:
        return self.change_id is not None and result.reason == "end_input"


def refusal(config: Start, info: EngineInfo) -> tuple[str, str, str] | None:
    """Return error code, reason and parameter where the engine cannot do what is asked."""
    language = config.language
    if language is not None and info.languages is not None and language.split("-")[0].lower() not in info.languages:
        known = ", ".join(info.languages)
        return "unsupported_language", f"{info.name} understands {known}, not {language!r}", "/language"
    if config.task not in info.tasks:
        return "invalid_config", f"{info.name} cannot {config.task}", "/task"
    if config.model is not None and config.model != info.model:
        return "unsupported_model", f"this server runs {info.model!r}, not {config.model!r}", "/model"
    return None


def wire_words(words: tuple[TimedWord, ...]) -> tuple[Word, ...]:
    """Return words as messages hold them."""
    return tuple(
        Word(text=word.text, start=round(word.start_s, 3), end=round(word.end_s, 3), confidence=word.confidence)
        for word in words
    )


def details_of(result: FinalResult) -> FinalDetails | None:
    """Return what the engine made of the segment; None where it knows nothing."""
    if result.avg_logprob is None and result.no_speech_prob is None:
        return None
    return FinalDetails(
        avg_logprob=None if result.avg_logprob is None else round(result.avg_logprob, 4),
        no_speech_prob=None if result.no_speech_prob is None else round(result.no_speech_prob, 4),
    )


def _later(words: tuple[TimedWord, ...], by_s: float) -> tuple[TimedWord, ...]:
    return tuple(replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s) for word in words)


def _pieces(samples: int, most: int) -> Iterator[int]:
    while samples > 0:
        yield min(samples, most)
        samples -= most


def _stream_config(config: Start, language: str | None) -> StreamConfig:
    """Return what the engine is asked for; ``language`` is the server's own, for clients that name none."""
    defaults = StreamConfig()
    endpointing = config.endpointing
    silence_ms, max_segment_ms = endpointing.silence_ms, endpointing.max_segment_ms
    return StreamConfig(
        audio=AudioFormat(
            encoding=config.audio.encoding, sample_rate=config.audio.sample_rate, channels=config.audio.channels
        ),
        language=config.language or language,
        task=config.task,
        partials=config.features.partials,
        silence_s=defaults.silence_s if silence_ms is None else silence_ms / 1000,
        max_segment_s=defaults.max_segment_s if max_segment_ms is None else max_segment_ms / 1000,
        terms=config.bias.terms,
        prompt=config.bias.prompt,
    )
