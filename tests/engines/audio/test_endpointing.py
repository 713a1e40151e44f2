"""The endpointing machine: properties over any sequence of probabilities, and the cases that name its rules."""

from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.audio.endpointing import (
    MID_WORD,
    PRE_SPEECH_PAD_S,
    SILENT,
    Began,
    Decision,
    Ended,
    Quiet,
    Rules,
    Speaking,
    State,
    TooLong,
    after_cut,
    step,
    unconfirmed_onset,
)
from auricle.engines.audio.vad_thresholds import SILENCE_THRESHOLD, SPEECH_THRESHOLD
from auricle.engines.protocol import BLOCK, ENGINE_RATE

RULES = Rules.of(0.5, 4.0)
SILENCE_BLOCKS = -(-RULES.silence // BLOCK)
PROBABILITIES = st.lists(st.sampled_from([0.0, 0.3, SILENCE_THRESHOLD, 0.4, SPEECH_THRESHOLD, 0.9]), max_size=400)


def decisions_of(probabilities: list[float], rules: Rules = RULES, state: State = SILENT) -> list[tuple[int, Decision]]:
    decisions = []
    for number, probability in enumerate(probabilities, start=1):
        state, decision = step(rules, state, probability, number * BLOCK)
        if decision is not None:
            decisions.append((number * BLOCK, decision))
    return decisions


@given(PROBABILITIES)
def test_speech_begins_and_ends_in_turn_and_forward(probabilities):
    speaking, last = False, 0
    for end, decision in decisions_of(probabilities):
        match decision:
            case Began(at=at, opened=opened):
                assert not speaking
                assert 0 <= opened <= at < end
                assert at >= last - BLOCK  # a cut through speech may be followed at once
                speaking = True
            case Ended(voiced_until=until):
                assert speaking
                assert end - until >= RULES.silence
                speaking, last = False, end
            case TooLong():
                assert speaking
                speaking, last = False, end


@given(PROBABILITIES)
def test_no_utterance_is_longer_than_the_longest_segment(probabilities):
    opened = None
    for end, decision in decisions_of(probabilities):
        if isinstance(decision, Began):
            opened = decision.opened
        else:
            assert opened is not None
            assert end - opened <= RULES.max_segment


@given(st.lists(st.floats(0, SPEECH_THRESHOLD, exclude_max=True), max_size=200))
def test_below_the_threshold_nothing_begins(probabilities):
    assert decisions_of(probabilities) == []


@given(st.lists(st.booleans(), max_size=200))
def test_a_single_loud_block_is_a_click(loud):
    probabilities = [value for one in loud for value in (1.0 if one else 0.0, 0.0)]
    assert decisions_of(probabilities) == []


def test_speech_begins_with_the_first_of_the_confirming_blocks():
    ((end, decision),) = decisions_of([0.0] * 20 + [SPEECH_THRESHOLD, SPEECH_THRESHOLD])
    assert end == 22 * BLOCK
    assert decision == Began(at=20 * BLOCK, opened=20 * BLOCK - round(PRE_SPEECH_PAD_S * ENGINE_RATE))


def test_between_the_thresholds_speech_goes_on():
    assert len(decisions_of([1.0, 1.0] + [SILENCE_THRESHOLD] * 60)) == 1
    assert len(decisions_of([1.0, 1.0] + [SILENCE_THRESHOLD - 0.01] * 60)) == 2


def test_speech_ends_after_exactly_the_silence():
    _, (end, decision) = decisions_of([1.0] * 10 + [0.0] * 60)
    assert decision == Ended(voiced_until=10 * BLOCK)
    assert end == (10 + SILENCE_BLOCKS) * BLOCK


def test_speech_that_goes_on_after_the_cut_begins_at_once():
    decisions = decisions_of([1.0] * 300)
    cuts = [end for end, decision in decisions if isinstance(decision, TooLong)]
    begins = [decision.at for _, decision in decisions if isinstance(decision, Began)]
    assert len(cuts) >= 2
    assert begins == [0, *cuts]


def test_one_voiced_block_is_undecided_until_it_is_confirmed_or_not():
    state, _ = step(RULES, SILENT, 0.9, 10 * BLOCK)
    assert unconfirmed_onset(state, before=10 * BLOCK) == 9 * BLOCK
    assert unconfirmed_onset(state, before=10 * BLOCK - 1) is None
    state, _ = step(RULES, state, 0.1, 11 * BLOCK)
    assert unconfirmed_onset(state, before=11 * BLOCK) is None


def test_after_a_cut_only_running_speech_goes_on():
    assert after_cut(Speaking(began=0, opened=0, voiced_until=10 * BLOCK), 10 * BLOCK + 5) == MID_WORD
    assert after_cut(Speaking(began=0, opened=0, voiced_until=10 * BLOCK), 12 * BLOCK) == SILENT
    assert after_cut(Quiet(streak=1, candidate=0), BLOCK) == SILENT


def test_a_longest_segment_of_nothing_still_lets_people_speak():
    assert Rules.of(0.5, 0.0).max_segment == ENGINE_RATE


def test_the_last_block_of_a_word_that_was_cut_is_not_a_click():
    kinds = [type(decision) for _, decision in decisions_of([1.0] * 126 + [0.0] * 30)]
    assert kinds == [Began, TooLong, Began, Ended]
