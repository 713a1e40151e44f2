"""What a decoder makes of windows: with a small model that has memorised some recordings."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from private_folders import private

from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.protocol import Transcript, Window
from auricle.engines.whisper.decoder import WhisperDecoder
from auricle.engines.whisper.log_mel import LogMels
from auricle.engines.whisper.window_length import WindowRules
from engines.session_harness import clip_pcm, config

RULES = WindowRules(tail_pad_s=2.0, least_frames=200)
"""The model learnt its recordings in short windows, and greedily."""
YOU = 291
"""The token of the word."""


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return WhisperModel(
        str(private("models", "parrot-en")), device="cpu", compute_type="int8", cpu_threads=1, num_workers=2
    )


@pytest.fixture(scope="module")
def decoder(model: WhisperModel) -> WhisperDecoder:
    return WhisperDecoder(model, rules=RULES, batch=8, beam_size=1)


class Spy:
    """A model that is overheard, and put words into the mouth of."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.says: list[list[int]] = []
        """What the next calls of `generate` are made to return."""

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._model, name)
        return self._overheard(name, attribute) if callable(attribute) else attribute

    def _overheard(self, name: str, method: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            self.calls.append((name, args, options))
            if name == "generate" and self.says:
                tokens = self.says.pop(0)
                return [SimpleNamespace(sequences_ids=[tokens], scores=[-0.1], no_speech_prob=0.0) for _ in args[1]]
            return method(*args, **options)

        return call

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [args for called, args, _ in self.calls if called == name]


@pytest.fixture
def spy(model: WhisperModel, monkeypatch: pytest.MonkeyPatch) -> Spy:
    spy = Spy(model.model)
    monkeypatch.setattr(model, "model", spy)
    return spy


def clip(clip_id: str = "jfk", seconds: float | None = None) -> np.ndarray:
    audio = np.frombuffer(clip_pcm(clip_id), dtype="<i2").astype(np.float32) / 32_768
    return audio if seconds is None else audio[: round(seconds * 16_000)]


def window(audio: np.ndarray | None = None, **options: Any) -> Window:
    known = {"audio": clip(seconds=3.0) if audio is None else audio, "config": config(language="en"), "final": False}
    return Window(**{**known, **options})


def cached(audio: np.ndarray, begin: int, **options: Any) -> Window:
    """Return a window of the audio from ``begin``, with its features from a session's cache."""
    held = RetainedAudio()
    held.append(audio)
    features = LogMels(80).window(held, begin, len(audio))
    return window(audio[begin:], start_sample=begin, features=features, **options)


# ---------------------------------------------------------------------------- features


def test_features_of_the_session_are_heard_as_the_audio_is(decoder):
    with_features, without = decoder.decode([cached(clip(), 0, final=True), window(clip(), final=True)])
    assert with_features.text == without.text != ""
    assert with_features.words == without.words


def test_audio_is_not_looked_at_where_there_are_features(decoder):
    audio = clip()
    told = cached(audio, 0)
    deaf = window(np.zeros_like(audio), features=told.features)
    assert decoder.decode([deaf])[0].text == decoder.decode([told])[0].text != ""


def test_words_have_their_times_in_the_audio_also_where_features_begin_later(decoder):
    audio = np.pad(clip(), (160, 0))
    on_grid, late = decoder.decode([cached(audio, 160, final=True), cached(audio, 1, final=True)])
    assert late.text == on_grid.text
    # It begins 159 samples earlier and its features do not.
    for word, same in zip(late.words, on_grid.words, strict=True):
        assert word.start_s == pytest.approx(same.start_s + 159 / 16_000)
        assert word.end_s == pytest.approx(same.end_s + 159 / 16_000)


# ---------------------------------------------------------------------------- words


def test_words_are_timed_only_where_that_is_wanted(decoder, spy):
    for final in (True, False):
        (untimed,) = decoder.decode([window(timed=False, final=final)])
        assert untimed.text
        assert untimed.words == ()
    assert spy.of("align") == []
    (timed,) = decoder.decode([window(timed=True)])
    assert [word.text for word in timed.words] == timed.text.split()
    assert len(spy.of("align")) == 1


# ---------------------------------------------------------------------------- context


def prompt_length(spy: Spy, number: int = -1) -> list[int]:
    return [prompt.index(50_258) for prompt in spy.of("generate")[number][1]]


@pytest.mark.parametrize(("words", "tokens"), [(0, 0), (7, 0), (8, 8), (15, 8), (16, 16), (31, 16), (32, 32), (90, 32)])
def test_a_context_has_one_of_few_lengths(decoder, spy, words, tokens):
    decoder.decode([window(context=" ".join(["country"] * words))])
    assert prompt_length(spy) == [tokens + 1 if tokens else 0]


def test_the_last_words_said_are_nearest(decoder, spy, model):
    said = "nothing of this is told " * 20 + "ask not what your country can do for you"
    decoder.decode([window(context=said, config=config(language="en", terms=("Auricle",), prompt="A speech."))])
    (prompt,) = spy.of("generate")[-1][1]
    told = model.hf_tokenizer.decode(prompt[1 : prompt.index(50_258)])
    assert prompt[0] == 50_361
    assert told.startswith(" Auricle A speech.")
    assert told.endswith("ask not what your country can do for you")


def test_a_doubtful_final_is_decoded_again_with_more_silence_and_no_context(decoder, spy):
    spy.says = [[YOU] * 9]
    heard = window(context="ask not what your country can do for you", final=True, timed=False)
    (transcript,) = decoder.decode([heard])
    assert prompt_length(spy, 0) == [9]
    assert prompt_length(spy, 1) == [0]
    lengths = [features.shape[2] for (features,) in spy.of("encode")]
    assert lengths == [RULES.frames(len(heard.audio), 80), 3_000]
    assert transcript.believed
    assert transcript.text


def test_a_final_that_stays_doubtful_is_decoded_greedily_and_told_as_doubtful(model, spy):
    decoder = WhisperDecoder(model, rules=RULES, batch=8, beam_size=5)
    spy.says = [[YOU] * 9, [YOU] * 10, [YOU] * 11]
    (transcript,) = decoder.decode([window(final=True, timed=False)])
    assert [options["beam_size"] for name, _, options in spy.calls if name == "generate"] == [5, 5, 1]
    assert not any("sampling_temperature" in options for _, _, options in spy.calls)
    assert len(spy.of("encode")) == 2
    assert not transcript.believed
    assert transcript.text.startswith("you you")


@pytest.mark.parametrize("said", [[YOU], []])
def test_what_a_text_that_ends_before_it_leaves_untold_is_decoded_alone(decoder, spy, said):
    """Whisper ends its text with a sentence, though another one follows a pause."""
    spy.says = [said]
    before = np.pad(clip(seconds=3.0), (0, 16_000))
    voiced = ((0.3, 2.2), (4.4, 6.2), (7.4, 14.0))
    whole = window(np.concatenate([before, clip()]), final=True, told_after=(2.9, 4.4), voiced=voiced)
    (told,) = decoder.decode([whole])
    assert len(spy.of("generate")) == 2, "more silence behind it does not help"
    (alone,) = decoder.decode([window(clip(), final=True, voiced=((0.4, 2.2), (3.4, 10.0)))])
    assert told.text == alone.text != ""
    assert [word.start_s for word in told.words] == pytest.approx([word.start_s + 4.0 for word in alone.words])
    assert (told.believed, told.confidence, told.tries) == (True, alone.confidence, 2)


def test_what_two_windows_show_alike_was_said_so(decoder, spy):
    """ "No, no, no, no!" is a repetition up to the end, and no runaway."""
    spy.says = [[YOU] * 9, [YOU] * 9]
    (transcript,) = decoder.decode([window(final=True, timed=False)])
    assert transcript.believed
    assert transcript.text == " ".join(["you"] * 9)


def test_of_several_tries_the_best_is_told_and_not_the_last(decoder, spy):
    words = decoder._any_language.encode(" it was the best of times and it was the worst")
    spy.says = [[*words, *[YOU] * 9], [YOU] * 60, [YOU] * 61]
    (transcript,) = decoder.decode([window(final=True, timed=False)])
    assert transcript.text.startswith("it was the best of times")


@pytest.mark.parametrize("turns", [(30, 40), (40, 30)])
def test_a_repetition_is_counted_in_the_window_that_the_weights_were_trained_on(decoder, spy, turns):
    """How often is no matter of probability: a longer repetition is the more probable, token by token."""
    words = decoder._any_language.encode(" it was the best of times")
    spy.says = [[*[YOU] * count, *words] for count in turns]
    (transcript,) = decoder.decode([window(final=True, timed=False)])
    assert transcript.text.split().count("you") == turns[1]
    assert len(spy.of("generate")) == 2, "a greedy decode counts no better"


def test_only_the_doubtful_are_decoded_again(decoder, spy):
    spy.says = [[YOU] * 9]
    windows = [window(final=True, timed=False), window(clip(seconds=8.0), final=True, timed=False)]
    transcripts = decoder.decode(windows)
    assert [len(prompts) for _, prompts in spy.of("generate")] == [1, 1, 1]
    assert [t.text for t in transcripts] == [t.text for t in decoder.decode(windows)]


def test_a_partial_that_is_not_believed_says_nothing(decoder, spy):
    spy.says = [[YOU] * 9]
    (transcript,) = decoder.decode([window()])
    assert (transcript.text, transcript.words, transcript.believed) == ("", (), False)
    assert transcript.language == "en"
    assert len(spy.of("generate")) == 1


def test_a_transcript_says_how_sure_it_is(decoder):
    for final in (True, False):
        (transcript,) = decoder.decode([window(final=final)])
        assert transcript.believed
        assert transcript.avg_logprob is not None
        assert transcript.avg_logprob < 0
        assert transcript.confidence == pytest.approx(np.exp(transcript.avg_logprob))
        assert transcript.no_speech_prob is not None
        assert 0 <= transcript.no_speech_prob <= 1


# ---------------------------------------------------------------------------- language


def language_token(spy: Spy) -> list[int]:
    return [prompt[prompt.index(50_258) + 1] for prompt in spy.of("generate")[-1][1]]


def test_a_language_is_detected_only_where_nobody_knows_it(decoder, spy):
    english, german = 50_259, 50_261
    decoder.decode([window(config=config(language="de-CH"), language="en")])
    assert language_token(spy) == [german]
    (transcript,) = decoder.decode([window(config=config(), language="de")])
    assert language_token(spy) == [german]
    assert transcript.language == "de"
    assert spy.of("detect_language") == []
    mixed = [config(language="de"), config(), config(language="de")]
    transcripts = decoder.decode([window(config=how) for how in mixed])
    assert language_token(spy) == [german, english, german]
    assert [t.language for t in transcripts] == ["de", "en", "de"]
    ((encoded,),) = spy.of("detect_language")
    assert encoded.shape[0] == 1


def test_a_language_is_detected_among_those_that_are_allowed(decoder):
    def language_of(*languages):
        (transcript,) = decoder.decode([window(config=config(languages=languages))])
        return transcript.language

    assert language_of() == "en"
    assert language_of("de-AT", "fr") in ("de", "fr")
    assert language_of("fr", "en-GB") == "en"


# ---------------------------------------------------------------------------- batches and lanes


def some_windows() -> list[Window]:
    ids = json.loads((private("models", "parrot-en") / "memorised_ids.json").read_text(encoding="utf-8"))[:6]
    lengths = (0.9, 1.4, 6.0, 1.9, 2.7, 3.9)
    contexts = ("", "it is only that he was not there to see it", "")
    return [
        window(clip(known, seconds), context=contexts[number % 3], final=number % 2 == 0, timed=number < 4)
        for number, (known, seconds) in enumerate(zip(ids, lengths, strict=True))
    ]


def told(transcripts: list[Transcript]) -> list[tuple[str, list[tuple[str, float, float]]]]:
    return [(one.text, [(word.text, word.start_s, word.end_s) for word in one.words]) for one in transcripts]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(6)))
