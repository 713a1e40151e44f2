"""Partials: when one is asked for, what is told of it, and where the next window begins.

Once the window has become longer than the shortest that the weights stand, it begins anew with its last committed word,
which is heard again and known; the words before it go along as text.
"""

from collections.abc import Sequence
from typing import Final

from auricle.engines.policy.events import Decode, Drop, Effect, Partial, Urgency
from auricle.engines.policy.stable_prefix import AGREEMENT, CONTEXT_WORDS, HOLD, WindowWord, commit, with_stable_prefix
from auricle.engines.policy.state import Asked, Rules, State, Step, Utterance, known_language
from auricle.engines.protocol import ENGINE_RATE, TimedWord, Transcript

LONG_WINDOW: Final = 2 * ENGINE_RATE
"""From this length on a window is to be trimmed: beyond it costs grow faster than its length."""
LEAD: Final = round(0.1 * ENGINE_RATE)
"""A new window begins so long before the last committed word: times are not that exact."""


def partial_is_due(rules: Rules, state: State, end: int) -> bool:
    """Whether what has been said up to ``end`` should be heard."""
    utterance = state.utterance
    assert utterance is not None
    wanted = rules.partials and state.interval is not None and utterance.speculation is None
    return wanted and end >= utterance.next_partial


def request_partial(rules: Rules, state: State, end: int) -> Step:
    """DecodeCommand for a hypothesis of what has been said up to ``end``, if one is due."""
    utterance = state.utterance
    assert utterance is not None
    if state.interval is None or not partial_is_due(rules, state, end):
        return state, ()
    first = not utterance.asked and not utterance.heard_until
    decode = Decode(
        job=state.jobs + 1,
        urgency=Urgency.FIRST if first else Urgency.PARTIAL,
        start=utterance.window,
        end=end,
        # An alignment costs, and before that nothing can be promised.
        timed=end - utterance.window >= AGREEMENT + HOLD,
        context=" ".join(utterance.committed[: utterance.trimmed][-CONTEXT_WORDS:]),
        language=known_language(rules, state, end - utterance.began),
    )
    asked = Asked(job=decode.job, start=decode.start, end=end)
    # Only the newest few can still be answered: a newer one replaces those that have not begun.
    utterance = utterance._replace(next_partial=end + state.interval, asked=(*utterance.asked, asked)[-4:])
    return state._replace(jobs=decode.job, utterance=utterance), (decode,)


def accept_partial(rules: Rules, state: State, job: int, transcript: Transcript) -> Step:
    """Take a hypothesis; older ones than the last, and such as are not to be believed, change nothing."""
    utterance = state.utterance
    assert utterance is not None
    asked = next((one for one in utterance.asked if one.job == job), None)
    if asked is None:
        return state, ()
    utterance = utterance._replace(asked=tuple(one for one in utterance.asked if one.job > job))
    state = state._replace(utterance=utterance)
    if not transcript.believed or not transcript.text.strip() or asked.start != utterance.window:
        return state, ()
    known = utterance.committed
    utterance, words = commit(rules, utterance, asked, transcript)
    texts = [word.text for word in words]
    utterance = utterance._replace(heard_until=asked.end)
    state = state._replace(utterance=utterance)
    text = " ".join((*utterance.committed, *texts[len(utterance.committed) - utterance.trimmed :]))
    placed = _placed(with_stable_prefix(transcript, known), asked.start, utterance)
    state, told = tell(rules, state, text, asked.end, transcript, placed)
    return _trimmed(rules, state, asked, words), told


def _trimmed(rules: Rules, state: State, asked: Asked, words: Sequence[WindowWord]) -> State:
    """Let the next window begin with the last committed word, where that word has a time."""
    utterance = state.utterance
    assert utterance is not None
    committed_here = len(utterance.committed) - utterance.trimmed
    if asked.end - asked.start < _long_window(rules) or not committed_here:
        return state
    anchor = committed_here - 1
    begin = words[anchor].begin
    if begin is None or asked.start + begin - LEAD <= utterance.window:
        return state
    utterance = utterance._replace(
        window=asked.start + begin - LEAD,
        trimmed=len(utterance.committed) - 1,
        recent=tuple(one._replace(words=one.words[anchor:]) for one in utterance.recent),
    )
    return state._replace(utterance=utterance)


def _long_window(rules: Rules) -> int:
    """Return from which length on a window is trimmed: up to the engine's shortest window nothing is gained by it."""
    return max(LONG_WINDOW, rules.shortest_window)


def tell(
    rules: Rules,
    state: State,
    text: str,
    end: int,
    transcript: Transcript,
    words: tuple[TimedWord, ...],
    *,
    pause: int | None = None,
) -> tuple[State, tuple[Effect, ...]]:
    """Say a partial, unless it is what was said last and tells of no ``pause``."""
    utterance = state.utterance
    assert utterance is not None
    stable = len(" ".join(utterance.promised(rules)))
    if not text or (text == utterance.told and pause is None):
        return state, ()
    partial = Partial(
        text=text,
        stable=stable,
        start=utterance.began,
        end=max(utterance.began, end),
        pause=pause,
        confidence=transcript.confidence,
        words=words,
        language=transcript.language,
    )
    return state._replace(utterance=utterance._replace(told=text)), (partial,)


def drop_partials(utterance: Utterance) -> tuple[Effect, ...]:
    """Return that nobody wants the partials any more that are out."""
    return tuple(Drop(job=asked.job) for asked in utterance.asked)


def _placed(transcript: Transcript, start: int, utterance: Utterance) -> tuple[TimedWord, ...]:
    """Return the words in session time, where all of the utterance lies in the window."""
    if utterance.trimmed or not transcript.words:
        return ()
    at_s = start / ENGINE_RATE
    return tuple(
        TimedWord(text=word.text, start_s=word.start_s + at_s, end_s=word.end_s + at_s, confidence=word.confidence)
        for word in transcript.words
    )
