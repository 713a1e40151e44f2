"""The span of a session under one configuration, transcribed by one engine session.

A session begins with one span. ``configure`` ends it at the requested position and begins the next one, so every engine
can be reconfigured, and audio before the change is decided under the old configuration (O7). An engine session counts
from the first sample it is given; this module converts its positions and times to those of the whole session.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from auricle.core import Start
from auricle.engines.actor import EngineActor
from auricle.engines.audio.encodings import SILENCE
from auricle.engines.protocol import (
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    QueueMoved,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamDone,
    TimedWord,
    UtteranceFailed,
)
from auricle.engines.turn_results import TurnGoesOn, TurnMaybeOver, TurnOver
from auricle.server.sessions.stream_config import SpeechDefaults, stream_config


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
        stream = stream_config(config, defaults)
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


def _shifted(words: tuple[TimedWord, ...], offset_s: float) -> tuple[TimedWord, ...]:
    return tuple(replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s) for word in words)


def _chunk_sizes(samples: int, most: int) -> Iterator[int]:
    while samples > 0:
        yield min(samples, most)
        samples -= most
