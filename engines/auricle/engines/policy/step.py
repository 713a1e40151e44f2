"""``step(rules, state, event) -> (state, effects)``: what the streaming policy does with each event.

Source: notes/streaming-whisper.md §5.2. Where it differs: a final is the decode of the whole utterance, so that what is
durable does not hang on when partials were decoded; and speculation begins a decode's time before the endpoint.
"""

from typing import Final, Literal, assert_never

from auricle.engines.audio import endpointing
from auricle.engines.audio.endpointing import Began, Ended, Speaking, TooLong
from auricle.engines.audio.vad_thresholds import SILENCE_THRESHOLD
from auricle.engines.policy.events import (
    Cut,
    Drop,
    Effect,
    Event,
    Failed,
    Forget,
    Heard,
    Pace,
    SpeechStart,
    Voice,
)
from auricle.engines.policy.finals import conclude, on_final_decoded, on_final_failed
from auricle.engines.policy.partials import accept_partial, partial_is_due, request_partial
from auricle.engines.policy.speculation import (
    accept_speculation,
    lengthen_silence,
    speculate,
    speculation_delay,
)
from auricle.engines.policy.state import TAIL, Rules, State, Step, Utterance, context_start
from auricle.engines.protocol import BLOCK, ENGINE_RATE, Transcript

KEPT: Final = round(0.5 * ENGINE_RATE)
"""Audio kept while nobody speaks: the opening of an utterance and the blocks that have to confirm it."""
CERTAIN_PAUSE: Final = 16
"""Blocks of silence, half a second, that no word reaches across: a longer pause is no better place for a cut."""
FIRST_PARTIAL: Final = round(0.6 * ENGINE_RATE)
"""Speech that the first partial hears."""


def step(rules: Rules, state: State, event: Event) -> Step:
    """Return the next state and what is to be done, in order.

    Raises `ValueError` for a `Voice` or a `Cut` while a final is out: tell it again when ``deciding`` is over.
    """
    match event:
        case Voice():
            return _hear_voice(rules, _require_not_deciding(state), event)
        case Cut(at=at, reason=reason):
            return _cut(rules, _require_not_deciding(state), at, reason)
        case Heard(job=job, transcript=transcript):
            return _on_heard(rules, state, job, transcript)
        case Failed(job=job, message=message):
            return _on_failed(rules, state, job, message)
        case Pace(interval=interval):
            return state._replace(interval=interval), ()
        case _:
            assert_never(event)


def _require_not_deciding(state: State) -> State:
    if state.deciding:
        raise ValueError("a final is out: nothing is heard until it is there")
    return state


# ---------------------------------------------------------------------------- voice


def _hear_voice(rules: Rules, state: State, heard: Voice) -> Step:
    probability, end = heard.probability, heard.end
    voice, decision = endpointing.step(rules.endpointing.ended_by(heard.silence), state.voice, probability, end)
    state = state._replace(voice=voice)
    match decision:
        case Began(at=at, opened=opened):
            state, started = _begin(rules, state, at, opened)
            state, more = _go_on(rules, state, probability, end)
            return state, (*started, *more)
        case Ended(voiced_until=voiced_until):
            return conclude(rules, state, end, voiced_until, "endpoint", voice)
        case TooLong(voiced_until=voiced_until):
            return _cut_at_lull(rules, state, end, voiced_until)
        case None if state.utterance is None:
            return state, (Forget(before=_retained_from(rules, state, max(0, end - KEPT))),)
        case None:
            return _go_on(rules, state, probability, end)
        case _:
            assert_never(decision)


def _begin(rules: Rules, state: State, at: int, opened: int) -> Step:
    began, opened = max(at, state.committed), max(opened, state.committed)
    utterance = Utterance(began=began, opened=opened, next_partial=began + FIRST_PARTIAL, window=opened, lull=began)
    return state._replace(utterance=utterance), (
        SpeechStart(at=began),
        Forget(before=_retained_from(rules, state, opened)),
    )


def _retained_from(rules: Rules, state: State, position: int) -> int:
    """Return from where on audio is kept for an utterance that is opened at ``position`` or later."""
    return context_start(rules, state, opened=position, began=position, end=position)


