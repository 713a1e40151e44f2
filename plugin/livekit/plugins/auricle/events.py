"""From the client's events to the framework's `SpeechEvent`. Pure: no clock, no I/O, no task.

Per utterance START_OF_SPEECH, INTERIM*, PREFLIGHT?, FINAL, END_OF_SPEECH, with exactly one end for each start, whatever
the server or the network does. Every transcript has an alternative: the framework's consumer of events fails on one
without. Times in events are seconds on the framework's input timeline.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livekit.agents import LanguageCode
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.plugins.auricle.framework import speech_event
from livekit.plugins.auricle.transcript import has_words, timed_string

from auricle.core import (
    ClientEvent,
    Final,
    Flushed,
    Partial,
    Ready,
    Restarted,
    SpeechEnd,
    SpeechStart,
)

ToWallTime = Callable[[float], float]
"""From a position in the stream's audio, in seconds, to the wall clock."""
UNKNOWN_LANGUAGE = LanguageCode("")


@dataclass
class _OpenSegment:
    """The latest partial of the segment that has no final yet."""

    partial: Partial
    preflight_sent: bool = False
    """Whether this text was offered: once more, and the framework would start its model once more."""


class EventTranslator:
    """Translates the events of one stream, over all of its sessions.

    ``start_wall_time``, ``end_wall_time``: the wall-clock time of a sound that starts, or ends, at a position.
    """

    def __init__(
        self,
        *,
        language: str | None,
        start_wall_time: ToWallTime,
        end_wall_time: ToWallTime,
    ) -> None:
        self.offset_s = 0.0
        """Seconds added to every time: where the stream begins on the framework's timeline."""
        self.speaking = False
        self.finals = 0
        """FINAL_TRANSCRIPT events so far, empty ones among them."""
        self.session = ""
        """The server's name for the last session: the ``request_id`` of events."""
        self._start_wall_time = start_wall_time
        self._end_wall_time = end_wall_time
        self._language = LanguageCode(language) if language else UNKNOWN_LANGUAGE
        self._start_implied = False
        """Whether START_OF_SPEECH was derived from a transcript, as the server sent no ``speech_start``. The final then
        ends the speech."""
        self._open: _OpenSegment | None = None
        self._speech_end_s = 0.0
        self._holds_end = False

    def translate(self, event: ClientEvent) -> Sequence[SpeechEvent]:
        """Return the speech events for an event of the client."""
        match event:
            case Ready():
                self._on_ready(event)
                return ()
            case SpeechStart():
                return self._start_of_speech(event.time)
            case Partial():
                return self._interim(event)
            case Final():
                return self._final(event)
            case SpeechEnd():
                return self._end_of_speech(event.time)
            case Restarted() | Flushed():
                self._open = None
                return ()
            case _:
                return ()

    def close(self) -> Sequence[SpeechEvent]:
        """Return END_OF_SPEECH where speech has started and its session is over."""
        self._open, self._holds_end = None, False
        return self._end_of_speech(self._speech_end_s)

    def hold_end_of_speech(self) -> None:
        """The server ends the session, not the speaker: tell no end of speech until another session has begun."""
        self._holds_end = True

    def empty_final(self) -> SpeechEvent:
        """Return the answer to a flush that found no words: the framework waits for a FINAL_TRANSCRIPT."""
        self.finals += 1
        return self._event(SpeechEventType.FINAL_TRANSCRIPT, SpeechData(language=self._language, text=""))

    # ------------------------------------------------------------------------ one method per kind of event

    def _on_ready(self, ready: Ready) -> None:
        self.session, self._holds_end = ready.session, False
        language = ready.effective.get("language")
        if isinstance(language, str):
            self._set_language(language)

    def _set_language(self, language: str | None) -> None:
        if language:
            self._language = LanguageCode(language)

    def _start_of_speech(self, at_s: float) -> list[SpeechEvent]:
        if self.speaking:
            return []
        self.speaking, self._start_implied, self._speech_end_s = True, False, at_s
        return [self._event(SpeechEventType.START_OF_SPEECH, start=self._start_wall_time(at_s))]

    def _end_of_speech(self, at_s: float) -> list[SpeechEvent]:
        if not self.speaking:
            return []
        self._speech_end_s = at_s
        if self._holds_end:
            return []
        self.speaking, self._open = False, None
        return [self._event(SpeechEventType.END_OF_SPEECH, end=self._end_wall_time(at_s))]

    def _ensure_started(self, at_s: float) -> list[SpeechEvent]:
        if self.speaking:
            return []
        events = self._start_of_speech(at_s)
        self._start_implied = True
        return events

    def _interim(self, partial: Partial) -> list[SpeechEvent]:
        self._set_language(partial.language)
        if not has_words(partial.text):
            return []
        previous = self._open
        if previous is not None and previous.partial.text == partial.text:
            return self._preflight(previous, partial)
        segment = self._open = _OpenSegment(partial)
        ends = [partial.end, *(word.end for word in (partial.words or ())[-1:])]
        self._speech_end_s = max(self._speech_end_s, min(ends))
        interim = self._event(SpeechEventType.INTERIM_TRANSCRIPT, self._partial_data(partial))
        return [*self._ensure_started(partial.start), interim, *self._preflight(segment, partial)]

    def _preflight(self, segment: _OpenSegment, partial: Partial) -> list[SpeechEvent]:
        """Return a preflight, once for each text, where the server tells that the speaker has paused.

        Time that passes without news is no sign of that: the next partial may be on its way.
        """
        if partial.pause is None or segment.preflight_sent:
            return []
        segment.preflight_sent = True
        return [self._event(SpeechEventType.PREFLIGHT_TRANSCRIPT, self._partial_data(partial))]

    def _final(self, final: Final) -> list[SpeechEvent]:
        self._open = None
        self._set_language(final.language)
        if not has_words(final.text):
            return self._end_of_speech(final.end) if self._start_implied else []
        events = self._ensure_started(final.start)
        self.finals += 1
        self._speech_end_s = max(self._speech_end_s, final.end)
        data = self._data(final, {"segment": final.segment, "reason": final.reason})
        events.append(self._event(SpeechEventType.FINAL_TRANSCRIPT, data, end=self._end_wall_time(final.end)))
        return events + (self._end_of_speech(final.end) if self._start_implied else [])

    # ------------------------------------------------------------------------ construction of speech events

    def _partial_data(self, partial: Partial) -> SpeechData:
        return self._data(partial, {"segment": partial.segment, "stable": partial.stable})

    def _data(self, transcript: Partial | Final, metadata: dict[str, object]) -> SpeechData:
        return SpeechData(
            language=LanguageCode(transcript.language) if transcript.language else self._language,
            text=transcript.text,
            start_time=self.offset_s + transcript.start,
            end_time=self.offset_s + transcript.end,
            confidence=transcript.confidence or 0.0,
            words=[timed_string(word, self.offset_s) for word in transcript.words] if transcript.words else None,
            metadata=metadata,
        )

    def _event(
        self,
        type: SpeechEventType,
        *alternatives: SpeechData,
        start: float | None = None,
        end: float | None = None,
    ) -> SpeechEvent:
        return speech_event(
            type=type,
            request_id=self.session,
            alternatives=list(alternatives),
            speech_start_time=start,
            speech_end_time=end,
        )
