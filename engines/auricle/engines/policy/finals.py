"""The end of an utterance: its one final, or its one failure."""

from dataclasses import replace
from typing import Final

from auricle.core.parts import FinalReason
from auricle.engines.audio import endpointing
from auricle.engines.policy.events import Drop, Failure, Forget, Promote, Rewind, SpeechEnd, Urgency
from auricle.engines.policy.events import Final as FinalEffect
from auricle.engines.policy.partials import drop_partials
from auricle.engines.policy.speculation import final_decode, final_start
from auricle.engines.policy.stable_prefix import with_stable_prefix
from auricle.engines.policy.state import (
    MOST_PAST,
    SURE_OF_LANGUAGE,
    TAIL,
    Decision,
    Past,
    Rules,
    Speculation,
    State,
    Step,
    Utterance,
    context_start,
    known_language,
)
from auricle.engines.protocol import BLOCK, ENGINE_RATE, TimedWord, Transcript

TRIES: Final = 2
"""A final that fails is decoded once more, and then lost."""
IMPROBABLE: Final = 0.5
"""A final less probable than this may be in another language than the session's: German read as English has 0.35 to
0.42, and 0.92 when the language is detected anew. Source: notes/real-weights.md §2 K."""


def conclude(
    rules: Rules, state: State, end: int, voiced_until: int, reason: FinalReason, after: endpointing.State
) -> Step:
    """End the utterance at ``end``: with what was speculated, if that is it, or with a decode."""
    utterance = state.utterance
    assert utterance is not None, "only what is open can be concluded"
    dropped = drop_partials(utterance)
    speculation = utterance.speculation
    if speculation is not None and not speculation.failed and _fits(speculation, voiced_until, end):
        decision = Decision(
            job=speculation.job,
            end=end,
            voiced_until=voiced_until,
            reason=reason,
            after=after,
            start=final_start(rules, state, utterance, voiced_until),
        )
        state = state._replace(decision=decision)
        if speculation.transcript is None:
            return state, (*dropped, Promote(job=speculation.job))
        state, effects = on_final_decoded(rules, state, speculation.transcript)
        return state, (*dropped, *effects)
    if speculation is not None and speculation.is_out:
        dropped = (*dropped, Drop(job=speculation.job))
    decode = final_decode(rules, state, utterance, voiced_until, Urgency.FINAL, end)
    decision = Decision(
        job=decode.job, end=end, voiced_until=voiced_until, reason=reason, after=after, start=decode.start
    )
    return state._replace(jobs=decode.job, decision=decision), (*dropped, decode)


def _fits(speculation: Speculation, voiced_until: int, end: int) -> bool:
    """Whether it shows what the final of an utterance that ends at ``end`` would."""
    return speculation.voiced_until == voiced_until and voiced_until + TAIL <= end


def on_final_decoded(rules: Rules, state: State, transcript: Transcript) -> Step:
    """Say the final; or detect the language anew, where what was heard in the known one is improbable."""
    decision = state.decision
    assert decision is not None
    transcript, before = _in_session_time(transcript, decision.start), decision.in_known_language
    if before is None and _was_known(rules, state) and _is_improbable(transcript):
        return _detect_anew(rules, state, transcript)
    if before is not None and _rank(transcript) > _rank(before):
        state = state._replace(language=None)
        return _say(rules, state, transcript)
    return _say(rules, state, before or transcript)


def _was_known(rules: Rules, state: State) -> bool:
    """Whether the utterance was decoded in the language of the session, which nobody had named."""
    utterance, decision = state.utterance, state.decision
    assert utterance is not None
    assert decision is not None
    spoken = decision.voiced_until - utterance.began
    return rules.language is None and known_language(rules, state, spoken) is not None


def _is_improbable(transcript: Transcript) -> bool:
    return bool(transcript.text) and (not transcript.believed or transcript.confidence < IMPROBABLE)


def _rank(transcript: Transcript) -> tuple[bool, float]:
    return transcript.believed and bool(transcript.text), transcript.confidence


def _detect_anew(rules: Rules, state: State, transcript: Transcript) -> Step:
    """Decode the utterance alone, in whatever language it is: what was said before it may have been another."""
    utterance, decision = state.utterance, state.decision
    assert utterance is not None
    assert decision is not None
    decode = replace(
        final_decode(rules, state, utterance, decision.voiced_until, Urgency.FINAL, decision.end),
        start=utterance.opened,
        told_after=None,
        language=None,
    )
    decision = decision._replace(job=decode.job, start=decode.start, in_known_language=transcript)
    return state._replace(jobs=decode.job, decision=decision), (decode,)


def _say(rules: Rules, state: State, transcript: Transcript) -> Step:
    """Say the final of a transcript in session time, and remember the language where that is sure."""
    utterance, decision = state.utterance, state.decision
    assert utterance is not None
    assert decision is not None
    final = FinalEffect(
        end=decision.end,
        transcript=with_stable_prefix(transcript, utterance.promised(rules)),
        spoken=(utterance.began, max(utterance.began, decision.voiced_until)),
        reason=decision.reason,
    )
    spoken = decision.voiced_until - utterance.began
    is_open = rules.language is None and (state.language is None or rules.language_per_utterance)
    if is_open and transcript.believed and spoken >= SURE_OF_LANGUAGE:
        state = state._replace(language=transcript.language)
    return _over(rules, state, utterance, final)


def on_final_failed(rules: Rules, state: State, message: str) -> Step:
    """Try again, or say that the utterance is lost."""
    utterance, decision = state.utterance, state.decision
    assert utterance is not None
    assert decision is not None
    if decision.in_known_language is not None:
        return _say(rules, state, decision.in_known_language)
    if decision.tries >= TRIES:
        return _over(rules, state, utterance, Failure(end=decision.end, message=message))
    decode = final_decode(rules, state, utterance, decision.voiced_until, Urgency.FINAL, decision.end)
    decision = decision._replace(job=decode.job, tries=decision.tries + 1)
    return state._replace(jobs=decode.job, decision=decision), (decode,)


def _over(rules: Rules, state: State, utterance: Utterance, result: FinalEffect | Failure) -> Step:
    decision = state.decision
    assert decision is not None
    # The block that holds the end may not have been heard yet.
    spoken_until = min(max(utterance.began, decision.voiced_until), decision.end)
    past = (*state.past, Past(opened=utterance.opened, voiced_until=spoken_until))[-MOST_PAST:]
    state = state._replace(utterance=None, decision=None, committed=decision.end, voice=decision.after, past=past)
    kept = decision.end - BLOCK
    forget = Forget(before=context_start(rules, state, opened=kept, began=kept, end=kept))
    return state, (result, SpeechEnd(at=spoken_until), Rewind(to=decision.end), forget)


def _in_session_time(transcript: Transcript, start: int) -> Transcript:
    at_s = start / ENGINE_RATE
    return replace(
        transcript,
        words=tuple(
            TimedWord(text=word.text, start_s=word.start_s + at_s, end_s=word.end_s + at_s, confidence=word.confidence)
            for word in transcript.words
        ),
    )
