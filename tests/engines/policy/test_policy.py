"""The streaming policy, rule by rule and by properties, on a track of voice instead of audio."""

import dataclasses
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.audio.endpointing import PRE_SPEECH_PAD_S
from auricle.engines.policy.agreement import agreed, continued, counterparts, heard_again
from auricle.engines.policy.events import (
    Decode,
    Failure,
    Final,
    Forget,
    Partial,
    Promote,
    SpeechEnd,
    SpeechStart,
    Urgency,
    Voice,
)
from auricle.engines.policy.next_event import next_event
from auricle.engines.policy.state import CONTEXT_WINDOWS, INITIAL, LONGEST_PAUSE, TAIL, Rules
from auricle.engines.policy.step import step
from auricle.engines.protocol import BLOCK, ENGINE_RATE, OFFLINE_SEGMENT_S, OFFLINE_SILENCE_S, StreamConfig, Transcript
from engines.policy.policy_driver import (
    FIRST_KINDS,
    Said,
    Session,
    blocks,
    check,
    finals,
    hears,
    partials,
    rules,
    said,
    talk,
    tracks,
    transcript,
)

WORDS = st.sampled_from(["a", "b", "B.", "c"])
QUICK = rules(silence_s=0.3)


def everything(words) -> str:
    return " ".join(word.text for word in words)


# ------------------------------------------------------------------------ properties


