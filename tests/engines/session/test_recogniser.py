"""The recogniser over scripted engines: what is durable is a function of bytes and control, and accounts for all."""

import gc
import itertools
import math
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import (
    BLOCK,
    EngineError,
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    SpeechEnded,
    SpeechStarted,
    StreamDone,
    Transcript,
    UtteranceFailed,
)
from auricle.engines.scheduling.decode_request import DecodeRequest
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import COUNTING, Script, ScriptedWord
from auricle.engines.session.recogniser import Recogniser
from auricle.engines.session.window_recogniser import WindowRecogniser
from engines.session_harness import check_record, config, drive, durable, scripts, silence, text_of

KINDS = pytest.mark.parametrize("kind", [ScriptedEngine, ScriptedWindowEngine])
RATES = st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000])
CHUNKS = st.lists(st.integers(1, 30_000), max_size=40)


def word(text: str, start_s: float, end_s: float) -> ScriptedWord:
    return ScriptedWord(text=text, start=round(start_s * 16_000), end=round(end_s * 16_000))


def says(*words: ScriptedWord, **options) -> Script:
    return Script(words=words, **options)


HELLO = says(word("hello", 1.0, 1.4), word("there", 1.5, 2.0))


@st.composite
def flushes_in(draw, total: int):
    """Flushes at rising positions, each asked at its position or any time later, in order."""
    cuts = sorted(draw(st.lists(st.integers(0, total), max_size=4)))
    asked, controls = 0, []
    for cut in cuts:
        late = draw(st.one_of(st.just(0), st.integers(0, 20_000)))
        asked = min(total, max(asked, cut + late))
        controls.append((asked, cut))
    return controls


@KINDS
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_durable_does_not_depend_on_chunks_and_accounts_for_every_sample(kind, data):
    rate = data.draw(RATES)
    script = data.draw(scripts(failing_utterances=frozenset(data.draw(st.sets(st.integers(0, 6), max_size=2)))))
    total = data.draw(st.integers(0, 14 * rate))
    flushes = data.draw(flushes_in(total))
    # A flush that comes late is answered behind what partials have promised, and that depends on when they came.
    partials = kind is ScriptedEngine or all(asked == cut for asked, cut in flushes)
    how = config(rate, silence_s=data.draw(st.sampled_from([0.1, 0.3, 0.5])), max_segment_s=3.0, partials=partials)
    pcm = bytes(2 * total)
    one = drive(kind(script), how, pcm, chunks=data.draw(CHUNKS), flushes=flushes)
    other = drive(kind(script), how, pcm, chunks=data.draw(CHUNKS), flushes=flushes)
    check_record(one, total, rate)
    check_record(other, total, rate)
    assert durable(one) == durable(other)
    for number, (_, cut) in enumerate(flushes):
        before = one[: one.index(next(r for r in one if isinstance(r, FlushDone) and r.flush_id == f"f{number}"))]
        crossing = [r for r in before if isinstance(r, FinalResult | UtteranceFailed) and r.end_sample > cut]
        answer = one[len(before)]
        assert answer.upto_sample == cut or (crossing and answer.upto_sample == crossing[-1].end_sample)


@KINDS
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_word_is_said_once(kind, data):
    """Words of a voice long enough to be confirmed are all in the finals, whatever cuts between them."""
    script = data.draw(scripts())
    how = config(silence_s=data.draw(st.sampled_from([0.1, 0.5])), max_segment_s=60.0)
    total = 40 * 16_000
    said = [w for w in script.words if w.end - w.start >= 2 * BLOCK * 1.5]
    pauses = [w.end for w in script.words]
    cuts = sorted(set(data.draw(st.lists(st.sampled_from([0, *pauses]), max_size=4))))
    flushes = [(min(total, cut), cut) for cut in cuts]
    finals = text_of(drive(kind(script), how, bytes(2 * total), flushes=flushes)).split()
    assert len(finals) == len(set(finals))
    assert {w.text for w in said} <= set(finals)


