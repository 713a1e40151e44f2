"""The speculative final: the decode of an utterance that seems to be over, begun before it is.

It shows exactly the window that the final would, so that nobody can tell whether it was speculated. Until the endpoint
it is also the newest hypothesis.
"""

from auricle.engines.policy.events import Decode, Effect, Urgency
from auricle.engines.policy.partials import drop_partials, tell
from auricle.engines.policy.stable_prefix import with_stable_prefix
from auricle.engines.policy.state import (
    DECODE_TIME_S,
    TAIL,
    Rules,
    Speculation,
    State,
    Step,
    Utterance,
    context_start,
    known_language,
)
from auricle.engines.protocol import ENGINE_RATE, Transcript


def speculation_delay(rules: Rules, state: State, voiced_until: int) -> int:
    """Return the silence in engine samples after which the open utterance seems to be over."""
    utterance = state.utterance
    assert utterance is not None
    window = voiced_until + TAIL - final_start(rules, state, utterance, voiced_until)
    lead = round(DECODE_TIME_S * ENGINE_RATE * max(1.0, window / (rules.shortest_window or window)))
    wanted = (rules.endpointing.silence - lead, rules.pause, rules.speculate_after)
    return max(TAIL, min(silence for silence in wanted if silence is not None))


def speculate(rules: Rules, state: State, voiced_until: int) -> Step:
    """DecodeCommand for the final of what has been said."""
    utterance = state.utterance
    assert utterance is not None
    assert utterance.speculation is None
    decode = final_decode(rules, state, utterance, voiced_until, Urgency.SPECULATIVE)
    speculation = Speculation(job=decode.job, voiced_until=voiced_until)
    interval = state.interval or 0
    waiting = utterance._replace(
        speculation=speculation, asked=(), next_partial=max(utterance.next_partial, decode.end + interval)
    )
    return state._replace(jobs=decode.job, utterance=waiting), (*drop_partials(utterance), decode)


def final_decode(
    rules: Rules, state: State, utterance: Utterance, voiced_until: int, urgency: Urgency, at: int | None = None
) -> Decode:
    """Return the decode of the whole utterance, with a little silence behind it, and nothing from behind ``at``."""
    end = voiced_until + TAIL if at is None else min(voiced_until + TAIL, at)
    start = final_start(rules, state, utterance, voiced_until)
    return Decode(
        job=state.jobs + 1,
        urgency=urgency,
        start=start,
        end=end,
        timed=True,
        language=known_language(rules, state, voiced_until - utterance.began),
        told_after=(state.past[-1].voiced_until, utterance.began) if start < utterance.opened else None,
    )


def final_start(rules: Rules, state: State, utterance: Utterance, voiced_until: int) -> int:
    """Return where the window of a final begins that was voiced until then."""
    return context_start(rules, state, opened=utterance.opened, began=utterance.began, end=voiced_until + TAIL)


def seems_final(rules: Rules, state: State) -> str | None:
    """Return the text that the final of the open utterance will have, unless its speaker goes on; None: not known."""
    utterance = state.utterance
    if utterance is None or state.deciding or utterance.speculation is None:
        return None
    transcript = utterance.speculation.transcript
    if transcript is None or not transcript.believed:
        return None
    return with_stable_prefix(transcript, utterance.promised(rules)).text


def accept_speculation(rules: Rules, state: State, transcript: Transcript) -> tuple[State, tuple[Effect, ...]]:
    """Keep it for the endpoint, and show it meanwhile."""
    utterance = state.utterance
    assert utterance is not None
    assert utterance.speculation is not None
    speculation = utterance.speculation._replace(transcript=transcript)
    state = state._replace(utterance=utterance._replace(speculation=speculation))
    if not rules.partials or not transcript.believed:
        return state, ()
    if speculation.pause_is_due(rules):
        return _tell_pause(rules, state, speculation, transcript)
    text = with_stable_prefix(transcript, utterance.promised(rules)).text
    return tell(rules, state, text, speculation.voiced_until, transcript, ())


def lengthen_silence(rules: Rules, state: State, end: int) -> Step:
    """Nobody has spoken up to ``end`` since the speculation: tell of the pause where it has become long enough."""
    utterance = state.utterance
    assert utterance is not None
    assert utterance.speculation is not None
    if rules.pause is None or utterance.speculation.pause_told:
        return state, ()
    speculation = utterance.speculation._replace(silence=end - utterance.speculation.voiced_until)
    state = state._replace(utterance=utterance._replace(speculation=speculation))
    if speculation.transcript is None or not speculation.pause_is_due(rules):
        return state, ()
    return _tell_pause(rules, state, speculation, speculation.transcript)


def _tell_pause(rules: Rules, state: State, speculation: Speculation, transcript: Transcript) -> Step:
    """Say what has been heard once more, as what the final will be unless the speaker goes on."""
    utterance = state.utterance
    assert utterance is not None
    told = utterance._replace(speculation=speculation._replace(pause_told=True))
    text = with_stable_prefix(transcript, utterance.promised(rules)).text
    end = speculation.voiced_until
    return tell(rules, state._replace(utterance=told), text, end, transcript, (), pause=speculation.silence)
