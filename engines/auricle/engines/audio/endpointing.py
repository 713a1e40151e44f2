"""Endpointing: where speech begins and where an utterance ends, as a pure state machine over voice probabilities.

`step` takes a state, the probability of one block and the position where that block ends, and returns the next state
and at most one decision. It uses no clock and no audio: positions are engine samples. The thresholds of voice detection
are in `auricle.engines.audio.vad_thresholds`. Source: notes/streaming-whisper.md §1.5 and §5.2.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, assert_never

from auricle.engines.audio.vad_thresholds import CONFIRMING_BLOCKS, SILENCE_THRESHOLD, SPEECH_THRESHOLD
from auricle.engines.protocol import BLOCK, ENGINE_RATE

PRE_SPEECH_PAD_S: Final = 0.4
"""Seconds of audio before the first voiced block that belong to the utterance, for a soft consonant that the detector
missed. faster-whisper pads speech by as much; on 320 clips of Pebble 0.3 s made 59 errors, 0.4 s 54, 0.5 s 52 (mean of
two runs)."""
SHORTEST_SEGMENT_S: Final = 1.0
"""Lower bound for the longest segment, in seconds: a smaller one would cut every utterance to pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Endpointing parameters of a session, in engine samples."""

    silence: int
    """Silence that ends an utterance."""
    max_segment: int
    """Longest utterance; a longer one is cut."""

    @classmethod
    def of(cls, silence_s: float, max_segment_s: float) -> "Rules":
        """Return the rules for times in seconds."""
        return cls(
            silence=round(silence_s * ENGINE_RATE),
            max_segment=round(max(max_segment_s, SHORTEST_SEGMENT_S) * ENGINE_RATE),
        )

    def ended_by(self, silence: int | None) -> "Rules":
        """Return the rules where a silence may end an utterance sooner; None: it does not."""
        if silence is None or silence >= self.silence:
            return self
        return Rules(silence=silence, max_segment=self.max_segment)


class Quiet(NamedTuple):
    """No speech, or none that is confirmed yet."""

    streak: int = 0
    """Consecutive blocks that reached `SPEECH_THRESHOLD`."""
    candidate: int | None = None
    """Position where the first of them began."""


class Speaking(NamedTuple):
    """Speech is in progress."""

    began: int
    """Where its first voiced block began."""
    opened: int
    """Where the audio of the utterance begins: `PRE_SPEECH_PAD_S` earlier."""
    voiced_until: int
    """End of the last block that was not silence."""


State = Quiet | Speaking
SILENT: Final = Quiet()
MID_WORD: Final = Quiet(streak=CONFIRMING_BLOCKS - 1)
"""State after a cut through speech in progress: the next voiced block begins speech without confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """Speech began at ``at``; the utterance is decoded from ``opened``, which may lie before the last cut."""

    at: int
    opened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The silence has lasted long enough: the speech ended at ``voiced_until``."""

    voiced_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLong:
    """The utterance has reached the longest segment and is cut here, possibly in the middle of speech."""

    voiced_until: int


Decision = Began | Ended | TooLong


def step(rules: Rules, state: State, probability: float, end: int) -> tuple[State, Decision | None]:
    """Return the state after the block of `BLOCK` samples that ends at ``end``, and what is decided, if anything.

    Blocks must be given in order. ``probability`` in [0, 1] says how likely the block holds speech.
    """
    match state:
        case Quiet():
            return _step_quiet(state, probability, end)
        case Speaking():
            return _step_speaking(rules, state, probability, end)
        case _:
            assert_never(state)


def _step_quiet(state: Quiet, probability: float, end: int) -> tuple[State, Decision | None]:
    if probability < SPEECH_THRESHOLD:
        return SILENT, None
    begin = end - BLOCK
    candidate = begin if state.candidate is None else state.candidate
    if state.streak + 1 < CONFIRMING_BLOCKS:
        return Quiet(streak=state.streak + 1, candidate=candidate), None
    speaking = open_at(candidate, end)
    return speaking, Began(at=speaking.began, opened=speaking.opened)


def _step_speaking(rules: Rules, state: Speaking, probability: float, end: int) -> tuple[State, Decision | None]:
    voiced = probability >= SILENCE_THRESHOLD
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


def unconfirmed_onset(state: State, before: int) -> int | None:
    """Return where speech may have begun that is not confirmed yet, if its first block ends by ``before``; else None.

    A cut at ``before`` must decode the audio from there: it may be the first sound of a word.
    """
    match state:
        case Quiet(candidate=int(candidate)) if candidate + BLOCK <= before:
            return candidate
        case _:
            return None


def after_cut(state: State, at: int) -> Quiet:
    """Return the state after a cut at ``at``: speech that continues across the cut begins anew with its next block."""
    match state:
        case Speaking(voiced_until=voiced_until) if voiced_until + BLOCK > at:
            return MID_WORD
        case _:
            return SILENT
