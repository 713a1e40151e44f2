"""Windows of audio to words: Whisper on CTranslate2, called directly, with encoder inputs as short as the speech.

faster-whisper finds, loads and tokenises the model, and turns alignments into words; it always encodes 30 s, so that
part is done here. A GPU encodes, decodes and aligns windows of one length together; on a CPU they are only decoded
together: batching the decoder gains everything there, batching the rest nothing. Source: notes/streaming-whisper.md §0
and §1.3.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp
from typing import Any, Final

import ctranslate2
import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations
from numpy.typing import NDArray

from auricle.engines.protocol import ENGINE_RATE, EngineError, StreamConfig, TimedWord, Transcript, Window
from auricle.engines.whisper.guards import is_compressible, is_no_speech, loop_start, token_budget
from auricle.engines.whisper.log_mel import encoder_input, frame_at_or_after, window_features
from auricle.engines.whisper.prompt import context_tokens
from auricle.engines.whisper.window_length import FRAME_SAMPLES, window_frames

RETRY_PAD_S: Final = 8.0
"""Silence behind the speech of a final that was not to be believed."""
RETRY_TEMPERATURE: Final = 0.4
"""And if it still is not, it is sampled."""

PREPENDED: Final = "\"'“¿([{-"
APPENDED: Final = "\"'.。,，!！?？:：”)]}、"
"""Punctuation belongs to the word behind or before it; these are the marks OpenAI's Whisper names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One window on its way."""

    place: int
    """Where in the call it came."""
    window: Window
    frames: int
    """Mel frames of what the encoder hears."""
    context: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Windows that are decoded together: of one length, with contexts of one length."""

    jobs: tuple[_Job, ...]
    tokenizers: tuple[Tokenizer, ...]
    encoded: StorageView
    """Output of the encoder, shape ``(jobs, frames / 2, width)``."""

    def only(self, rows: Sequence[int]) -> "_Batch":
        """Return the batch of some of the jobs."""
        return _Batch(
            jobs=tuple(self.jobs[row] for row in rows),
            tokenizers=tuple(self.tokenizers[row] for row in rows),
            encoded=_select(self.encoded, rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What became of a job."""

    tokens: list[int]
    text: str
    mean_logprob: float
    no_speech: float
    believed: bool
    batch: _Batch
    row: int

    @property
    def job(self) -> _Job:
        return self.batch.jobs[self.row]

    @property
    def tokenizer(self) -> Tokenizer:
        return self.batch.tokenizers[self.row]

    @property
    def is_told(self) -> bool:
        """Whether its text is: a partial that is not to be believed says nothing, a final what could be saved."""
        return bool(self.text) and (self.believed or self.job.window.final)


