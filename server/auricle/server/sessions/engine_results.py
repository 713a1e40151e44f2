"""An engine's results, in positions of the session, as the verbs of `ServerSession` that tell its client."""

from typing import assert_never

from auricle.core import ServerSession, Word
from auricle.core.parts import FinalDetails
from auricle.core.session import Outputs
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


def tell(session: ServerSession, result: Result, *, change_id: str | None, now: float) -> Outputs:
    """Have ``session`` tell a result. ``change_id`` names the ``configure`` request that ended the input, if one did.

    Raises `LocalProtocolError` for a result that breaks a guarantee.
    """
    match result:
        case Processed(upto_sample=upto):
            return session.progress(upto, now=now)
        case QueueMoved(engine_s=engine_s):
            return session.queue_moved(engine_s, now=now)
        case SpeechStarted(at_sample=at):
            return session.speech_start(at, now=now)
        case SpeechEnded(at_sample=at):
            return session.speech_end(at, now=now)
        case PartialResult():
            return _tell_partial(session, result, now)
        case FinalResult():
            return _tell_final(session, result, now)
        case TurnMaybeOver(at_sample=at, open_text=text, probability=probability):
            return session.turn_maybe_end(text, at_sample=at, confidence=_confidence(probability), now=now)
        case TurnGoesOn(at_sample=at):
            return session.turn_resumed(at, now=now)
        case TurnOver(at_sample=at, trigger=trigger, probability=probability):
            return session.turn_end(trigger, at_sample=at, confidence=_confidence(probability), now=now)
        case UtteranceFailed(end_sample=end, message=message):
            return session.segment_failed(end, message, now=now)
        case FlushDone(flush_id=flush_id, upto_sample=upto):
            return session.flushed(flush_id, upto, now=now)
        case StreamDone():
            return session.finish(now=now) if change_id is None else session.configured(change_id, now=now)
        case _:
            assert_never(result)


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


def _tell_partial(session: ServerSession, partial: PartialResult, now: float) -> Outputs:
    return session.partial(
        partial.text,
        start_s=partial.start_s,
        end_s=partial.end_s,
        stable=partial.stable,
        pause_s=partial.pause_s,
        confidence=partial.confidence,
        words=wire_words(partial.words),
        language=partial.language,
        now=now,
    )


def _tell_final(session: ServerSession, final: FinalResult, now: float) -> Outputs:
    return session.final(
        final.text,
        end_sample=final.end_sample,
        start_s=final.start_s,
        end_s=final.end_s,
        confidence=final.confidence,
        reason=final.reason,
        words=wire_words(final.words),
        language=final.language,
        details=final_details(final),
        now=now,
    )


def _confidence(probability: float | None) -> float | None:
    return None if probability is None else round(min(max(probability, 0.0), 1.0), 4)