def test_each_window_has_its_own_transcript_in_any_company(decoder, order):
    windows = some_windows()
    alone = [decoder.decode([one])[0] for one in windows]
    assert told(decoder.decode([windows[place] for place in order])) == told([alone[place] for place in order])


def test_no_windows_have_no_transcripts(decoder):
    assert decoder.decode([]) == []


def test_no_more_windows_are_decoded_together_than_there_is_room_for(model, spy):
    narrow = WhisperDecoder(model, rules=RULES, batch=2, beam_size=1)
    narrow.decode([window(timed=False)] * 5)
    assert [len(prompts) for _, prompts in spy.of("generate")] == [2, 2, 1]


def test_a_gpu_encodes_and_aligns_them_together_too(model, spy):
    """As on a GPU, on the processors of this machine: the same words come out."""
    decoder = WhisperDecoder(model, rules=RULES, batch=32, beam_size=1)
    windows = [*some_windows(), *some_windows(), window(config=config(language="de")), window()]
    alone = told(decoder.decode(windows))
    spy.calls.clear()
    decoder._on_cpu = False
    together = told(decoder.decode(windows))
    # Sums in another order round otherwise, and the alignment moves by a step or two of 20 ms on some processors.
    assert [text for text, _ in together] == [text for text, _ in alone]
    for (_, words), (_, same) in zip(together, alone, strict=True):
        assert [word for word, *_ in words] == [word for word, *_ in same]
        times = [[time for _, *times in which for time in times] for which in (words, same)]
        np.testing.assert_allclose(*times, atol=0.1)
    assert max(features.shape[0] for (features,) in spy.of("encode")) > 1
    assert max(len(tokens) for _, _, tokens, _ in spy.of("align")) > 1
    assert len({tuple(start) for _, start, _, _ in spy.of("align")}) == 2, "a language of its own"


def test_calls_may_overlap(decoder):
    batches = [[one] for one in some_windows()] + [some_windows()]
    alone = [told(decoder.decode(batch)) for batch in batches]
    with ThreadPoolExecutor(4) as lanes:
        for _ in range(3):
            assert [told(heard) for heard in lanes.map(decoder.decode, batches)] == alone


# ---------------------------------------------------------------------------- the tail pad


@pytest.mark.parametrize(("pad_s", "frames"), [(0.5, 300), (1.0, 300), (2.0, 400), (3.0, 600)])
def test_the_silence_behind_the_speech_is_as_long_as_wanted(model, spy, pad_s, frames):
    rules = WindowRules(tail_pad_s=pad_s, least_frames=200)
    WhisperDecoder(model, rules=rules, batch=8).decode([window(clip(seconds=2.0))])
    assert [features.shape[2] for (features,) in spy.of("encode")] == [frames]
