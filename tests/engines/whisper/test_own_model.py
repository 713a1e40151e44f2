"""Pebble, the repository's own Whisper model: the true path from audio to words, offline, with nothing beside it.

The bars follow from the model card's tables, with room for what another processor rounds otherwise.
"""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from train_model.clips import held_out_sentences
from train_model.features import log_mel, normalised
from train_model.voices import ESPEAK, FESTIVAL, FLITE, HELD_OUT
from train_model.words import WORDS

from auricle.engines.protocol import ENGINE_RATE, FinalResult, PartialResult, Window
from auricle.engines.whisper.decoder import WhisperDecoder
from auricle.engines.whisper.engine import WhisperEngine
from auricle.engines.whisper.log_mel import encoder_input, window_features
from auricle.engines.whisper.models.resolution import resolve_model
from auricle.engines.whisper.models.window_settings import window_rules
from auricle.engines.whisper.window_length import WindowRules
from engines.session_harness import check_record, config, drive, silence, text_of

NAME = "pebble-en"
SPEECH = Path(__file__).parents[1] / "speech"
CLIPS = [json.loads(line) for line in (SPEECH / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
SEEN = [clip for clip in CLIPS if not clip["held_out_voice"]]
UNSEEN = [clip for clip in CLIPS if clip["held_out_voice"]]
SEEN_BAR, UNSEEN_BAR = 0.02, 0.05
"""Measured on these clips: 0.5 % and 2.7 %."""
MEDIAN_TIME_BAR_S, NINTH_TIME_BAR_S = 0.04, 0.2
STREAMED = ("21-awb.ogg", "00-en-us-f5.ogg", "47-ked_diphone.ogg")
PAUSE_S = 0.8
CHUNK = ENGINE_RATE // 50


def ignore(stage, fraction):
    """Nobody looks."""


MODEL = resolve_model(NAME, ignore)


def audio(clip) -> np.ndarray:
    samples, rate = soundfile.read(SPEECH / clip["path"], dtype="float32")
    assert rate == ENGINE_RATE
    return samples


def window(samples, **options) -> Window:
    return Window(**{"audio": samples, "config": config(), "final": True} | options)


def opened(compute_type) -> WhisperModel:
    return WhisperModel(str(MODEL), device="cpu", compute_type=compute_type, cpu_threads=1, local_files_only=True)


def decoder(model, pad_s) -> WhisperDecoder:
    return WhisperDecoder(model, rules=WindowRules(tail_pad_s=pad_s, least_frames=200), batch=8)


def wer(clips, heard) -> float:
    return jiwer.wer([clip["text"] for clip in clips], list(heard))


def texts(transcripts) -> list[str]:
    return [transcript.text for transcript in transcripts]


@pytest.fixture(scope="module")
def model():
    return opened("int8")


@pytest.fixture(scope="module")
def tokenizer(model):
    return Tokenizer(model.hf_tokenizer, multilingual=False)


@pytest.fixture(scope="module")
def engine():
    engine = WhisperEngine(NAME, device="cpu")
    engine.load(ignore)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def transcripts(engine):
    """Return what it hears in all clips, in order."""
    return engine.decode([window(audio(clip)) for clip in CLIPS])


# ------------------------------------------------------------------------ what it is


def test_it_is_small_enough_for_a_repository():
    sizes = {path.name: path.stat().st_size for path in MODEL.iterdir()}
    assert sizes["model.bin"] <= 8_000_000
    assert sum(sizes.values()) <= 9_000_000
    assert sum(path.stat().st_size for path in SPEECH.iterdir()) <= 1_500_000


def test_its_card_tells_how_many_words_it_knows():
    assert f"{len(WORDS)} English words" in (MODEL / "README.md").read_text(encoding="utf-8")


def test_its_tokenizer_is_whispers(model, tokenizer):
    assert not model.model.is_multilingual
    names = (model.hf_tokenizer.id_to_token(number) for number in (tokenizer.timestamp_begin, tokenizer.eot))
    assert list(names) == ["<|0.00|>", "<|endoftext|>"]
    assert model.hf_tokenizer.id_to_token(tokenizer.timestamp_begin + 1500) == "<|30.00|>"
    specials = (tokenizer.sot, tokenizer.sot_prev, tokenizer.no_speech, tokenizer.transcribe, tokenizer.translate)
    assert all(number is not None and number > tokenizer.eot for number in specials)
    vocabulary = json.loads((MODEL / "vocabulary.json").read_text(encoding="utf-8"))
    assert [model.hf_tokenizer.id_to_token(number) for number in range(len(vocabulary))] == vocabulary


def test_it_can_write_all_its_words(tokenizer):
    forbidden = set(tokenizer.non_speech_tokens)
    for word in WORDS:
        tokens = tokenizer.encode(f" {word}")
        assert tokenizer.decode(tokens) == f" {word}"
        assert not forbidden.intersection(tokens)


def test_it_was_trained_on_the_features_that_it_is_given():
    samples = audio(CLIPS[0])
    frames = len(samples) // 160 + 50
    padded = np.pad(samples, (0, frames * 160 - len(samples)))
    rows = window_features(samples, 80)
    given, trained = encoder_input(rows, frames), normalised(log_mel(padded)).T
    np.testing.assert_allclose(given[:, : len(rows)], trained[:, : len(rows)], atol=1e-3)
    # It was trained with silence behind the speech, where it now gets zeros, as stock weights do.
    assert not given[:, len(rows) :].any()


def test_the_training_has_none_of_the_sentences_and_not_the_held_out_voices():
    assert {clip["text"] for clip in CLIPS} <= set(held_out_sentences())
    assert {clip["voice"] for clip in UNSEEN} == {str(voice) for voice in HELD_OUT}
    trained = {str(voice) for voice in (*ESPEAK, *FLITE, *FESTIVAL)}
    assert {clip["voice"] for clip in SEEN} <= trained
    assert not {clip["voice"] for clip in UNSEEN} & trained
    assert len(UNSEEN) >= 20


# ------------------------------------------------------------------------ what it hears


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
@pytest.mark.parametrize("pad_s", [0.16, window_rules(MODEL).tail_pad_s, 2.0])
def test_short_windows_are_enough(compute_type, pad_s):
    ears = decoder(opened(compute_type), pad_s)
    for clips, bar in ((SEEN, SEEN_BAR), (UNSEEN, UNSEEN_BAR)):
        assert wer(clips, texts(ears.decode([window(audio(clip), timed=False) for clip in clips]))) <= bar


def test_faster_whisper_hears_the_clips(model):
    def heard(clip) -> str:
        segments, _ = model.transcribe(audio(clip), beam_size=1)
        return " ".join(" ".join(segment.text for segment in segments).split())

    for clips, bar in ((SEEN[::2], SEEN_BAR), (UNSEEN[::2], UNSEEN_BAR)):
        assert wer(clips, map(heard, clips)) <= bar


def test_words_lie_where_they_are_said(transcripts):
    off, right = [], 0
    for clip, transcript in zip(CLIPS, transcripts, strict=True):
        assert all(0 <= word.start_s <= word.end_s <= clip["seconds"] + 0.05 for word in transcript.words)
        assert " ".join(word.text for word in transcript.words) == transcript.text
        if transcript.text == clip["text"]:
            right += 1
            for said, heard in zip(clip["words"], transcript.words, strict=True):
                off += [abs(said["start"] - heard.start_s), abs(said["end"] - heard.end_s)]
    assert right >= 0.8 * len(CLIPS)
    assert np.median(off) <= MEDIAN_TIME_BAR_S
    assert np.quantile(off, 0.9) <= NINTH_TIME_BAR_S


def test_it_is_surer_of_what_is_right(transcripts):
    right, wrong = [], []
    for clip, transcript in zip(CLIPS, transcripts, strict=True):
        assert transcript.believed
        assert 0 < transcript.confidence <= 1
        (right if transcript.text == clip["text"] else wrong).append(transcript.confidence)
    assert not wrong or np.median(right) > np.median(wrong)


def test_windows_decoded_together_say_what_they_say_alone(engine, transcripts):
    alone = [engine.decode([window(audio(clip))])[0] for clip in CLIPS[::4]]
    together = transcripts[::4]
    assert texts(alone) == texts(together)
    for one, other in zip(alone, together, strict=True):
        times = [[(word.start_s, word.end_s) for word in which.words] for which in (one, other)]
        np.testing.assert_allclose(*times, atol=0.021)


def test_what_was_said_before_is_not_said_again(engine):
    windows, rest = [], []
    for before, clip in pairwise(CLIPS):
        first, _, later = clip["text"].partition(" ")
        begins = round((clip["words"][1]["start"] - 0.05) * ENGINE_RATE)
        windows.append(window(audio(clip)[begins:], context=f"{before['text']} {before['text']} {first}", timed=False))
        rest.append(later)
    heard, alone = engine.decode(windows), engine.decode([replace(one, context="") for one in windows])
    # int8 rounds differently on each kind of processor: 9.6 % on one, 10.3 % on another.
    assert jiwer.wer(rest, texts(heard)) <= 0.15
    differ = [one.avg_logprob != other.avg_logprob for one, other in zip(heard, alone, strict=True)]
    assert np.mean(differ) > 0.5, "it was told the context"


def nothing_said(seconds=3.0):
    """Return windows without a word, by name."""
    rng = np.random.default_rng(5)
    time = np.arange(round(seconds * ENGINE_RATE)) / ENGINE_RATE
    clicks = np.zeros(len(time), dtype=np.float32)
    clicks[rng.integers(0, len(time), 8)] = 0.8
    chord = sum(np.sin(2 * np.pi * note * time) for note in (220, 277, 330))
    return {
        "silence": np.zeros(len(time)),
        "faint hiss": 0.001 * rng.standard_normal(len(time)),
        "white noise": 0.1 * rng.standard_normal(len(time)),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * time),
        "a chord": 0.2 * chord,
        "clicks": clicks,
    }


@pytest.mark.parametrize(("kind", "samples"), nothing_said().items(), ids=nothing_said())
def test_where_nothing_is_said_it_says_nothing(engine, kind, samples):
    samples = samples.astype(np.float32)
    windows = [window(samples[: round(length * ENGINE_RATE)]) for length in (0.4, 1.0, 3.0)]
    # Not even what speech a voice detector would pass: one kind of processor hears "in" in a second of the chord.
    assert sum(len(text.split()) for text in texts(engine.decode(windows))) <= (kind == "a chord")


# ------------------------------------------------------------------------ as a stream


def conversation():
    """Return some clips with pauses between them as PCM, and their words with their times there."""
    pcm, words = silence(PAUSE_S), []
    for clip in (clip for clip in CLIPS if clip["path"] in STREAMED):
        begins_s = len(pcm) / 2 / ENGINE_RATE
        samples = np.round(audio(clip) * 32_767).astype("<i2")
        pcm += samples.tobytes() + silence(PAUSE_S)
        words += [(word["word"], begins_s + word["start"], begins_s + word["end"]) for word in clip["words"]]
    return pcm, words


@pytest.fixture(scope="module")
def streamed(engine):
    pcm, words = conversation()
    return drive(engine, config(), pcm, chunks=[CHUNK] * (len(pcm) // 2 // CHUNK + 1)), pcm, words


def test_a_stream_has_partials_and_finals_with_the_words_that_were_said(streamed):
    results, pcm, words = streamed
    check_record(results, len(pcm) // 2)
    finals = [result for result in results if isinstance(result, FinalResult)]
    partials = [result for result in results if isinstance(result, PartialResult)]
    assert len(finals) == len(STREAMED)
    assert jiwer.wer(" ".join(word for word, _, _ in words), text_of(results)) <= 0.1
    assert len(partials) >= 2 * len(finals)
    assert any(partial.stable for partial in partials)


def test_a_streams_words_lie_where_they_were_said(streamed):
    results, _, words = streamed
    heard = [word for result in results if isinstance(result, FinalResult) for word in result.words]
    known = {}
    for word, start, end in words:
        known.setdefault(word, []).append((start, end))
    off = [
        abs(one.start_s - min((start for start, _ in known[one.text]), key=lambda start: abs(start - one.start_s)))
        for one in heard
        if one.text in known
    ]
    assert len(off) >= 0.8 * len(words)
    assert np.median(off) <= 2 * MEDIAN_TIME_BAR_S


def test_a_streams_finals_do_not_depend_on_its_chunks(engine, streamed):
    results, pcm, _ = streamed
    said = [result.text for result in results if isinstance(result, FinalResult)]
    other = drive(engine, config(), pcm, chunks=[ENGINE_RATE] * 60)
    assert [result.text for result in other if isinstance(result, FinalResult)] == said
