"""pocketsphinx on real speech: the same properties as with a script, and words that make sense."""

import threading

import jiwer
import numpy as np
import pytest

from auricle.engines.protocol import EngineUnavailable, FinalResult, PartialResult, UtteranceFailed
from auricle.engines.session.recogniser import Recogniser
from auricle.engines.sphinx.decoder_pool import DecoderPool
from auricle.engines.sphinx.engine import SphinxEngine, create_engine
from engines.session_harness import check_record, clip_pcm, clips, config, drive, durable, silence, text_of

CLIP = "goforward"


def ignore(stage, fraction):
    """Nobody looks."""


@pytest.fixture(scope="module")
def engine():
    engine = SphinxEngine(max_decoders=2)
    engine.load(ignore)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def speech() -> bytes:
    """Two utterances with a pause that ends the first."""
    return clip_pcm(CLIP) + silence(1.0) + clip_pcm("cards-003") + silence(0.2)


@pytest.fixture(scope="module")
def whole(engine, speech):
    return drive(engine, config(), speech)


def test_words_times_and_confidences(whole, speech):
    check_record(whole, len(speech) // 2)
    finals = [r for r in whole if isinstance(r, FinalResult)]
    assert len(finals) >= 2
    assert jiwer.wer("go forward ten meters", finals[0].text) <= 0.25
    assert not [r for r in whole if isinstance(r, UtteranceFailed)]
    for final in finals:
        assert final.text == " ".join(word.text for word in final.words)
        assert "<" not in final.text
        assert "(" not in final.text
        assert final.language == "en"
    heard = {word.text: word for word in finals[0].words}
    for reference in clips()[CLIP]["words"]:
        if word := heard.get(reference["word"]):
            assert abs(word.start_s - reference["start"]) < 0.25
            assert abs(word.end_s - reference["end"]) < 0.25
    assert [r for r in whole if isinstance(r, PartialResult)]


def assert_same(one, other):
    """Hold two records to be the same, but for the trace that decoders keep of the last frame they heard."""
    one, other = durable(one), durable(other)
    assert [type(r) for r in one] == [type(r) for r in other]
    for a, b in zip(one, other, strict=True):
        if not isinstance(a, FinalResult):
            assert a == b
            continue
        assert (a.end_sample, a.text, a.reason) == (b.end_sample, b.text, b.reason)
        assert a.confidence == pytest.approx(b.confidence, abs=0.02)
        for x, y in zip(a.words, b.words, strict=True):
            assert (x.start_s, x.end_s) == pytest.approx((y.start_s, y.end_s), abs=0.03)


@pytest.mark.parametrize("chunks", [[777] * 60, [1, 511, 512, 513, 9_999], [60_000]])
def test_chunks_do_not_matter_and_decoders_remember_nobody(engine, speech, whole, chunks):
    assert_same(drive(engine, config(), speech, chunks=chunks), whole)


@pytest.mark.parametrize(("asked", "at"), [(20_000, 20_000), (24_000, 20_000), (88_000, 87_000)])
def test_flushes_on_real_speech(engine, speech, asked, at):
    one = drive(engine, config(), speech, flushes=[(asked, at)])
    check_record(one, len(speech) // 2)
    assert_same(one, drive(engine, config(), speech, flushes=[(asked, at)], chunks=[777]))


def test_telephone_audio(engine):
    pcm = np.frombuffer(clip_pcm(CLIP), dtype="<i2")[::2].tobytes()
    results = drive(engine, config(8_000), pcm + silence(1.0, 8_000))
    check_record(results, len(pcm) // 2 + 8_000, 8_000)
    assert text_of(results)


def test_an_utterance_without_a_decoder_is_decoded_when_it_ends(engine, whole):
    """Three sessions speak at once, two decoders in all: all three get the same words, and nobody waits for ever."""
    pcm = clip_pcm(CLIP)
    sessions = [Recogniser(engine, config()) for _ in range(3)]
    for session in sessions:
        session.accept(pcm[:40_000])
    texts = []
    for session in sessions:
        results = [*session.accept(pcm[40_000:]), *session.accept(silence(1.0)), *session.finish()]
        texts.append(text_of(results))
        session.close()
    assert len(set(texts)) == 1
    assert texts[0] == next(r for r in whole if isinstance(r, FinalResult)).text


def test_sessions_at_once_from_many_threads(engine):
    pcm, texts = clip_pcm(CLIP) + silence(1.0), []

    def listen():
        texts.append(text_of(drive(engine, config(), pcm)))

    threads = [threading.Thread(target=listen) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 4
    assert len(set(texts)) == 1


def test_only_english_and_only_its_model():
    for language in (None, "en", "en-GB"):
        assert create_engine(None, language).info.languages == ("en",)
    with pytest.raises(EngineUnavailable, match="English"):
        create_engine(None, "de")
    with pytest.raises(EngineUnavailable, match="en-us"):
        create_engine("large-v3", None)


def test_the_pool_makes_no_more_decoders_than_it_may():
    made = []
    pool = DecoderPool(lambda: made.append(object()) or made[-1], max_decoders=3)
    held = [pool.acquire(), pool.acquire()]
    assert pool.acquire() is None
    with pool.borrowed() as last:
        assert last not in held
    pool.release(held[0])
    assert pool.acquire() is held[0]
    pool.discard()
    assert pool.acquire() is made[3]
    assert len(made) == 4