@KINDS
def test_words_shorter_than_the_lead_of_a_window_are_said_once(kind):
    """A window that begins 0.1 s before its known word hears several words before it, too."""
    spans = [
        *((320, 640), (640, 960), (960, 1280), (1280, 1600), (1600, 1963), (1963, 2505), (2505, 3209), (3209, 4015)),
        *((4015, 5475), (5475, 6088), (6088, 13400), (13400, 14301), (14301, 14621), (14621, 17921), (17921, 18241)),
        *((18241, 18597), (18597, 24091), (24091, 31558), (31558, 39981), (39981, 49254), (49254, 65232)),
        *((65232, 65552), (65552, 66080), (66080, 66759), (67134, 69019), (69019, 71142), (71142, 77721)),
        *((78721, 94721), (101249, 117249), (122461, 138461)),
    ]
    script = says(*(ScriptedWord(text=f"w{i}", start=a, end=b) for i, (a, b) in enumerate(spans)))
    finals = text_of(drive(kind(script), config(silence_s=0.5, max_segment_s=60.0), silence(40.0))).split()
    assert finals == [word.text for word in script.words]


@KINDS
def test_an_utterance_from_start_to_end(kind):
    results = drive(kind(HELLO), config(), silence(4.0), chunks=[320] * 2_000)
    check_record(results, 64_000)
    start, final, end, done = durable(results)
    assert start == SpeechStarted(at_sample=16_000 // BLOCK * BLOCK)
    assert isinstance(final, FinalResult)
    assert (final.text, final.reason, final.start_s, final.end_s) == ("hello there", "endpoint", 1.0, 2.0)
    assert [(w.text, w.start_s, w.end_s) for w in final.words] == [("hello", 1.0, 1.4), ("there", 1.5, 2.0)]
    assert final.end_sample == -(-(32_256 + 8_000) // BLOCK) * BLOCK
    assert end == SpeechEnded(at_sample=32_256)
    assert done == StreamDone(upto_sample=64_000)


@KINDS
def test_partials_come_while_somebody_speaks(kind):
    script = says(*(word(f"w{i}", 1 + i * 0.4, 1.4 + i * 0.4) for i in range(12)))
    results = drive(kind(script), config(), silence(8.0), chunks=[320] * 2_000)
    check_record(results, 128_000)
    texts = [r.text for r in results if isinstance(r, PartialResult)]
    assert len(texts) >= 5
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    none = drive(kind(script), config(partials=False), silence(8.0), chunks=[320] * 2_000)
    assert not [r for r in none if isinstance(r, PartialResult)]
    assert durable(none) == durable(results)


@KINDS
@pytest.mark.parametrize("chunk", [160, 4_000])
def test_a_pause_is_told_with_all_that_was_said_before_it(kind, chunk):
    results = drive(kind(HELLO), config(silence_s=0.6, pause_s=0.2), bytes(2 * 4 * 16_000), chunks=[chunk] * 400)
    check_record(results, 4 * 16_000)
    (told,) = (result for result in results if isinstance(result, PartialResult) and result.pause_s is not None)
    assert told.text == text_of(results) == "hello there"
    assert 0.2 <= told.pause_s < 0.35
    untold = drive(kind(HELLO), config(silence_s=0.6), bytes(2 * 4 * 16_000), chunks=[chunk] * 400)
    assert not [result for result in untold if isinstance(result, PartialResult) and result.pause_s is not None]
    assert durable(untold) == durable(results)


@KINDS
def test_partials_promise_only_where_it_is_wanted(kind):
    script = says(*(word(f"w{i}", 1 + i * 0.4, 1.4 + i * 0.4) for i in range(12)))
    promising, not_promising = (
        [r for r in drive(kind(script), how, silence(8.0), chunks=[320] * 2_000) if isinstance(r, PartialResult)]
        for how in (config(), config(stable_prefix=False))
    )
    assert any(partial.stable for partial in promising)
    assert [partial.text for partial in promising] == [partial.text for partial in not_promising]
    assert not any(partial.stable for partial in not_promising)


@given(script=scripts(), silence_s=st.sampled_from([0.1, 0.2, 0.5, 1.0]))
@settings(max_examples=40, deadline=None)
def test_whoever_waits_for_as_much_as_is_wanted_misses_nothing(script, silence_s):
    how, pcm = config(silence_s=silence_s, max_segment_s=4.0), silence(20.0)
    prompt, patient = Recogniser(ScriptedWindowEngine(script), how), Recogniser(ScriptedWindowEngine(script), how)
    expected, accepts = told_at(prompt, pcm, lambda: BLOCK)
    found, fewer = told_at(patient, pcm, lambda: max(1, patient._inner.preferred_chunk))
    assert [result for _, result in found] == [result for _, result in expected]
    late = [at - in_time for (at, _), (in_time, _) in zip(found, expected, strict=True)]
    assert set(late) <= {0, BLOCK, 2 * BLOCK}, "where nobody speaks it looks a little later"
    assert all(not at for at, (_, result) in zip(late, found, strict=True) if not isinstance(result, SpeechStarted))
    assert fewer <= accepts / 1.5


def told_at(recogniser, pcm: bytes, size):
    """Return what is said with the samples that had come, and how often something came."""
    at, accepts, told = 0, 0, []
    while at < len(pcm) // 2:
        count = min(size(), len(pcm) // 2 - at)
        results = recogniser.accept(pcm[2 * at : 2 * (at + count)])
        at, accepts = at + count, accepts + 1
        told += [(at, result) for result in results if not isinstance(result, Processed)]
    return told, accepts


def test_a_window_engine_is_shown_short_windows_however_long_somebody_speaks():
    seen = []

    class Counting(ScriptedWindowEngine):
        def decode(self, windows):
            seen.extend(len(w.audio) for w in windows if not w.final)
            return super().decode(windows)

    script = says(*(word(f"w{i}", i * 0.5, i * 0.5 + 0.5) for i in range(40)))
    drive(Counting(script), config(), silence(20.0), chunks=[320] * 2_000)
    assert 36 <= len(seen) <= 40, "twice a second"
    assert max(seen) <= 4 * 16_000
    seen.clear()
    drive(Counting(script), config(), silence(20.0), chunks=[10 * 16_000] * 2)
    assert len(seen) <= 2, "at most one for each accept"


def test_without_a_pace_a_window_engine_is_shown_nothing_but_finals():
    recogniser = WindowRecogniser(ScriptedWindowEngine(HELLO), config())
    assert not recogniser.set_partial_interval(None)
    requests = [one for one in recogniser.accept(silence(1.9)) if isinstance(one, DecodeRequest)]
    assert not requests
    recogniser.set_partial_interval(0.5)
    (request,) = (one for one in recogniser.accept(silence(0.05)) if isinstance(one, DecodeRequest))
    assert request.urgency is Urgency.FIRST


@KINDS
@given(st.integers(0, 48_000))
@settings(deadline=None)
def test_a_flush_cuts_exactly_where_it_is_asked_to(kind, at):
    results = drive(kind(HELLO), config(), silence(4.0), flushes=[(at, at)])
    check_record(results, 64_000)
    answer = next(r for r in results if isinstance(r, FlushDone))
    final = [r for r in results if isinstance(r, FinalResult) and r.reason == "flush"]
    if 16_000 + BLOCK <= at < 40_000:
        assert [f.end_sample for f in final] == [at]
    assert answer == FlushDone(flush_id="f0", upto_sample=at)


@KINDS
def test_a_flush_in_the_past_cuts_there_and_the_rest_is_heard_again(kind):
    script = says(word("hello", 1.0, 1.4), word("out", 1.5, 2.0), word("there", 2.0, 2.4))
    results = drive(kind(script), config(partials=False), silence(4.0), flushes=[(36_000, 23_200)])
    check_record(results, 64_000)
    one, two = (r for r in results if isinstance(r, FinalResult))
    assert (one.text, one.end_sample, one.reason) == ("hello", 23_200, "flush")
    assert (two.text, two.reason) == ("out there", "endpoint")
    assert [r.at_sample for r in results if isinstance(r, SpeechStarted)] == [15_872, 24_000 // BLOCK * BLOCK]


@KINDS
def test_a_flush_comes_before_what_the_resampler_still_holds(kind):
    """The endpoint lies a few samples behind the cut, and was inside the filter when the flush came."""
    rate, endpoint = 48_000, -(-(32_256 + 8_000) // BLOCK) * BLOCK
    at = 3 * endpoint - 30
    results = drive(kind(HELLO), config(rate), silence(4.0, rate), flushes=[(at + 200, at)])
    check_record(results, 4 * rate, rate)
    final = next(r for r in results if isinstance(r, FinalResult))
    assert (final.end_sample, final.reason) == (at, "flush")
    assert FlushDone(flush_id="f0", upto_sample=at) in results


@KINDS
def test_a_flush_behind_the_last_commit_changes_nothing(kind):
    results = drive(kind(HELLO), config(), silence(4.0), flushes=[(60_000, 20_000)])
    final = next(r for r in results if isinstance(r, FinalResult))
    assert next(r for r in results if isinstance(r, FlushDone)).upto_sample == final.end_sample
    assert len([r for r in results if isinstance(r, FinalResult)]) == 1


@KINDS
def test_a_flush_into_silence_before_running_speech_leaves_the_speech_alone(kind):
    results = drive(kind(HELLO), config(), silence(4.0), flushes=[(30_000, 8_000)])
    check_record(results, 64_000)
    assert next(r for r in results if isinstance(r, FlushDone)).upto_sample == 8_000
    assert text_of(results) == "hello there"


def test_what_a_window_engine_promises_shows_in_no_final():
    def record(how):
        flushes = [(30_000, 20_000)]
        return durable(drive(ScriptedWindowEngine(HELLO), how, silence(4.0), chunks=[320] * 2_000, flushes=flushes))

    assert record(config()) == record(config(partials=False))


@KINDS
def test_promised_words_outlive_a_flush_in_the_past(kind):
    results = drive(kind(HELLO), config(), silence(4.0), chunks=[320] * 2_000, flushes=[(31_000, 20_000)])
    check_record(results, 64_000)


def test_a_flush_beyond_the_audio_is_refused():
    recogniser = Recogniser(ScriptedEngine(HELLO), config())
    recogniser.accept(silence(0.1))
    with pytest.raises(ValueError, match="1600"):
        recogniser.flush("f", 1_601)


@KINDS
def test_a_tail_that_is_not_confirmed_is_still_decoded(kind):
    script = says(word("hi", 1.0, 1.03))
    for end_s in (1.024, 1.03, 1.05):
        results = drive(kind(script), config(), silence(end_s))
        check_record(results, round(end_s * 16_000))
        finals = [r for r in results if isinstance(r, FinalResult)]
        assert [f.reason for f in finals] == ["end_input"]
        assert finals[0].text == ("hi" if end_s >= 1.03 else "")
    flushed = drive(kind(script), config(), silence(3.0), flushes=[(16_640, 16_640)])
    assert text_of(flushed) == "hi"


@KINDS
def test_the_longest_segment_is_cut_and_speech_goes_on_at_once(kind):
    script = says(*(word(f"w{i}", i * 0.25, i * 0.25 + 0.25) for i in range(40)))
    results = drive(kind(script), config(max_segment_s=3.0), silence(12.0))
    check_record(results, 12 * 16_000)
    finals = [r for r in results if isinstance(r, FinalResult)]
    assert [f.reason for f in finals] == ["max_length"] * 3 + ["endpoint"]
    starts = [r.at_sample for r in results if isinstance(r, SpeechStarted)]
    assert starts[1:] == [f.end_sample for f in finals[:-1]]
    assert max(b - a for a, b in zip([0, *starts[1:]], starts[1:], strict=False)) <= 3 * 16_000


@KINDS
def test_a_failure_costs_one_utterance(kind):
    script = says(word("one", 1, 1.5), word("two", 3, 3.5), word("three", 5, 5.5), failing_utterances=frozenset({1}))
    results = drive(kind(script), config(), silence(7.0))
    check_record(results, 7 * 16_000)
    assert text_of(results) == "one three"
    failures = [r for r in results if isinstance(r, UtteranceFailed)]
    assert [f.message for f in failures] == ["The script says that utterance 1 fails."]


class Rude(ScriptedEngine):
    """Raises what no engine should, in the middle of its second utterance, and again when it is closed."""

    utterances = 0

    def begin(self, config, start_sample):
        Rude.utterances += 1
        utterance = super().begin(config, start_sample)
        if Rude.utterances == 2:
            utterance.accept = lambda audio: 1 / 0
            utterance.close = lambda: {}["closed"]
        return utterance


def test_any_exception_is_contained_and_told_in_one_sentence(caplog):
    Rude.utterances = 0
    script = says(word("one", 1, 1.5), word("two", 3, 3.5), word("three", 5, 5.5))
    results = drive(Rude(script), config(), silence(7.0))
    check_record(results, 7 * 16_000)
    assert text_of(results) == "one three"
    (failure,) = (r for r in results if isinstance(r, UtteranceFailed))
    assert failure.message == "The engine failed: ZeroDivisionError."
    assert "ZeroDivisionError" in caplog.text


NONE = [None, "hello", Transcript(text="no\ud800"), Transcript(text="no", confidence=math.nan)]


def drive_with(engine, *, hypothesis=None, finish=None):
    """Drive a stateful engine with decoders of which some methods return something else."""
    begin = engine.begin

    def begin_otherwise(config, start_sample):
        decoder = begin(config, start_sample)
        for name, returned in (("hypothesis", hypothesis), ("finish", finish)):
            if returned is not None:
                setattr(decoder, name, returned)
        return decoder

    engine.begin = begin_otherwise
    return drive(engine, config(), silence(4.0))


@pytest.mark.parametrize("garbage", NONE)
def test_a_stateful_engine_that_ends_an_utterance_with_garbage_has_failed_on_it(garbage):
    results = drive_with(ScriptedEngine(HELLO), finish=lambda: garbage)
    (failed,) = [result for result in results if isinstance(result, UtteranceFailed)]
    assert "The engine returned" in failed.message
    assert text_of(results) == ""
    assert isinstance(results[-1], StreamDone)


@pytest.mark.parametrize("garbage", NONE)
def test_a_hypothesis_that_is_garbage_is_not_told_and_costs_a_stateful_engine_nothing(garbage):
    results = drive_with(ScriptedEngine(HELLO), hypothesis=lambda: garbage)
    assert not [result for result in results if isinstance(result, PartialResult)]
    assert text_of(results) == "hello there"


def test_a_partial_that_fails_costs_a_window_engine_nothing():
    class NoPartials(ScriptedWindowEngine):
        def decode(self, windows):
            if not windows[0].final:
                raise EngineError("No.")
            return super().decode(windows)

    results = drive(NoPartials(HELLO), config(), silence(4.0), chunks=[320] * 2_000)
    assert text_of(results) == "hello there"
    partials = [r for r in results if isinstance(r, PartialResult)]
    assert [r.text for r in partials] == ["hello there"], "what was speculated is one, and only that did not fail"


def test_long_silence_is_not_kept():
    recogniser = Recogniser(ScriptedEngine(says()), config(8_000))
    second = silence(1.0, 8_000)

    def memory_after(seconds: int) -> int:
        for _ in range(seconds):
            recogniser.accept(second)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    before = memory_after(30)
    after = memory_after(1_200)
    tracemalloc.stop()
    assert after - before < 16_384, "twenty minutes of it are 77 megabytes as the engine hears them"
    assert recogniser.flush("f", 9_000_000)[-1] == FlushDone(flush_id="f", upto_sample=9_000_000)


def test_the_default_script_counts_for_ever():
    results = drive(ScriptedEngine(COUNTING), config(), silence(30.0))
    check_record(results, 30 * 16_000)
    finals = [r.text for r in results if isinstance(r, FinalResult)]
    assert finals[:2] == ["one two three four five", "six seven eight nine ten"]
    assert finals[4].startswith("one two three four five")


def test_closing_in_the_middle_gives_the_decoder_back_once():
    closed = []

    class Watched(ScriptedEngine):
        def begin(self, config, start_sample):
            utterance = super().begin(config, start_sample)
            utterance.close = lambda: closed.append(start_sample)
            return utterance

    recogniser = Recogniser(Watched(HELLO), config())
    recogniser.accept(silence(1.5))
    recogniser.close()
    recogniser.close()
    assert len(closed) == 1
