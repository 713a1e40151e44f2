"""From the client's events to the framework's `SpeechEvent`. Pure: no clock, no I/O, no task.

Per utterance START_OF_SPEECH, INTERIM*, PREFLIGHT?, FINAL, END_OF_SPEECH, with exactly one end for each start, whatever
the server or the network does. Where the server tells turns, speech ends with the turn: a breath is no end of it. Every
transcript has an alternative: the framework's consumer of events fails on one without. Times in events are seconds on
the framework's input timeline.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final as Constant

from livekit.agents import LanguageCode
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.plugins.auricle.framework import speech_event
from livekit.plugins.auricle.transcript import has_words, timed_string
from livekit.plugins.auricle.turn import OpenTurn

from auricle.core import (
    ClientEvent,
    Final,
    Flushed,
    Partial,
    Ready,
    Restarted,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    TurnMaybeEnd,
)

ToWallTime = Callable[[float], float]
"""From a position in the stream's audio, in seconds, to the wall clock."""
UNKNOWN_LANGUAGE: Constant = LanguageCode("")


@dataclass
class _OpenSegment:
    """The latest partial of the segment that has no final yet."""

    partial: Partial
    preflight_sent: bool = False
    """Whether this text was offered: once more, and the framework would start its model once more."""


class EventTranslator:
    """Translates the events of one stream, over all of its sessions.

    ``start_wall_time``, ``end_wall_time``: the wall-clock time of a sound that starts, or ends, at a position.
    ``wants_turns``: end speech with the turn where the server tells turns. ``preflights``: offer what may be over.
    """

    def __init__(
        self,
        *,
        language: str | None,
        start_wall_time: ToWallTime,
        end_wall_time: ToWallTime,
        wants_turns: bool = False,
        preflights: bool = True,
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
        self._speech_start_s = 0.0
        self._speech_end_s = 0.0
        self._holds_end = False
        self._wants_turns = wants_turns
        self._preflights = preflights
        self._turn: OpenTurn | None = None
        """The open turn; None: the server tells none."""

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
                return self._speech_end(event.time)
            case TurnMaybeEnd():
                return self._turn_maybe_end(event)
            case TurnEnd():
                return self._turn_end(event)
            case Restarted():
                self._begin_turn()
                self._open = None
                return ()
            case Flushed():
                self._open = None
                return ()
            case _:
                return ()

    def close(self) -> Sequence[SpeechEvent]:
        """Return END_OF_SPEECH where speech has started and its session is over."""
        self._open, self._holds_end = None, False
        self._begin_turn()
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
        self._turn = OpenTurn() if self._wants_turns and ready.detects_turns else None
        language = ready.effective.get("language")
        if isinstance(language, str):
            self._set_language(language)

    def _set_language(self, language: str | None) -> None:
        if language:
            self._language = LanguageCode(language)

    def _start_of_speech(self, at_s: float) -> list[SpeechEvent]:
        if self.speaking:
            return []
        self.speaking, self._start_implied = True, False
        self._speech_start_s = self._speech_end_s = at_s
        return [self._event(SpeechEventType.START_OF_SPEECH, start=self._start_wall_time(at_s))]

    def _end_of_speech(self, at_s: float) -> list[SpeechEvent]:
        if not self.speaking:
            return []
        self._speech_end_s = at_s
        if self._holds_end:
            return []
        self.speaking, self._open = False, None
        return [self._event(SpeechEventType.END_OF_SPEECH, end=self._end_wall_time(at_s))]

    def _begin_turn(self) -> None:
        if self._turn is not None:
            self._turn = OpenTurn()

    def _speech_end(self, at_s: float) -> list[SpeechEvent]:
        """The speaker has paused: where turns are told the end of the turn follows, unless nothing was heard in it."""
        if self._turn is None or not self._turn.finals:
            return self._end_of_speech(at_s)
        self._speech_end_s = max(self._speech_end_s, at_s)
        return []

    def _turn_end(self, end: TurnEnd) -> list[SpeechEvent]:
        if self._turn is None:
            return []
        self._begin_turn()
        return self._end_of_speech(end.time)

    def _turn_maybe_end(self, promise: TurnMaybeEnd) -> list[SpeechEvent]:
        """Offer what the framework has not heard of the turn yet; the rest of it are finals."""
        text = "" if self._turn is None else self._turn.open_text(promise)
        if not self._preflights or not has_words(text):
            return []
        segment = self._open
        if segment is None or segment.partial.text != text:
            segment = _OpenSegment(self._partial_of(promise, text))
            told = self._interim(segment.partial)
            return [*told, *self._offer(self._open or segment)]
        return self._offer(segment)

    def _partial_of(self, promise: TurnMaybeEnd, text: str) -> Partial:
        """Return the partial that was not told: the server need not say any."""
        start = self._open.partial.start if self._open is not None else min(self._speech_start_s, promise.time)
        return Partial(
            segment=promise.segments[1], rev=1, text=text, start=start, end=max(start, promise.time),
            confidence=promise.confidence,
        )  # fmt: skip

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
        if partial.pause is None or self._turn is not None:
            return []
        segment.partial = partial
        return self._offer(segment)

    def _offer(self, segment: _OpenSegment) -> list[SpeechEvent]:
        if segment.preflight_sent:
            return []
        segment.preflight_sent = True
        return [self._event(SpeechEventType.PREFLIGHT_TRANSCRIPT, self._partial_data(segment.partial))]

    def _final(self, final: Final) -> list[SpeechEvent]:
        self._open = None
        self._set_language(final.language)
        if self._turn is not None:
            self._turn.add(final)
        ends = self._start_implied and self._turn is None
        if not has_words(final.text):
            return self._end_of_speech(final.end) if ends else []
        events = self._ensure_started(final.start)
        ends = self._start_implied and self._turn is None
        self.finals += 1
        self._speech_end_s = max(self._speech_end_s, final.end)
        data = self._data(final, {"segment": final.segment, "reason": final.reason})
        events.append(self._event(SpeechEventType.FINAL_TRANSCRIPT, data, end=self._end_wall_time(final.end)))
        return events + (self._end_of_speech(final.end) if ends else [])

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