@given(tracks(), st.integers(0, 40), st.sampled_from([0.1, 0.3, 0.8]), st.sampled_from([3.0, 24.0]), st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_is_said_is_told_once_in_order_and_kept(track, latency, silence_s, longest_s, data):
    voice, words = track
    cuts = data.draw(st.lists(st.integers(0, len(voice)).map(lambda block: block * BLOCK), max_size=3, unique=True))
    how = rules(silence_s=silence_s, max_segment_s=longest_s)
    session = Session(how, voice, hears(words), latency=lambda job: latency).run(cuts)
    check(session)
    texts = said(session).split()
    assert len(texts) == len(set(texts)), "nothing twice"
    assert max(session.waits, default=0) <= 1, "a flush ends within one decode"
    if longest_s > 20 and not cuts:
        prompt = Session(how, voice, hears(words)).run()
        assert said(session) == said(prompt), "how long decodes take does not show in finals"
        assert [final.end for final in finals(session)] == [final.end for final in finals(prompt)]


@given(tracks(), st.integers(0, 2**32), st.integers(0, 20))
@settings(deadline=None, max_examples=150)
def test_an_engine_that_changes_its_mind_cannot_take_back_what_was_promised(track, seed, latency):
    voice, words = track
    chance = random.Random(seed)

    def flaps(wish):
        if chance.random() < 0.1:
            return "The engine is out of order."
        found = [word for word in words if wish.start < word.end <= wish.end]
        heard = [word._replace(text=chance.choice((word.text, word.text, word.text + "s", "um"))) for word in found]
        heard = [word for word in heard if chance.random() < 0.95]
        return transcript(heard, wish, believed=chance.random() < 0.9)

    check(Session(QUICK, voice, flaps, latency=lambda job: latency).run())


@given(tracks(), st.integers(0, 2**32), st.integers(0, 20), st.integers(0, 20))
@settings(deadline=None, max_examples=100)
def test_without_promises_finals_are_what_their_decodes_heard(track, seed, latency, other_latency):
    voice, words = track

    def mishears_partials(wish):
        chance = random.Random(f"{seed} {wish.start} {wish.end}")
        found = [word for word in words if wish.start < word.end <= wish.end]
        if wish.urgency in FIRST_KINDS:
            found = [word._replace(text=chance.choice((word.text, "um"))) for word in found]
        return transcript(found, wish)

    def heard(latency, **options):
        how = rules(silence_s=0.3, stable_prefix=False, **options)
        session = Session(how, voice, mishears_partials, latency=lambda job: latency).run()
        assert not [partial for partial in partials(session) if partial.stable]
        return [(final.end, final.transcript.text) for final in finals(session)]

    assert heard(latency) == heard(other_latency) == heard(latency, partials=False)


@given(tracks(), st.integers(0, 10))
@settings(deadline=None, max_examples=60)
def test_windows_of_partials_are_short_and_finals_show_the_whole_utterance(track, latency):
    voice, words = track
    session = Session(QUICK, voice, hears(words), latency=lambda job: latency).run()
    starts = [effect.at for effect in session.effects if isinstance(effect, SpeechStart)]
    for decode in session.decodes:
        if decode.urgency in FIRST_KINDS:
            assert decode.end - decode.start <= 6.0 * ENGINE_RATE
        else:
            assert any(0 <= start - decode.start <= PRE_SPEECH_PAD_S * ENGINE_RATE for start in starts)


@given(st.lists(st.floats(0, 0.49), max_size=400))
def test_without_voice_nothing_is_decoded(noise):
    session = Session(QUICK, noise, hears([])).run()
    assert not session.decodes
    assert not [effect for effect in session.effects if not isinstance(effect, Forget)]


def test_clicks_are_not_decoded_but_for_one_at_the_very_end():
    voice = ([0.0] * 20 + [1.0]) * 20
    session = Session(QUICK, voice, lambda wish: Transcript(text="")).run()
    check(session)
    assert len(session.decodes) == 1, "the first sound of a word, perhaps: the end of input asks"
    assert not Session(QUICK, [*voice, 0.0], hears([])).run().decodes


# ------------------------------------------------------------------------ partials


def test_partials_come_twice_a_second_from_the_first_half_second_on():
    voice, words = talk(0.5, 4.0, 1.0)
    session = Session(QUICK, voice, hears(words)).run()
    asked = [decode for decode in session.decodes if decode.urgency in FIRST_KINDS]
    assert asked[0].urgency is Urgency.FIRST
    assert {decode.urgency for decode in asked[1:]} == {Urgency.PARTIAL}
    began = next(effect.at for effect in session.effects if isinstance(effect, SpeechStart))
    assert abs(asked[0].end - began - 0.6 * ENGINE_RATE) <= BLOCK
    gaps = {later.end - earlier.end for earlier, later in itertools.pairwise(asked)}
    assert all(abs(gap - 0.5 * ENGINE_RATE) <= BLOCK for gap in gaps)
    assert not Session(rules(silence_s=0.3, partials=False), voice, hears(words)).run().decodes[:-1]


def test_no_partial_is_decoded_while_the_voice_may_just_have_ended():
    voice, words = talk(0.5, 2.0, 0.1, 2.0, 1.0)
    session = Session(QUICK, voice, hears(words)).run()
    gap = range(blocks(0.5) + blocks(2.0), blocks(0.5) + blocks(2.0) + blocks(0.1))
    asked = [decode.end // BLOCK for decode in session.decodes if decode.urgency in FIRST_KINDS]
    assert not [end for end in asked if end - 1 in gap]
    # One that fell due in the gap comes when the voice is back.
    shifted = [0.0] * 3 + [*voice]
    for shift in range(4):
        later = Session(QUICK, shifted[shift:], hears(words)).run()
        assert said(later) == said(session)
    late, _ = talk(0.5, 1.1, 0.1, 2.0, 1.0)
    ends = [decode.end for decode in Session(QUICK, late, hears([])).run().decodes if decode.urgency in FIRST_KINDS]
    back = (blocks(0.5) + blocks(1.1) + blocks(0.1)) * BLOCK
    assert back + BLOCK in ends


def test_while_a_partial_is_far_and_the_voice_is_there_nothing_can_happen():
    voice, _ = talk(0.0, 1.0)
    state, calm = INITIAL, []
    for block, probability in enumerate(voice):
        end = (block + 1) * BLOCK
        state, _ = step(QUICK, state, Voice(probability=probability, end=end))
        calm.append((next_event(QUICK, state, end) - end) // BLOCK)
    assert calm[0] == 1, "one more block, and it is speech"
    assert max(calm) == TAIL // BLOCK, "so long it takes to stop"
    assert next_event(QUICK, INITIAL, 0) == 2 * BLOCK


def test_a_word_is_promised_when_two_hypotheses_agree_and_it_is_not_the_last():
    voice, words = talk(0.5, 3.0, 1.0)
    session = Session(QUICK, voice, hears(words)).run()
    for earlier, later in itertools.pairwise(partials(session)):
        promised = later.text[: later.stable].split()
        assert promised == earlier.text.split()[: len(promised)]
        assert len(promised) < len(later.text.split()) or later is partials(session)[-1]
    assert partials(session)[-2].stable > 0


def test_what_is_committed_is_not_heard_again_but_goes_along_as_text():
    voice, words = talk(0.5, 9.0, 1.0)
    session = Session(QUICK, voice, hears(words)).run()
    late = [decode for decode in session.decodes if decode.urgency is Urgency.PARTIAL and decode.start > ENGINE_RATE]
    assert late
    for decode in late:
        before = [word.text for word in words if word.end <= decode.start + 0.1 * ENGINE_RATE]
        assert decode.context.split() == before[-len(decode.context.split()) :]
        assert 2 <= len(decode.context.split()) <= 12
    assert said(session) == everything(words)
    untimed = [decode for decode in session.decodes if not decode.timed]
    assert untimed, "times cost an alignment, and nothing can be promised in the first second"
    assert all(decode.end - decode.start < 2 * ENGINE_RATE for decode in untimed)


@given(tracks(), st.integers(0, 10), st.floats(0.1, 1.0))
@settings(deadline=None, max_examples=60)
def test_finals_hear_what_was_said_just_before_where_there_is_room_for_it(track, latency, silence_s):
    """And say none of it again."""
    voice, words = track
    session = Session(rules(8.0, silence_s=silence_s), voice, hears(words), latency=lambda job: latency).run()
    check(session)
    assert said(session) == everything(words)
    for decode in session.decodes:
        if decode.told_after is not None:
            assert decode.urgency not in FIRST_KINDS
            assert decode.end - decode.start <= CONTEXT_WINDOWS * 8.0 * ENGINE_RATE
            began, ended = decode.told_after
            assert decode.start < began <= ended <= decode.end
            assert ended - began <= LONGEST_PAUSE
    alone = Session(rules(silence_s=silence_s), voice, hears(words), latency=lambda job: latency).run()
    assert [final.end for final in finals(session)] == [final.end for final in finals(alone)]


def test_a_sentence_with_a_breath_in_it_is_heard_as_a_whole():
    voice, words = talk(0.5, 1.0, 0.6, 1.0, 4.0, 1.0, 1.0)
    session = Session(rules(8.0, silence_s=0.3), voice, hears(words)).run()
    first, second, third = [decode for decode in session.decodes if decode.urgency is Urgency.SPECULATIVE]
    assert first.told_after is None
    assert second.start == first.start
    assert third.told_after is None, "what was said before a long pause is no context"
    assert said(session) == everything(words)


def test_nothing_is_promised_by_a_window_that_does_not_begin_with_what_is_known():
    voice, words = talk(0.5, 6.0, 1.0)

    def mishears(wish):
        found = [word for word in words if wish.start < word.end <= wish.end]
        if wish.urgency is Urgency.PARTIAL and wish.context:
            first, *rest = found
            found = [first, *(first._replace(text=text) for text in ("um", "mumble")), *rest[1:]]
        return transcript(found, wish)

    session = Session(QUICK, voice, mishears).run()
    check(session)
    assert [decode for decode in session.decodes if decode.context], "windows begin anew"
    assert said(session) == everything(words)


def test_a_hypothesis_that_is_not_believed_or_old_or_empty_changes_nothing():
    voice, _ = talk(0.5, 3.0, 1.0)

    def doubtful(wish):
        return transcript([Said("no", wish.start, wish.end)], wish, believed=wish.urgency.is_final)

    session = Session(QUICK, voice, doubtful).run()
    assert {partial.text for partial in partials(session)} == {"no"}
    assert len(partials(session)) == 1, "the speculative final is believed"


def test_the_same_text_is_told_once():
    voice, _ = talk(0.5, 4.0, 1.0)
    session = Session(QUICK, voice, lambda wish: transcript([Said("yes", wish.start, wish.end)], wish)).run()
    assert len(partials(session)) == 1


def test_words_that_nothing_agrees_on_are_committed_before_the_window_becomes_too_long():
    voice, words = talk(0.5, 20.0, 1.0)
    numbers = itertools.count()

    def never_the_same(wish):
        found = [word for word in words if wish.start < word.end <= wish.end]
        return transcript([word._replace(text=f"{word.text}-{next(numbers)}") for word in found], wish)

    session = Session(QUICK, voice, never_the_same).run()
    check(session)
    lengths = [decode.end - decode.start for decode in session.decodes if decode.urgency in FIRST_KINDS]
    assert max(lengths) <= 9 * ENGINE_RATE


# ------------------------------------------------------------------------ finals


def test_the_final_is_there_at_the_endpoint_when_it_was_speculated_in_time():
    voice, words = talk(0.5, 2.0, 1.0)
    session = Session(QUICK, voice, hears(words), latency=lambda job: 2).run()
    (final,) = finals(session)
    (decode,) = (decode for decode in session.decodes if decode.urgency.is_final)
    assert decode.urgency is Urgency.SPECULATIVE
    assert decode.end == final.spoken[1] + TAIL
    assert final.transcript.text == everything(words)
    assert partials(session)[-1].text == everything(words), "and it was shown meanwhile"


def test_speculation_begins_sooner_where_the_window_is_longer():
    def silence_before_it(speech_s):
        voice, words = talk(0.5, speech_s, 1.5)
        session = Session(rules(2.0, silence_s=1.0, partials=False), voice, hears(words)).run()
        (decode,) = session.decodes
        assert decode.urgency is Urgency.SPECULATIVE
        return session.asked_at[0] - (decode.end - TAIL)

    short, longer, longest = (silence_before_it(speech_s) for speech_s in (1.0, 5.0, 20.0))
    assert short == pytest.approx(0.7 * ENGINE_RATE, abs=BLOCK)
    assert longer == pytest.approx(0.17 * ENGINE_RATE, abs=2 * BLOCK)
    assert longest == TAIL


def test_a_partial_that_falls_due_in_a_silence_is_the_speculative_final():
    voice, words = talk(0.5, 1.5, 1.0)
    session = Session(rules(silence_s=0.8), voice, hears(words)).run()
    spoken_until = (blocks(0.5) + blocks(1.5)) * BLOCK
    late = [decode for decode in session.decodes if decode.end > spoken_until]
    assert [decode.urgency for decode in late] == [Urgency.SPECULATIVE], "one decode shows it and decides it"
    assert late[0].end == spoken_until + TAIL
    # Of a long utterance a partial hears only the last words, and is cheaper.
    voice, words = talk(0.5, 9.5, 1.0)
    session = Session(rules(silence_s=0.8), voice, hears(words)).run()
    spoken_until = (blocks(0.5) + blocks(9.5)) * BLOCK
    late = [decode.urgency for decode in session.decodes if decode.end > spoken_until]
    assert late == [Urgency.PARTIAL, Urgency.SPECULATIVE]


def test_a_speculation_that_is_late_is_promoted_and_not_decoded_twice():
    voice, words = talk(0.5, 2.0, 1.0)
    session = Session(QUICK, voice, hears(words), latency=lambda job: 100).run()
    assert [effect for effect in session.effects if isinstance(effect, Promote)]
    assert len([decode for decode in session.decodes if decode.urgency.is_final]) == 1
    assert said(session) == everything(words)


def test_a_voice_that_comes_back_ends_the_speculation():
    voice, words = talk(0.5, 2.0, 0.2, 2.0, 1.0)
    session = Session(QUICK, voice, hears(words)).run()
    assert len(finals(session)) == 1
    assert [decode.urgency for decode in session.decodes if decode.urgency.is_final] == [Urgency.SPECULATIVE] * 2
    assert said(session) == everything(words)


def test_what_was_speculated_and_what_is_decided_show_the_same_window():
    voice, words = talk(0.5, 2.0, 1.0)

    def only_when_asked(wish):
        return "No." if wish.urgency is Urgency.SPECULATIVE else hears(words)(wish)

    session = Session(QUICK, voice, only_when_asked).run()
    speculative, final = (decode for decode in session.decodes if decode.urgency.is_final)
    same = dataclasses.replace(speculative, job=final.job, urgency=final.urgency)
    assert final == same


# ------------------------------------------------------------------------ pauses


def test_a_pause_is_told_once_it_is_long_enough_with_all_that_was_said():
    voice, words = talk(0.5, 2.0, 1.0)
    session = Session(rules(silence_s=0.8, pause_s=0.25), voice, hears(words), latency=lambda job: 2).run()
    (told,) = (partial for partial in partials(session) if partial.pause is not None)
    assert told.text == everything(words)
    assert told.end == finals(session)[0].spoken[1]
    assert 0.25 * ENGINE_RATE <= told.pause < 0.25 * ENGINE_RATE + 3 * BLOCK


@pytest.mark.parametrize("latency", [0, 1, 3, 30])
@pytest.mark.parametrize("pause_s", [0.0, 0.1, 0.3, 0.45])
def test_a_pause_is_told_before_the_final_or_not_at_all(latency, pause_s):
    voice, words = talk(0.5, 2.0, 0.2, 2.0, 1.0)
    session = Session(rules(silence_s=0.5, pause_s=pause_s), voice, hears(words), latency=lambda job: latency).run()
    check(session)
    told = [partial for partial in partials(session) if partial.pause is not None]
    final = finals(session)[0]
    assert all(partial.pause < 0.5 * ENGINE_RATE for partial in told)
    assert len({partial.end for partial in told}) == len(told), "each pause once"
    assert len(told) == (0 if latency == 30 else 1 if pause_s >= 0.2 or latency == 3 else 2)
    if told:
        assert told[-1].text == final.transcript.text


@given(tracks(), st.integers(0, 12), st.sampled_from([0.0, 0.15, 0.3]))
@settings(deadline=None, max_examples=100)
def test_pauses_change_no_final_and_what_they_tell_is_the_final_unless_somebody_speaks_on(track, latency, pause_s):
    voice, words = track
    options = {"silence_s": 0.5, "stable_prefix": False}
    plain = Session(rules(**options), voice, hears(words), latency=lambda job: latency).run()
    session = Session(rules(**options, pause_s=pause_s), voice, hears(words), latency=lambda job: latency).run()
    check(session)
    assert finals(session) == finals(plain)
    assert not [partial for partial in partials(plain) if partial.pause is not None]
    told = None
    for effect in session.effects:
        match effect:
            case Partial(pause=pause):
                told = None if pause is None else effect
            case Final(spoken=(_, end), transcript=transcript):
                if told is not None and told.end == end:
                    assert told.text == transcript.text
                told = None
            case _:
                pass


def test_whoever_wants_no_partials_is_told_of_no_pauses():
    voice, words = talk(0.5, 2.0, 1.0)
    assert not partials(Session(rules(partials=False, pause_s=0.1), voice, hears(words)).run())


def test_what_is_not_believed_is_told_of_no_pause():
    voice, words = talk(0.5, 2.0, 1.0)

    def doubts(wish):
        return dataclasses.replace(hears(words)(wish), believed=not wish.urgency.is_final)

    session = Session(rules(silence_s=0.8, pause_s=0.25), voice, doubts).run()
    assert not [partial for partial in partials(session) if partial.pause is not None]


@pytest.mark.parametrize("fails", [1, 2])
def test_a_final_that_fails_is_tried_once_more_and_then_lost(fails):
    voice, words = talk(0.5, 2.0, 1.0, 1.0, 1.0)
    left = itertools.count()

    def failing(wish):
        if wish.urgency is Urgency.FINAL and wish.start < ENGINE_RATE and next(left) < fails:
            return "It is broken."
        return "No." if wish.urgency is Urgency.SPECULATIVE else hears(words)(wish)

    session = Session(QUICK, voice, failing).run()
    check(session)
    lost = [effect for effect in session.effects if isinstance(effect, Failure)]
    assert [one.message for one in lost] == ["It is broken."] * (fails - 1)
    assert said(session).split()[-1] == words[-1].text


def test_the_end_of_input_uses_what_was_speculated():
    voice, words = talk(0.5, 2.0, 0.25)
    session = Session(rules(silence_s=0.4), voice, hears(words), latency=lambda job: 0).run()
    assert session.waits == [0]
    assert said(session) == everything(words)


def test_endless_speech_is_cut_where_it_is_quietest():
    voice, _ = talk(0.5, 40.0)
    quiet = blocks(0.5 + 9.0)
    voice[quiet] = 0.4
    session = Session(rules(max_segment_s=10.0), voice, lambda wish: Transcript(text="on and on")).run()
    check(session)
    first, *_ = finals(session)
    assert first.reason == "max_length"
    assert first.end == (quiet + 1) * BLOCK
    ends = [0.3 * ENGINE_RATE, *(final.end for final in finals(session))]
    assert all(0 < later - earlier <= 10.0 * ENGINE_RATE for earlier, later in itertools.pairwise(ends[1:]))


def test_endless_speech_is_cut_in_the_middle_of_its_longest_pause():
    voice, _ = talk(0.5, 7.6, 0.4, 1.0, 0.2, 30.0)
    pause = blocks(0.5) + blocks(7.6)
    session = Session(rules(max_segment_s=10.0), voice, lambda wish: Transcript(text="on and on")).run()
    check(session)
    assert finals(session)[0].reason == "max_length"
    assert finals(session)[0].end // BLOCK == pause + blocks(0.4) - blocks(0.4) // 2


def test_nobody_waits_for_a_recording_its_windows_are_filled_across_pauses():
    voice, words = talk(0.5, 6.0, 1.5, 6.0, 1.2, 9.0, 1.0, 20.0, 2.5, 3.0, 1.0)
    how = rules(silence_s=OFFLINE_SILENCE_S, max_segment_s=OFFLINE_SEGMENT_S, offline=True)
    session = Session(how, voice, hears(words)).run()
    check(session)
    assert said(session) == everything(words)
    assert not partials(session)
    assert not any(decode.urgency in FIRST_KINDS for decode in session.decodes)
    lasted_s = [
        (end - begin) / ENGINE_RATE for begin, end in itertools.pairwise([0, *(f.end for f in finals(session))])
    ]
    # Up to the middle of the last pause that the window has room for; up to 2 s of silence; and the rest.
    assert [round(seconds, 1) for seconds in lasted_s] == [
        pytest.approx(24.7, abs=0.2),
        pytest.approx(22.5, abs=0.2),
        pytest.approx(5.0, abs=0.6),
    ]


def test_the_language_sticks_once_a_second_of_speech_was_believed():
    voice, words = talk(0.5, 0.5, 0.5, 2.0, 0.5, 2.0, 0.5)
    session = Session(QUICK, voice, hears(words)).run()
    languages = [decode.language for decode in session.decodes if decode.urgency.is_final]
    assert languages == [None, None, "en"]
    named = Session(rules(silence_s=0.3, language="de"), voice, hears(words)).run()
    assert {decode.language for decode in named.decodes} == {"de"}


def test_each_utterance_may_be_in_a_language_of_its_own():
    voice, words = talk(0.5, 2.0, 0.5, 2.0, 0.5, 0.5, 0.5, 2.0, 0.5)
    spoken = iter(["en", "de", None, "fr"])

    def hear(wish):
        heard = hears(words)(wish)
        return dataclasses.replace(heard, language=wish.language or next(spoken)) if wish.urgency.is_final else heard

    session = Session(rules(2.0, silence_s=0.3, language_per_utterance=True), voice, hear).run()
    check(session)
    decodes = [decode for decode in session.decodes if decode.urgency.is_final]
    assert [decode.language for decode in decodes] == [None, None, "de", None], "a short word is in the language before"
    assert all(decode.told_after is None for decode in decodes), "what was said before may be in another language"
    pinned = Session(rules(2.0, silence_s=0.3), voice, hears(words)).run()
    assert [decode.language for decode in pinned.decodes if decode.urgency.is_final] == [None, "en", "en", "en"]


def test_what_is_improbable_in_the_language_of_the_session_is_heard_in_another():
    voice, words = talk(0.5, 2.0, 0.5, 2.0, 0.5, 2.0, 0.5)
    first, second = (begin * BLOCK for begin in (blocks(0.5), blocks(0.5) + blocks(2.0) + blocks(0.5)))

    def hear(wish, *, in_english=0.4):
        german = wish.end > second and wish.start > first - ENGINE_RATE // 2
        heard = hears(words)(wish)
        if not german or wish.language == "de":
            return dataclasses.replace(heard, language=wish.language or "en")
        if wish.language is None:
            return dataclasses.replace(heard, language="de")
        return dataclasses.replace(heard, text=heard.text.replace("w", "v"), confidence=in_english)

    how = rules(silence_s=0.3, partials=False)
    session = Session(how, voice, hear).run()
    check(session)
    assert [final.transcript.language for final in finals(session)] == ["en", "de", "de"]
    assert said(session) == everything(words), "the better one is said"
    asked = [decode.language for decode in session.decodes if decode.urgency is Urgency.FINAL]
    assert asked == [None], "and one that had been speculated on is asked for again, once"

    english_is_better = Session(how, voice, lambda wish: hear(wish, in_english=0.95)).run()
    assert [final.transcript.language for final in finals(english_is_better)] == ["en", "en", "en"]


def test_a_language_that_cannot_be_heard_anew_costs_no_words():
    voice, words = talk(0.5, 2.0, 0.5, 2.0, 0.5)
    asked = []

    def hear(wish):
        if wish.urgency is Urgency.FINAL:
            asked.append(wish)
            return "The engine is out of order."
        confidence = 0.9 if len(asked) == 0 and wish.end < 3 * ENGINE_RATE else 0.2
        return dataclasses.replace(hears(words)(wish), confidence=confidence)

    session = Session(QUICK, voice, hear).run()
    check(session)
    assert len(asked) == 1
    assert said(session) == everything(words)


def test_there_is_nothing_to_detect_where_one_language_is_left():
    assert Rules.of(StreamConfig(languages=("de",))).language == "de"
    assert Rules.of(StreamConfig(), languages=("en",)).language == "en"
    assert Rules.of(StreamConfig(languages=("de", "fr")), languages=("en",)).language == "en"
    assert Rules.of(StreamConfig(languages=("de", "fr")), languages=("de", "en", "fr")).language is None
    assert Rules.of(StreamConfig()).language is None


def test_nothing_is_heard_while_a_final_is_out():
    state = INITIAL
    voice, _ = talk(0.3, 1.0)
    for block, probability in enumerate(voice):
        state, _ = step(QUICK, state, Voice(probability=probability, end=(block + 1) * BLOCK))
    how = rules(silence_s=0.1)
    end = len(voice) * BLOCK
    while not state.deciding:
        end += BLOCK
        state, effects = step(how, state, Voice(probability=0.0, end=end))
    assert [effect for effect in effects if isinstance(effect, Decode | Promote)]
    with pytest.raises(ValueError, match="a final is out"):
        step(how, state, Voice(probability=0.0, end=end + BLOCK))


def test_speech_ends_where_the_voice_did():
    voice, words = talk(0.5, 2.0, 1.0)
    session = Session(QUICK, voice, hears(words)).run()
    (end,) = (effect.at for effect in session.effects if isinstance(effect, SpeechEnd))
    assert end == blocks(0.5) * BLOCK + blocks(2.0) * BLOCK


# ------------------------------------------------------------------------ agreement


def test_agreement_is_by_words_from_the_beginning():
    assert agreed(["a", "b", "c"], ["a", "b", "x", "c"]) == 2
    assert agreed([], ["a"]) == 0
    assert agreed(["A"], ["a"]) == 0


def test_what_is_known_is_recognised_however_it_is_written():
    assert heard_again(["Well", "known"], ["well,", "Known", "new"])
    assert heard_again(["known"], ["own", "known", "new"]), "behind a scrap of the word before"
    assert not heard_again(["well", "known"], ["well", "new", "known"])
    assert not heard_again(["known"], ["new"])
    assert not heard_again(["known"], [])
    assert heard_again([], ["anything"])


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4), st.data())
def test_a_window_that_begins_before_what_is_known_says_none_of_it_twice(earlier, known, new, data):
    """A window begins a little before its first known word: any number of the words before that may be in it."""
    said = [f"{word}{place}" for place, word in enumerate(earlier + known + new)]
    earlier, known, new = said[: len(earlier)], said[len(earlier) :][: len(known)], said[len(earlier + known) :]
    again = data.draw(st.integers(0, len(earlier)))
    heard = [*earlier[again:], *known, *new]
    matches, covered = counterparts(known, heard, earlier)
    assert heard[covered:] == new
    assert matches == [*range(len(earlier) - again, covered)]
    assert heard_again(known, heard, earlier)


def test_known_words_are_aligned_by_edits_and_not_by_their_count():
    known = ["Mr.", "Quilter", "is", "the", "middle", "classes,", "and", "we"]
    assert continued(known, "Mr. Quilter is the apostle of the middle classes, and we are glad.") == (
        "Mr. Quilter is the middle classes, and we are glad."
    )
    assert counterparts(["known"], ["Known,", "new"]) == ([0], 1)
    assert counterparts(["known"], ["own", "known", "new"]) == ([1], 2)
    assert counterparts(["known"], ["something", "else"]) == ([0], 1)
    assert counterparts(["a", "b"], ["b"]) == ([None, 0], 1)
    assert counterparts([], ["anything"]) == ([], 0)
    assert counterparts(["known"], []) == ([None], 0)


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=9))
def test_what_is_known_covers_a_prefix_in_order(known, heard):
    matches, covered = counterparts(known, heard)
    places = [place for place in matches if place is not None]
    assert places == sorted(set(places))
    assert all(place < covered <= len(heard) for place in places)
    assert continued(known, " ".join(heard)).split() == known + heard[covered:]
