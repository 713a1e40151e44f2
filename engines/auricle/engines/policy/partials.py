"""Partials: when one is asked for, which of its words are committed, and where the next window begins.

A word is committed when all hypotheses of the last second agree on it and on all before it, when it ended a while
before the end of the audio, and when it is probable (LocalAgreement with a hold; notes/streaming-whisper.md §1.2).
Committed words are the promised prefix. On tiny.en, 148 utterances, agreement of two hypotheses in a row promised 65 %
of the words and broke 34 promises; a second of agreement, a hold and a probability promise 45 % and break 4.

Once the window has become longer than the shortest that the weights stand, it begins anew with its last committed word,
which is heard again and known; the words before it go along as text.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from auricle.engines.policy.agreement import agreed, counterparts, heard_again
from auricle.engines.policy.events import Decode, Drop, Effect, Partial, Urgency
from auricle.engines.policy.state import Asked, Recent, Rules, State, Step, Utterance
from auricle.engines.protocol import ENGINE_RATE, TimedWord, Transcript

LONG_WINDOW: Final = 2 * ENGINE_RATE
"""From this length on a window is to be trimmed: beyond it costs grow faster than its length."""
LONGEST_WINDOW: Final = 8 * ENGINE_RATE
"""At this length words are committed that nothing agrees on, but for the last …"""
FORCED_HOLD: Final = 2 * ENGINE_RATE
"""… so many samples."""
LEAD: Final = round(0.1 * ENGINE_RATE)
"""A new window begins so long before the last committed word: times are not that exact."""
AGREEMENT: Final = ENGINE_RATE
"""Engine samples of speech over which hypotheses must agree on a word."""
HOLD: Final = round(0.5 * ENGINE_RATE)
"""Words that end later than this before the end of a window may be cut, and are not committed."""
PROBABLE: Final = 0.6
"""Words less probable than this are not committed, nor any behind them: where a final said something else than was
promised, the word had been improbable in nine cases of ten."""
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
        # An alignment costs, and before that nothing can be promised.
        timed=end - utterance.window >= AGREEMENT + HOLD,
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
    texts = [word.text for word in words]
    utterance = utterance._replace(heard_until=asked.end)
    state = state._replace(utterance=utterance)
    text = " ".join((*utterance.committed, *texts[len(utterance.committed) - utterance.trimmed :]))
    state, told = tell(rules, state, text, asked.end, transcript, _placed(transcript, asked.start, utterance))
    return _trimmed(rules, state, asked, words), told


class _Word(NamedTuple):
    """A word of the window, and where it begins and ends in it; None where it has no time."""

    text: str
    begin: int | None = None
    end: int | None = None
    confidence: float | None = None


def _words(known: Sequence[str], earlier: Sequence[str], transcript: Transcript) -> list[_Word]:
    """Return the words of the window: the known ones as they were told, and what was heard behind them."""
    heard = transcript.text.split()
    times = transcript.words if len(transcript.words) == len(heard) else ()
    matches, covered = counterparts(known, heard, earlier)
    places = [*zip(known, matches, strict=True), *((heard[place], place) for place in range(covered, len(heard)))]
    return [_Word(text) if place is None or not times else _timed(text, times[place]) for text, place in places]


def _timed(text: str, word: TimedWord) -> _Word:
    return _Word(text, round(word.start_s * ENGINE_RATE), round(word.end_s * ENGINE_RATE), word.confidence)


def _commit(
    rules: Rules, state: State, utterance: Utterance, asked: Asked, transcript: Transcript
) -> tuple[Utterance, list[_Word]]:
    """Return the utterance with what is agreed on, and the words of the window: committed ones as they were."""
    before = utterance.committed[: utterance.trimmed]
    known = utterance.committed[utterance.trimmed :]
    earlier = before[-CONTEXT_WORDS:]
    words = _words(known, earlier, transcript)
    texts = [word.text for word in words]
    # Where what is known was not heard again it is not sure which word is the next.
    recent = (*utterance.recent, Recent(end=asked.end, words=tuple(texts)))
    count = _agreed_for_long(recent) if heard_again(known, transcript.text.split(), earlier) else 0
    count = min(count, _held(asked, words))
    if asked.end - asked.start >= _longest_window(rules):
        count = max(count, _ended_before(words, asked.end - asked.start - FORCED_HOLD))
    if utterance.may_be_cut_at(rules, asked.end):
        # What lies behind the cut belongs to the next utterance, and must not be promised in this one.
        count = 0
    utterance = utterance._replace(recent=_needed(recent))
    if count <= len(known):
        return utterance, words
    return utterance._replace(committed=(*before, *texts[:count]), promised_until=asked.end), words


def _needed(recent: tuple[Recent, ...]) -> tuple[Recent, ...]:
    """Return the hypotheses that the next one is compared with: the last second's, and the one before."""
    old = [place for place, one in enumerate(recent) if recent[-1].end - one.end >= AGREEMENT]
    return recent[old[-1] if old else 0 :]


def _agreed_for_long(recent: tuple[Recent, ...]) -> int:
    """Return how many words every hypothesis begins with, where the oldest is old enough."""
    compared = _needed(recent)
    newest = compared[-1]
    if newest.end - compared[0].end < AGREEMENT:
        return 0
    return min(agreed(older.words, newest.words) for older in compared[:-1])


def _held(asked: Asked, words: Sequence[_Word]) -> int:
    """Return how many words may be committed: not the last, none that ends too near the end, none improbable."""
    sure = [word.confidence is None or word.confidence >= PROBABLE for word in words]
    held = min(len(words) - 1, sure.index(False) if False in sure else len(words))
    timed = any(word.end is not None for word in words)
    return min(held, _ended_before(words, asked.end - asked.start - HOLD)) if timed else held


def _ended_before(words: Sequence[_Word], position: int) -> int:
    """Return how many words there are up to the last that ends by ``position`` in the window."""
    return max(
        (place + 1 for place, word in enumerate(words) if word.end is not None and word.end <= position), default=0
    )


def _trimmed(rules: Rules, state: State, asked: Asked, words: Sequence[_Word]) -> State:
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


def _longest_window(rules: Rules) -> int:
    """Return at which length words are committed that nothing agrees on."""
    return max(LONGEST_WINDOW, 2 * rules.shortest_window)


def tell(
    rules: Rules, state: State, text: str, end: int, transcript: Transcript, words: tuple[TimedWord, ...]
) -> tuple[State, tuple[Effect, ...]]:
    """Say a partial, unless it is what was said last."""
    utterance = state.utterance
    assert utterance is not None
    stable = len(" ".join(utterance.promised(rules)))
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
