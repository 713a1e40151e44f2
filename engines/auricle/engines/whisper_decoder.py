"""Windows of audio to words: Whisper on CTranslate2, called directly, with encoder inputs as short as the speech.

faster-whisper finds, loads and tokenises the model, and turns alignments into words; it always encodes 30 s, so that
part is done here. On a CPU windows are encoded one by one and decoded together: batching the encoder gains nothing
there and batching the decoder everything. Source: notes/streaming-whisper.md §0 and §1.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp
from typing import Final

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations
from numpy.typing import NDArray

from auricle.engines.protocol import ENGINE_RATE, EngineError, StreamConfig, TimedWord, Transcript, Window
from auricle.engines.whisper_guards import is_compressible, is_nothing, loop_start, token_budget
from auricle.engines.window_length import FRAME_SAMPLES, window_frames

TAIL_PAD_S: Final = 2.0
"""Silence behind the speech. Less is faster and, with weights trained on 30 s, wrong sooner."""
CAREFUL_PAD_S: Final = 8.0
"""The same for a final that was not to be believed."""
CAREFUL_TEMPERATURE: Final = 0.4
"""And if it still is not, it is sampled."""
BATCH: Final = 8
"""Windows decoded together at most."""
CONTEXT_TOKENS: Final = 100
"""Most tokens of prompt and terms: a context costs time, and must leave room."""


PREPENDED: Final = "\"'“¿([{-"
APPENDED: Final = "\"'.。,，!！?？:：”)]}、"
"""Punctuation belongs to the word behind or before it; these are the marks OpenAI's Whisper names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One window on its way: what it is encoded from and asked with."""

    index: int
    window: Window
    tokenizer: Tokenizer
    context: tuple[int, ...]
    encoded: NDArray[np.float32]
    """The encoder's output, shape (frames / 2, width)."""
    frames: int
    """Mel frames of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded:
    tokens: list[int]
    text: str
    mean_logprob: float
    no_speech: float
    believed: bool


class WhisperDecoder:
    """Decodes batches of windows with one model. Calls may overlap: CTranslate2 takes them one after another."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._mels = int(model.feature_extractor.mel_filters.shape[0])

    def decode(self, windows: Sequence[Window]) -> list[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        jobs = [self._prepare(index, window, TAIL_PAD_S) for index, window in enumerate(windows)]
        decoded = self._generate(jobs, temperature=0.0)
        doubtful = [job for job in jobs if job.window.final and not decoded[job.index].believed]
        if doubtful:
            careful = [self._prepare(job.index, job.window, CAREFUL_PAD_S) for job in doubtful]
            decoded |= self._generate(careful, temperature=0.0)
            hopeless = [job for job in careful if not decoded[job.index].believed]
            if hopeless:
                decoded |= self._generate(hopeless, temperature=CAREFUL_TEMPERATURE)
            jobs = [next((new for new in careful if new.index == job.index), job) for job in jobs]
        return [self._transcript(job, decoded[job.index]) for job in jobs]

    def _prepare(self, index: int, window: Window, pad_s: float) -> _Job:
        frames = window_frames(len(window.audio), pad_s, self._mels)
        samples = frames * FRAME_SAMPLES
        audio = np.pad(window.audio[:samples], (0, max(0, samples - len(window.audio))))
        features = self._model.feature_extractor(audio, padding=0)[:, :frames]
        storage = self._model.model.encode(_storage(features[None]), to_cpu=True)
        tokenizer = self._tokenizer(window.config, storage)
        return _Job(
            index=index,
            window=window,
            tokenizer=tokenizer,
            context=_context(tokenizer, window.config),
            encoded=np.asarray(storage, dtype=np.float32)[0],
            frames=frames,
        )

    def _tokenizer(self, config: StreamConfig, encoded: ctranslate2.StorageView) -> Tokenizer:
        multilingual = self._model.model.is_multilingual
        language = self._language(config, encoded) if multilingual else "en"
        return Tokenizer(self._model.hf_tokenizer, multilingual, task=config.task, language=language)

    def _language(self, config: StreamConfig, encoded: ctranslate2.StorageView) -> str:
        """Return Whisper's code for a BCP 47 tag, or what the audio sounds like. Raises `EngineError`."""
        if config.language is None:
            (heard,) = self._model.model.detect_language(encoded)
            return str(heard[0][0]).strip("<|>")
        code = config.language.partition("-")[0].lower()
        if code not in self._model.supported_languages:
            raise EngineError(f"This Whisper model does not understand the language {config.language!r}.")
        return code

    # ------------------------------------------------------------------------ decoding

    def _generate(self, jobs: Sequence[_Job], *, temperature: float) -> dict[int, _Decoded]:
        decoded: dict[int, _Decoded] = {}
        for batch in _batches(jobs):
            prompts = [[*job.context, *job.tokenizer.sot_sequence, job.tokenizer.no_timestamps] for job in batch]
            budget = max(token_budget(len(job.window.audio) / ENGINE_RATE) for job in batch)
            results = self._model.model.generate(
                _storage(np.stack([job.encoded for job in batch])),
                prompts,
                beam_size=1,
                # New tokens are at most half of it, and at most what the prompt leaves of it.
                max_length=max(2 * budget, len(prompts[0]) + budget),
                return_scores=True,
                return_no_speech_prob=True,
                sampling_topk=0 if temperature else 1,
                sampling_temperature=temperature or 1.0,
            )
            for job, result in zip(batch, results, strict=True):
                decoded[job.index] = _judge(job.tokenizer, result)
        return decoded

    def _transcript(self, job: _Job, decoded: _Decoded) -> Transcript:
        if not decoded.text or (not decoded.believed and not job.window.final):
            return Transcript(text="", language=job.tokenizer.language_code)
        return Transcript(
            text=decoded.text,
            words=self._words(job, decoded.tokens) if job.window.final else (),
            confidence=min(1.0, exp(decoded.mean_logprob)),
            language=job.tokenizer.language_code,
        )

    def _words(self, job: _Job, tokens: list[int]) -> tuple[TimedWord, ...]:
        """Return the words with their times, by alignment; padding is masked by the number of frames."""
        heard = min(job.frames, -(-len(job.window.audio) // FRAME_SAMPLES))
        (aligned,) = self._model.find_alignment(job.tokenizer, [tokens], _storage(job.encoded[None]), heard)
        merge_punctuations(aligned, PREPENDED, APPENDED)
        return tuple(
            TimedWord(
                text=word["word"].strip(),
                start_s=float(word["start"]),
                end_s=float(word["end"]),
                confidence=float(word["probability"]),
            )
            for word in aligned
            if word["word"].strip()
        )


def _storage(array: NDArray[np.float32]) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, dtype=np.float32))


def _context(tokenizer: Tokenizer, config: StreamConfig) -> tuple[int, ...]:
    """Return the tokens that go before the transcript: terms and prompt of the session."""
    said = ", ".join(config.terms) + (" " + config.prompt.strip() if config.prompt else "")
    if not said.strip():
        return ()
    return (tokenizer.sot_prev, *tokenizer.encode(" " + said.strip())[-CONTEXT_TOKENS:])


def _batches(jobs: Iterable[_Job]) -> Iterable[list[_Job]]:
    """Group what can be decoded together: windows of one length, with prompts of one length."""

    def key(job: _Job) -> tuple[int, int, bool]:
        return job.frames, len(job.context), job.window.final

    for _, group in groupby(sorted(jobs, key=key), key):
        members = list(group)
        yield from (members[start : start + BATCH] for start in range(0, len(members), BATCH))


def _judge(tokenizer: Tokenizer, result: ctranslate2.models.WhisperGenerationResult) -> _Decoded:
    tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
    looped = loop_start(tokens)
    kept = tokens if looped is None else tokens[:looped]
    text = tokenizer.decode(kept).strip()
    # CTranslate2 divides by the tokens without the end that follows them.
    generated = len(result.sequences_ids[0])
    mean_logprob = float(result.scores[0]) * generated / (generated + 1)
    silent = is_nothing(result.no_speech_prob, mean_logprob)
    return _Decoded(
        tokens=[] if silent else kept,
        text="" if silent else text,
        mean_logprob=mean_logprob,
        no_speech=float(result.no_speech_prob),
        believed=looped is None and not is_compressible(text),
    )