def _go_on(rules: Rules, state: State, probability: float, end: int) -> Step:
    """Somebody speaks, or has just stopped: speculate, or ask for a partial, where either is due."""
    assert state.utterance is not None
    assert isinstance(state.voice, Speaking)
    voiced_until, utterance = state.voice.voiced_until, _remember_lull(rules, state.utterance, probability, end)
    state = state._replace(utterance=utterance)
    if voiced_until == end:
        state, effects = _cancel_speculation(state)
        state, asked = request_partial(rules, state, end)
        return state, (*effects, *asked)
    if end - voiced_until < TAIL:
        return state, ()
    if utterance.speculation is not None:
        return lengthen_silence(rules, state, end)
    # Where a partial would hear the whole utterance its final costs no more, and shows the same.
    at_once = utterance.window == utterance.opened and partial_is_due(rules, state, end)
    if at_once or end - voiced_until >= speculation_delay(rules, state, voiced_until):
        return speculate(rules, state, voiced_until)
    return request_partial(rules, state, end)


def _remember_lull(rules: Rules, utterance: Utterance, probability: float, end: int) -> Utterance:
    """Remember where the utterance is best cut if it becomes too long; of equal places the last."""
    if not utterance.may_be_cut_at(rules, end):
        return utterance
    utterance = utterance._replace(pause=utterance.pause + 1 if probability < SILENCE_THRESHOLD else 0)
    pause = min(utterance.pause, CERTAIN_PAUSE)
    quietness = (pause, 0.0 if pause else -probability)
    if quietness < utterance.lull_quietness:
        return utterance
    middle = end - utterance.pause // 2 * BLOCK
    return utterance._replace(lull=middle, lull_quietness=quietness)


def _cancel_speculation(state: State) -> Step:
    """The voice is back: what was speculated on is not over."""
    utterance = state.utterance
    if utterance is None or utterance.speculation is None:
        return state, ()
    speculation = utterance.speculation
    state = state._replace(utterance=utterance._replace(speculation=None))
    return state, (Drop(job=speculation.job),) if speculation.is_out else ()


# ---------------------------------------------------------------------------- cuts


def _cut(rules: Rules, state: State, at: int, reason: Literal["flush", "end_input"]) -> Step:
    """Decide what lies before ``at``; what is behind it stays open.

    A cut that comes late may lie before words that were promised: these belong to what is decided, and it lies behind
    them. (A flush that is asked for at once never does.)
    """
    started: tuple[Effect, ...] = ()
    candidate = endpointing.unconfirmed_onset(state.voice, before=at)
    if state.utterance is None and candidate is not None:
        voice = endpointing.open_at(candidate, at)
        state, started = _begin(rules, state._replace(voice=voice), candidate, voice.opened)
    if state.utterance is None or state.utterance.began >= at:
        return state._replace(committed=max(state.committed, at)), started
    if state.utterance.promised(rules):
        at = max(at, state.utterance.promised_until)
    voiced_until = min(state.voice.voiced_until, at) if isinstance(state.voice, Speaking) else at
    after = endpointing.after_cut(state.voice, at)
    state, effects = conclude(rules, state, at, voiced_until, reason, after)
    return state, (*started, *effects)


def _cut_at_lull(rules: Rules, state: State, end: int, voiced_until: int) -> Step:
    """Cut endless speech where it is quietest of late; what lies behind the cut is heard again, as what comes next."""
    assert state.utterance is not None
    lull = state.utterance.lull
    at = lull if state.utterance.began + BLOCK < lull < end else end
    speaking = Speaking(began=state.utterance.began, opened=state.utterance.opened, voiced_until=at)
    after = state.voice if at == end else endpointing.after_cut(speaking, at)
    return conclude(rules, state, at, min(voiced_until, at), "max_length", after)


# ---------------------------------------------------------------------------- decodes


def _on_heard(rules: Rules, state: State, job: int, transcript: Transcript) -> Step:
    if state.decision is not None:
        return on_final_decoded(rules, state, transcript) if state.decision.job == job else (state, ())
    utterance = state.utterance
    if utterance is None:
        return state, ()
    if utterance.speculation is not None and utterance.speculation.job == job:
        return accept_speculation(rules, state, transcript)
    return accept_partial(rules, state, job, transcript)


def _on_failed(rules: Rules, state: State, job: int, message: str) -> Step:
    if state.decision is not None:
        return on_final_failed(rules, state, message) if state.decision.job == job else (state, ())
    utterance = state.utterance
    if utterance is not None and utterance.speculation is not None and utterance.speculation.job == job:
        speculation = utterance.speculation._replace(failed=True)
        return state._replace(utterance=utterance._replace(speculation=speculation)), ()
    return state, ()