class WhisperDecoder:
    """Decodes batches of windows with one model. Calls may overlap: they share nothing that changes."""

    def __init__(self, model: WhisperModel, *, tail_pad_s: float, batch: int) -> None:
        self._model = model
        self._tail_pad_s = tail_pad_s
        self._batch = batch
        self._on_cpu = model.model.device == "cpu"
        self._mels = int(model.model.n_mels)
        self._any_language = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", "en")

    def decode(self, windows: Sequence[Window]) -> list[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        heard = self._generate(self._encode(self._jobs(windows)), temperature=0.0)
        doubtful = _doubtful(heard)
        if doubtful:
            careful = self._encode(self._retry_jobs(windows, doubtful))
            heard |= self._generate(careful, temperature=0.0)
            hopeless = _doubtful(heard)
            heard |= self._generate(_only(careful, hopeless), temperature=RETRY_TEMPERATURE)
        words = self._words(heard.values())
        return [_transcript(heard[place], words.get(place, ())) for place in range(len(windows))]

    def warm_up(self, frames: int) -> None:
        """Run a window of so many frames that holds no sample, to the few tokens such a window may have."""
        window = Window(audio=np.zeros(0, dtype=np.float32), config=StreamConfig(), final=False)
        self._generate(self._encode([_Job(place=0, window=window, frames=frames, context=())]), temperature=0.0)

    def _jobs(self, windows: Sequence[Window]) -> list[_Job]:
        return [
            _Job(
                place=place,
                window=window,
                frames=window_frames(len(window.audio), self._tail_pad_s, self._mels),
                context=context_tokens(self._any_language, window),
            )
            for place, window in enumerate(windows)
        ]

    def _retry_jobs(self, windows: Sequence[Window], places: Iterable[int]) -> list[_Job]:
        """Give them more silence, and no context: that is where loops come from."""
        pad_s = max(RETRY_PAD_S, self._tail_pad_s)
        return [
            _Job(
                place=place,
                window=windows[place],
                frames=window_frames(len(windows[place].audio), pad_s, self._mels),
                context=(),
            )
            for place in places
        ]

    # ------------------------------------------------------------------------ encoding

    def _encode(self, jobs: Iterable[_Job]) -> list[_Batch]:
        return [self._encoded(members) for members in _together(jobs, self._batch)]

    def _encoded(self, jobs: Sequence[_Job]) -> _Batch:
        inputs = [self._encoder_input(job) for job in jobs]
        if self._on_cpu:
            encoded = _stack([self._model.model.encode(_storage(one[None])) for one in inputs])
        else:
            encoded = self._model.model.encode(_storage(np.stack(inputs)))
        return _Batch(jobs=tuple(jobs), tokenizers=self._tokenizers(jobs, encoded), encoded=encoded)

    def _encoder_input(self, job: _Job) -> NDArray[np.float32]:
        features = job.window.features
        if features is None:
            features = window_features(job.window.audio[: job.frames * FRAME_SAMPLES], self._mels)
        return encoder_input(features, job.frames)

    def _tokenizers(self, jobs: Sequence[_Job], encoded: StorageView) -> tuple[Tokenizer, ...]:
        if not self._model.model.is_multilingual:
            return (self._any_language,) * len(jobs)
        open_rows = [row for row, job in enumerate(jobs) if _wanted_language(job.window) is None]
        found = self._model.model.detect_language(_select(encoded, open_rows)) if open_rows else []
        # Of each window it gives all languages, the likeliest first.
        spoken = {row: str(best).strip("<|>") for row, ((best, _), *_) in zip(open_rows, found, strict=True)}
        return tuple(
            Tokenizer(
                self._model.hf_tokenizer,
                True,
                task=job.window.config.task,
                language=spoken.get(row) or self._code(_wanted_language(job.window) or ""),
            )
            for row, job in enumerate(jobs)
        )

    def _code(self, language: str) -> str:
        """Return Whisper's code for a BCP 47 tag. Raises `EngineError`."""
        code = language.partition("-")[0].lower()
        if code not in self._model.supported_languages:
            raise EngineError(f"This Whisper model does not understand the language {language!r}.")
        return code

    # ------------------------------------------------------------------------ decoding

    def _generate(self, batches: Iterable[_Batch], *, temperature: float) -> dict[int, _Heard]:
        """Return what is heard in the windows, by their place."""
        heard: dict[int, _Heard] = {}
        for batch in batches:
            pairs = zip(batch.jobs, batch.tokenizers, strict=True)
            prompts = [[*job.context, *how.sot_sequence, how.no_timestamps] for job, how in pairs]
            budget = max(token_budget(len(job.window.audio) / ENGINE_RATE) for job in batch.jobs)
            results = self._model.model.generate(
                batch.encoded,
                prompts,
                beam_size=1,
                # New tokens are at most half of it, and at most what the prompt leaves of it.
                max_length=max(2 * budget, len(prompts[0]) + budget),
                return_scores=True,
                return_no_speech_prob=True,
                sampling_topk=0 if temperature else 1,
                sampling_temperature=temperature or 1.0,
            )
            for row, result in enumerate(results):
                heard[batch.jobs[row].place] = _judge(batch, row, result)
        return heard

    # ------------------------------------------------------------------------ words

    def _words(self, heard: Iterable[_Heard]) -> dict[int, tuple[TimedWord, ...]]:
        """Return the words with their times, by the place of the window, where they are wanted."""
        wanted = [one for one in heard if one.is_told and one.job.window.timed]
        alone = [[one] for one in wanted]
        words: dict[int, tuple[TimedWord, ...]] = {}
        for members in alone if self._on_cpu else _with_one_start(wanted):
            words |= self._aligned(members)
        return words

    def _aligned(self, members: Sequence[_Heard]) -> dict[int, tuple[TimedWord, ...]]:
        """Align windows of one batch; padding is masked by the number of frames."""
        aligned = self._model.find_alignment(
            members[0].tokenizer,
            [one.tokens for one in members],
            _select(members[0].batch.encoded, [one.row for one in members]),
            [min(one.job.frames, frame_at_or_after(len(one.job.window.audio))) for one in members],
        )
        return {one.job.place: _timed_words(one.job.window, words) for one, words in zip(members, aligned, strict=True)}


def _wanted_language(window: Window) -> str | None:
    return window.config.language or window.language


def _together(jobs: Iterable[_Job], most: int) -> Iterable[list[_Job]]:
    """Group what can be decoded together: windows of one length, with prompts of one length."""

    def key(job: _Job) -> tuple[int, int]:
        return job.frames, len(job.context)

    for _, group in groupby(sorted(jobs, key=key), key):
        members = list(group)
        yield from (members[start : start + most] for start in range(0, len(members), most))


def _with_one_start(heard: Iterable[_Heard]) -> Iterable[list[_Heard]]:
    """Group what can be aligned together: windows of one batch, in one language."""

    def key(one: _Heard) -> tuple[int, list[int]]:
        return id(one.batch), one.tokenizer.sot_sequence

    for _, group in groupby(sorted(heard, key=key), key):
        yield list(group)


def _doubtful(heard: Mapping[int, _Heard]) -> list[int]:
    """Return the places of finals that are not to be believed."""
    return [place for place, one in heard.items() if one.job.window.final and not one.believed]


def _only(batches: Iterable[_Batch], places: Collection[int]) -> Iterable[_Batch]:
    """Return the batches of some of the windows."""
    for batch in batches:
        rows = [row for row, job in enumerate(batch.jobs) if job.place in places]
        if rows:
            yield batch.only(rows)


def _judge(batch: _Batch, row: int, result: ctranslate2.models.WhisperGenerationResult) -> _Heard:
    tokenizer = batch.tokenizers[row]
    tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
    looped = loop_start(tokens)
    kept = tokens if looped is None else tokens[:looped]
    text = tokenizer.decode(kept).strip()
    # CTranslate2 divides by the tokens without the end that follows them.
    generated = len(result.sequences_ids[0])
    mean_logprob = float(result.scores[0]) * generated / (generated + 1)
    silent = is_no_speech(result.no_speech_prob, mean_logprob)
    return _Heard(
        tokens=[] if silent else kept,
        text="" if silent else text,
        mean_logprob=mean_logprob,
        no_speech=float(result.no_speech_prob),
        believed=looped is None and not is_compressible(text),
        batch=batch,
        row=row,
    )


def _transcript(heard: _Heard, words: tuple[TimedWord, ...]) -> Transcript:
    return Transcript(
        text=heard.text if heard.is_told else "",
        words=words,
        confidence=min(1.0, exp(heard.mean_logprob)) if heard.is_told else 0.0,
        language=heard.tokenizer.language_code,
        avg_logprob=heard.mean_logprob,
        no_speech_prob=heard.no_speech,
        believed=heard.believed,
    )


def _timed_words(window: Window, aligned: list[dict[str, Any]]) -> tuple[TimedWord, ...]:
    merge_punctuations(aligned, PREPENDED, APPENDED)
    # Features begin on the grid of frames, which may be a little later than the audio.
    late = 0 if window.features is None else -window.start_sample % FRAME_SAMPLES / ENGINE_RATE
    return tuple(
        TimedWord(
            text=word["word"].strip(),
            start_s=float(word["start"]) + late,
            end_s=float(word["end"]) + late,
            confidence=float(word["probability"]),
        )
        for word in aligned
        if word["word"].strip()
    )


def _storage(array: NDArray[np.float32]) -> StorageView:
    return StorageView.from_array(np.ascontiguousarray(array, dtype=np.float32))


def _stack(storages: Sequence[StorageView]) -> StorageView:
    if len(storages) == 1:
        return storages[0]
    return _storage(np.concatenate([np.asarray(storage) for storage in storages]))


def _select(storage: StorageView, rows: Sequence[int]) -> StorageView:
    """Return some rows: on the device where they are all of them, in the computer's memory else."""
    if list(rows) == list(range(storage.shape[0])):
        return storage
    here = storage if storage.device == "cpu" else storage.to_device(ctranslate2.Device.cpu)
    return _storage(np.asarray(here)[list(rows)])
