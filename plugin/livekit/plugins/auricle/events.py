"""From what the server says to what the framework wants to hear. Pure: no clock, no I/O, no task.

Per utterance START_OF_SPEECH, INTERIM*, PREFLIGHT?, FINAL, END_OF_SPEECH, with exactly one end for each start, whatever
the server or the network does; and never an event about speech without its alternative (the framework's consumer dies
of one). Times in events are seconds on the framework's input timeline.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livekit.agents import LanguageCode
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.plugins.auricle.words import has_words, timed

from auricle.core import (
    Ack,
    ClientEvent,
    Final,
    Flushed,
    FlushTimedOut,
    Partial,
    Ready,
    Restarted,
    SpeechEnd,
    SpeechStart,
)

Wall = Callable[[float], float]
"""Seconds of the stream's audio to seconds of the wall clock, at which a sound there began, or ended."""
CONCRETE_UNKNOWN = LanguageCode("")


@dataclass
class _Open:
    """The text of the open segment."""

    partial: Partial
    still_since: float
    """Where in the audio the text came to stand."""
    offered: bool = False
    """Whether it has been a preflight."""


class Translator:
    """Tells a stream's story, over however many sessions."""

    def __init__(
        self,
        *,
        sample_rate: int,
        language: str | None,
        preflight_after: float | None,
        began_at: Wall,
        ended_at: Wall,
    ) -> None:
        self.offset_s = 0.0
        """What the framework's timeline is ahead of the stream's."""
        self.speaking = False
        self.finals = 0
        """Finals told, with words or without."""
        self._rate = sample_rate
        self._preflight_after = preflight_after
        self._began_at = began_at
        self._ended_at = ended_at
        self._language = LanguageCode(language) if language else CONCRETE_UNKNOWN
        self._session = ""
        self._implied = False
        """The start of speech was ours to tell, and so is its end."""
        self._open: _Open | None = None
        self._spoken_until_s = 0.0

    def translate(self, event: ClientEvent) -> Sequence[SpeechEvent]:
        """Return what an event of the client means to the framework."""
        match event:
            case Ready():
                self._meet(event)
                return ()
            case SpeechStart():
                return self._start(event.time)
            case Partial():
                return self._interim(event)
            case Ack():
                return self._preflight(event.processed / self._rate)
            case Final():
                return self._final(event)
            case SpeechEnd():
                return self._end(event.time)
            case Restarted():
                return self.close()
            case Flushed() | FlushTimedOut():
                self._open = None if isinstance(event, Flushed) else self._open
                return ()
            case _:
                return ()

    def close(self) -> Sequence[SpeechEvent]:
        """Return what is owed where nothing more will be said: the end of a speech that has started."""
        self._open = None
        return self._end(self._spoken_until_s)

    def empty_final(self) -> SpeechEvent:
        """Return the answer to a flush that found nothing: who asked for it waits for a FINAL."""
        self.finals += 1
        return self._event(SpeechEventType.FINAL_TRANSCRIPT, SpeechData(language=self._language, text=""))

    # ------------------------------------------------------------------------ the story

    def _meet(self, ready: Ready) -> None:
        self._session = ready.session
        language = ready.effective.get("language")
        if isinstance(language, str):
            self._learn(language)

    def _learn(self, language: str | None) -> None:
        if language:
            self._language = LanguageCode(language)

    def _start(self, at_s: float) -> list[SpeechEvent]:
        if self.speaking:
            return []
        self.speaking, self._implied, self._spoken_until_s = True, False, at_s
        return [self._event(SpeechEventType.START_OF_SPEECH, start=self._began_at(at_s))]

    def _end(self, at_s: float) -> list[SpeechEvent]:
        if not self.speaking:
            return []
        self.speaking, self._open = False, None
        return [self._event(SpeechEventType.END_OF_SPEECH, end=self._ended_at(at_s))]

    def _imply_start(self, at_s: float) -> list[SpeechEvent]:
        if self.speaking:
            return []
        events = self._start(at_s)
        self._implied = True
        return events

    def _interim(self, partial: Partial) -> list[SpeechEvent]:
        self._learn(partial.language)
        before = self._open
        if not has_words(partial.text) or (before is not None and before.partial.text == partial.text):
            return []
        ends = [partial.end, *(word.end for word in (partial.words or ())[-1:])]
        self._open = _Open(partial, still_since=min(ends))
        self._spoken_until_s = max(self._spoken_until_s, min(ends))
        interim = self._event(SpeechEventType.INTERIM_TRANSCRIPT, self._of_partial(partial))
        return [*self._imply_start(partial.start), interim, *self._preflight(partial.end)]

    def _preflight(self, heard_s: float) -> list[SpeechEvent]:
        """Offer a text that has come to stand, once: the speaker may have finished."""
        still = self._open
        if still is None or still.offered or self._preflight_after is None:
            return []
        if heard_s - still.still_since < self._preflight_after:
            return []
        still.offered = True
        return [self._event(SpeechEventType.PREFLIGHT_TRANSCRIPT, self._of_partial(still.partial))]

    def _final(self, final: Final) -> list[SpeechEvent]:
        self._open = None
        self._learn(final.language)
        if not has_words(final.text):
            return self._end(final.end) if self._implied else []
        events = self._imply_start(final.start)
        self.finals += 1
        self._spoken_until_s = max(self._spoken_until_s, final.end)
        said = self._data(final, {"segment": final.segment, "reason": final.reason})
        events.append(self._event(SpeechEventType.FINAL_TRANSCRIPT, said, end=self._ended_at(final.end)))
        return events + (self._end(final.end) if self._implied else [])

    # ------------------------------------------------------------------------ the words of it

    def _of_partial(self, partial: Partial) -> SpeechData:
        return self._data(partial, {"segment": partial.segment, "stable": partial.stable})

    def _data(self, said: Partial | Final, metadata: dict[str, object]) -> SpeechData:
        return SpeechData(
            language=LanguageCode(said.language) if said.language else self._language,
            text=said.text,
            start_time=self.offset_s + said.start,
            end_time=self.offset_s + said.end,
            confidence=said.confidence or 0.0,
            words=[timed(word, self.offset_s) for word in said.words] if said.words else None,
            metadata=metadata,
        )

    def _event(
        self,
        type: SpeechEventType,
        *said: SpeechData,
        start: float | None = None,
        end: float | None = None,
    ) -> SpeechEvent:
        return SpeechEvent(
            type=type,
            request_id=self._session,
            alternatives=list(said),
            speech_start_time=start,
            speech_end_time=end,
        )
