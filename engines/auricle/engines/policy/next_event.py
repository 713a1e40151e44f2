"""Until when nothing can happen: so long there is no need to look at what is heard."""

from auricle.engines.audio.endpointing import Quiet, Speaking
from auricle.engines.audio.vad_thresholds import CONFIRMING_BLOCKS
from auricle.engines.policy.speculation import speculation_delay
from auricle.engines.policy.state import Rules, State
from auricle.engines.protocol import BLOCK


def next_event(rules: Rules, state: State, heard: int) -> int:
    """Return the first position at which anything may be said or wished, whatever is heard behind ``heard``.

    ``state`` is that after all blocks up to ``heard``. Not meant is what only spares work: a voice that comes back
    drops a speculation before that.
    """
    match state.voice:
        case Quiet(streak=streak):
            return heard + (CONFIRMING_BLOCKS - streak) * BLOCK
        case Speaking() as voice:
            return max(heard + BLOCK, min(_moves(rules, state, voice, heard + BLOCK)))


def _moves(rules: Rules, state: State, voice: Speaking, soonest: int) -> list[int]:
    """Return the positions before which this and that cannot be."""
    utterance = state.utterance
    assert utterance is not None, "somebody speaks"
    # Voice that goes on from there moves it later: a longer window begins to be decoded sooner, but by less than that.
    voiced_until = voice.voiced_until if utterance.speculation is None else soonest
    moves = [
        voice.voiced_until + rules.endpointing.silence,
        voice.opened + rules.endpointing.max_segment - BLOCK,
        voiced_until + speculation_delay(rules, state, voiced_until),
    ]
    if rules.pause is not None and utterance.speculation is not None and not utterance.speculation.pause_told:
        moves.append(voice.voiced_until + rules.pause)
    if rules.partials and state.interval is not None:
        moves.append(utterance.next_partial)
    return moves
