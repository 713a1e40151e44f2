"""What each guard of the rule table means."""

from collections.abc import Callable, Mapping
from typing import Final

from auricle.core.guarantees import is_moot
from auricle.core.messages import ErrorMessage, Flush, InputEnded, Partial, SpeechEnd, SpeechStart
from auricle.core.outcomes import Guard
from auricle.core.snapshot import Snapshot
from auricle.core.stimuli import Hear, Say, Stimulus


def _ended_by_server(_: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=InputEnded(by="server")):
            return True
        case _:
            return False


def _known_flush(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=Flush(id=id)):
            return id in s.answered or any(flush.id == id for flush in s.flushes)
        case _:
            return False


def _unwanted(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=Partial()):
            return not s.config.features.partials
        case Say(message=SpeechStart() | SpeechEnd()):
            return not s.config.features.speech_events
        case _:
            return False


def _unchanged(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=Partial(text=text)):
            return text == s.partial
        case _:
            return False


def _last_straw(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=ErrorMessage(audio=audio)):
            return audio is not None and s.failures + 1 >= s.limits.max_engine_failures
        case _:
            return False


GUARDS: Final[Mapping[Guard, Callable[[Snapshot, Stimulus], bool]]] = {
    Guard.STARTED: lambda s, _: s.started,
    Guard.ENDED: lambda s, _: s.ended,
    Guard.AUDIO_CARRIED: lambda s, _: s.offered > 0,
    Guard.CANCELLED: lambda s, _: s.cancelled,
    Guard.UNHEARD: lambda s, _: not s.started or s.legacy,
    Guard.BY_SERVER: _ended_by_server,
    Guard.KNOWN_FLUSH: _known_flush,
    Guard.UNWANTED: _unwanted,
    Guard.UNCHANGED: _unchanged,
    Guard.LAST_STRAW: _last_straw,
    Guard.UNSAID: lambda s, _: bool(s.unsaid),
    Guard.MOOT_FLUSH: lambda s, _: bool(s.flushes) and is_moot(s, s.flushes[0]),
    Guard.INPUT_SETTLED: lambda s, _: not any(flush.asked for flush in s.flushes),
}
