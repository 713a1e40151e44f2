"""When somebody speaks and when they have finished: a pure machine over voice probabilities.

`hear` takes a state, the probability of one block and where that block ends, and returns the next state and at most
one decision. No clock and no audio: positions are engine samples. Source: notes/streaming-whisper.md §1.5 and §5.2.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, assert_never

from auricle.engines.protocol import BLOCK, ENGINE_RATE

ON: Final = 0.5
"""Probability from which a block may begin speech."""
OFF: Final = 0.35
"""Probability below which a block of running speech counts as silence."""
ON_BLOCKS: Final = 2
"""Blocks in a row that must reach `ON`: a click is one block long."""
PRE_SPEECH_PAD_S: Final = 0.4
"""An utterance opens this long before its first voiced block, for the soft consonant the detector missed. It is what
faster-whisper pads speech with; on 320 clips of Pebble 0.3 s made 59 errors, 0.4 s 54, 0.5 s 52 (mean of two runs)."""
SHORTEST_SEGMENT_S: Final = 1.0
"""A longest segment below this would cut every utterance to pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How patient to be, in engine samples."""

    silence: int
    max_segment: int

    @classmethod
    def of(cls, silence_s: float, max_segment_s: float) -> "Rules":
        """Return the rules for times in seconds."""
        return cls(
            silence=round(silence_s * ENGINE_RATE),
            max_segment=round(max(max_segment_s, SHORTEST_SEGMENT_S) * ENGINE_RATE),
        )


class Quiet(NamedTuple):
    """Nobody speaks, or it is not sure yet."""

    streak: int = 0
    """Blocks in a row that reached `ON`."""
    candidate: int | None = None
    """Where the first of them began."""


class Speaking(NamedTuple):
    """Somebody speaks."""

    began: int
    opened: int
    voiced_until: int
    """End of the last block that was not silence."""


State = Quiet | Speaking
SILENT: Final = Quiet()
MID_WORD: Final = Quiet(streak=ON_BLOCKS - 1)
"""After a cut through running speech: the next voiced block goes on at once, without being confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """Speech began at ``at``; the utterance is to be heard from ``opened``, which may lie before the last cut."""

    at: int
    opened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The silence has lasted: what was said ended at ``voiced_until``."""

    voiced_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLong:
    """The utterance has reached the longest segment and is cut here, while somebody may be speaking."""

    voiced_until: int


Decision = Began | Ended | TooLong


def hear(rules: Rules, state: State, probability: float, end: int) -> tuple[State, Decision | None]:
    """Take the block of `BLOCK` samples that ends at ``end``; blocks come in order."""
    match state:
        case Quiet():
            return _hear_quiet(state, probability, end)
        case Speaking():
            return _hear_speaking(rules, state, probability, end)
        case _:
            assert_never(state)


def _hear_quiet(state: Quiet, probability: float, end: int) -> tuple[State, Decision | None]:
    if probability < ON:
        return SILENT, None
    begin = end - BLOCK
    candidate = begin if state.candidate is None else state.candidate
    if state.streak + 1 < ON_BLOCKS:
        return Quiet(streak=state.streak + 1, candidate=candidate), None
    speaking = open_at(candidate, end)
    return speaking, Began(at=speaking.began, opened=speaking.opened)


def _hear_speaking(rules: Rules, state: Speaking, probability: float, end: int) -> tuple[State, Decision | None]:
    voiced = probability >= OFF
    state = state._replace(voiced_until=end) if voiced else state
    if end - state.voiced_until >= rules.silence:
        return SILENT, Ended(voiced_until=state.voiced_until)
    if end + BLOCK - state.opened > rules.max_segment:
        return after_cut(state, end), TooLong(voiced_until=state.voiced_until)
    return state, None


def open_at(began: int, voiced_until: int) -> Speaking:
    """Return the state of speech that began at ``began``."""
    return Speaking(
        began=began, opened=max(0, began - round(PRE_SPEECH_PAD_S * ENGINE_RATE)), voiced_until=voiced_until
    )


def undecided(state: State, before: int) -> int | None:
    """Return where speech may have begun that is not confirmed and was heard before ``before``.

    Whoever cuts there must decode it: it may be the first sound of a word.
    """
    match state:
        case Quiet(candidate=int(candidate)) if candidate + BLOCK <= before:
            return candidate
        case _:
            return None


def after_cut(state: State, at: int) -> Quiet:
    """Return the state after a cut at ``at``: speech that goes on across it begins anew with its next block."""
    match state:
        case Speaking(voiced_until=voiced_until) if voiced_until + BLOCK > at:
            return MID_WORD
        case _:
            return SILENT
