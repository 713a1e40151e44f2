"""Partials: when one is asked for, which of its words are committed, and where the next window begins.

A word is committed when two hypotheses in a row agree on it and on all before it, and it is not the last of the newer
one (LocalAgreement-2 with a hold; notes/streaming-whisper.md §1.2). Committed words are the promised prefix. Once the
window has become long the next hypothesis is asked for with times, and the window begins anew with its last committed
word, which is heard again and known; the words before it go along as text.
"""

from typing import Final

from auricle.engines.policy.agreement import agreed, continues, leading_fragments
from auricle.engines.policy.events import Decode, Drop, Effect, Partial, Urgency
from auricle.engines.policy.state import Asked, Rules, State, Step, Utterance
from auricle.engines.protocol import ENGINE_RATE, TimedWord, Transcript

LONG_WINDOW: Final = 2 * ENGINE_RATE
"""From this length on a window is to be trimmed: beyond it costs grow faster than its length."""
LONGEST_WINDOW: Final = 8 * ENGINE_RATE
"""At this length words are committed that nothing agrees on, but for the last …"""
FORCED_HOLD: Final = 2 * ENGINE_RATE
"""… so many samples."""
LEAD: Final = round(0.1 * ENGINE_RATE)
"""A new window begins so long before the last committed word: times are not that exact."""
SHORT_HOLD: Final = round(0.3 * ENGINE_RATE)
"""Words that end later than this before the end of a window may be cut, and are not committed …"""
LONG_HOLD: Final = round(0.6 * ENGINE_RATE)
"""… and with rarer hypotheses, later than this."""
RARE: Final = round(0.8 * ENGINE_RATE)
"""Hypotheses are rare from this interval on."""
CONTEXT_WORDS: Final = 12
"""Committed words that go along as text: more of them cost time, and invite loops."""


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
        timed=end - utterance.window >= LONG_WINDOW,
        context=" ".join(utterance.committed[: utterance.trimmed][-CONTEXT_WORDS:]),
        language=rules.language or state.language,
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
    utterance, words = _commit(rules, state, utterance, asked, transcript)
    utterance = utterance._replace(heard_until=asked.end)
    state = state._replace(utterance=utterance)
    text = " ".join((*utterance.committed, *words[len(utterance.committed) - utterance.trimmed :]))
    state, told = tell(state, text, asked.end, transcript, _placed(transcript, asked.start, utterance))
    return _trimmed(state, asked, transcript), told


def _commit(
    rules: Rules, state: State, utterance: Utterance, asked: Asked, transcript: Transcript
) -> tuple[Utterance, list[str]]:
    """Return the utterance with what is agreed on, and the words of the window: committed ones as they were."""
    before = utterance.committed[: utterance.trimmed]
    known = utterance.committed[utterance.trimmed :]
    heard = transcript.text.split()
    heard = heard[leading_fragments(known, heard) :]
    words = [*known, *heard[len(known) :]]
    # Where what is known was not heard again it is not sure which word is the next.
    count = agreed(utterance.previous, words) if continues(known, heard) else 0
    count = min(count, _held(state, asked, transcript, len(words)))
    if asked.end - asked.start >= LONGEST_WINDOW:
        count = max(count, _ended_before(transcript, asked.end - asked.start - FORCED_HOLD, len(words)))
    if utterance.may_be_cut_at(rules, asked.end):
        # What lies behind the cut belongs to the next utterance, and must not be promised in this one.
        count = 0
    utterance = utterance._replace(previous=tuple(words))
    if count <= len(known):
        return utterance, words
    return utterance._replace(committed=(*before, *words[:count]), promised_until=asked.end), words


def _held(state: State, asked: Asked, transcript: Transcript, count: int) -> int:
    """Return how many words may be committed: not the last, and with times none that ends too near the end."""
    rare = state.interval is None or state.interval >= RARE
    hold = LONG_HOLD if rare else SHORT_HOLD
    timed = _ended_before(transcript, asked.end - asked.start - hold, count)
    return min(count - 1, timed) if transcript.words else count - 1


def _ended_before(transcript: Transcript, position: int, count: int) -> int:
    """Return how many of the last ``count`` words of the transcript end before a position in its window."""
    words = transcript.words[-count:] if count else ()
    return sum(1 for word in words if word.end_s * ENGINE_RATE <= position)


def _trimmed(state: State, asked: Asked, transcript: Transcript) -> State:
    """Let the next window begin with the last committed word, where that word has a time."""
    utterance = state.utterance
    assert utterance is not None
    committed_here = len(utterance.committed) - utterance.trimmed
    if asked.end - asked.start < LONG_WINDOW or not committed_here:
        return state
    words = transcript.words[-len(utterance.previous) :]
    if len(words) != len(utterance.previous):
        return state
    anchor = committed_here - 1
    window = asked.start + round(words[anchor].start_s * ENGINE_RATE) - LEAD
    if window <= utterance.window:
        return state
    utterance = utterance._replace(
        window=window, trimmed=len(utterance.committed) - 1, previous=utterance.previous[anchor:]
    )
    return state._replace(utterance=utterance)


def tell(
    state: State, text: str, end: int, transcript: Transcript, words: tuple[TimedWord, ...]
) -> tuple[State, tuple[Effect, ...]]:
    """Say a partial, unless it is what was said last."""
    utterance = state.utterance
    assert utterance is not None
    stable = len(utterance.promised)
    if not text or text == utterance.told:
        return state, ()
    partial = Partial(
        text=text,
        stable=stable,
        start=utterance.began,
        end=max(utterance.began, end),
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
