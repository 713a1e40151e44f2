"""Windows of audio to words: Whisper on CTranslate2, called directly, with inputs as short as the weights stand.

faster-whisper finds, loads and tokenises the model, and turns alignments into words; it always encodes 30 s, so that
part is done here. A GPU encodes, decodes and aligns windows of one length together; on a CPU they are only decoded
together: batching the decoder gains everything there, batching the rest nothing. Source: notes/streaming-whisper.md §0
and §1.3.

A final is decoded with a beam, and where it is doubtful (`Doubt`) again: with 30 s, then greedily. The best hypothesis
is told, whatever the order of the tries. Nothing is sampled, so the same audio has the same words in every run.
Source: notes/real-weights.md §2 C-H.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from itertools import groupby
from typing import Final

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from auricle.engines.protocol import ENGINE_RATE, EngineError, StreamConfig, Transcript, Window
from auricle.engines.whisper.alignment import aligned
from auricle.engines.whisper.batches import Batch, Job, only, select, stack, storage, together
from auricle.engines.whisper.gaps import Gap, filled, gaps, moved, part_of, told_part
from auricle.engines.whisper.guards import token_budget
from auricle.engines.whisper.hypothesis import REPEATED, Doubt, Hypothesis, hypothesis, recounted, with_words
from auricle.engines.whisper.log_mel import encoder_input, window_features
from auricle.engines.whisper.prompt import context_tokens
from auricle.engines.whisper.window_length import FRAME_SAMPLES, MOST_FRAMES, WindowRules
from auricle.engines.whisper.word_times import without_silence

BEAM_SIZE: Final = 5
"""Hypotheses kept for a final: 5.0 → 4.2 % of the words wrong for 1.3 times the decoder's time (tiny.en)."""
GREEDY: Final = 1
WITH_GAPS: Final = frozenset({Doubt.UNCOVERED, Doubt.TOO_SPARSE})
"""What is no doubt any more once the gaps are filled."""
MOST_PARTS: Final = 4
"""Gaps of gaps, one inside the other: a window has a few sentences, and each part is decoded up to three times."""

Hypotheses = dict[int, Hypothesis]
"""By the place of the window in the call."""


class WhisperDecoder:
    """Decodes batches of windows with one model. Calls may overlap: they share nothing that changes."""

    def __init__(self, model: WhisperModel, *, rules: WindowRules, batch: int, beam_size: int = BEAM_SIZE) -> None:
        self._model = model
        self._rules = rules
        self._batch = batch
        self._beam_size = beam_size
        self._on_cpu = model.model.device == "cpu"
        self._mels = int(model.model.n_mels)
        # Timestamp tokens keep multilingual models from running on; they cost nothing (notes/real-weights.md §2 G).
        self._timestamps = bool(model.model.is_multilingual)
        self._any_language = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", "en")

    def decode(self, windows: Sequence[Window]) -> list[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        told = self._best(windows)
        return [self._timed(told[place]) for place in range(len(windows))]

    def warm_up(self, frames: int) -> None:
        """Run a window of so many frames that holds no sample, to the few tokens such a window may have."""
        window = Window(audio=np.zeros(0, dtype=np.float32), config=StreamConfig(), final=False)
        self._generate(self._encode([Job(place=0, window=window, frames=frames, context=(), beam_size=GREEDY)]))

    # ------------------------------------------------------------------------ tries

    def _best(self, windows: Sequence[Window]) -> Hypotheses:
        """Return the best hypothesis of each window: doubtful finals are decoded again."""
        tries = [self._aligned(self._generate(self._encode(self._jobs(windows))))]
        if doubtful := _doubtful(tries):
            encoded = self._encode(self._retry_jobs(windows, doubtful))
            tries.append(self._aligned(self._generate(encoded)))
            if still := [place for place in _doubtful(tries) if not _chosen(tries, place).doubts <= OF_COUNTS]:
                greedy = [_greedy(batch) for batch in only(encoded, still)]
                tries.append(self._aligned(self._generate(greedy)))
        return {
            place: replace(recounted(_chosen(tries, place)), tries=sum(place in heard for heard in tries))
            for place in range(len(windows))
        }

    def _jobs(self, windows: Sequence[Window]) -> list[Job]:
        return [
            Job(
                place=place,
                window=window,
                frames=self._rules.frames(len(window.audio), self._mels),
                context=context_tokens(self._any_language, window),
                beam_size=self._beam_size if window.final else GREEDY,
            )
            for place, window in enumerate(windows)
        ]

    def _retry_jobs(self, windows: Sequence[Window], places: Iterable[int]) -> list[Job]:
        """Give them all the silence there is room for, and no context: short windows and contexts make loops."""
        return [
            Job(place=place, window=windows[place], frames=MOST_FRAMES, context=(), beam_size=self._beam_size)
            for place in places
        ]

    def _timed(self, heard: Hypothesis) -> Transcript:
        """Return the transcript with the times that a final tells; those of partials are only compared."""
        window, transcript = heard.job.window, self._completed(heard)
        return without_silence(transcript, window) if window.final else transcript

    def _completed(self, heard: Hypothesis, parts: int = MOST_PARTS) -> Transcript:
        """Return the transcript, with what was said where it has voice and no words.

        A gap may end as the window did, with a sentence before a pause: it has a gap itself. ``parts`` is how many may
        lie inside each other.
        """
        if (untold := _untold(heard)) is not None:
            alone = self._completed(self._best([part_of(heard.job.window, untold)])[0])
            return replace(moved(alone, untold), tries=alone.tries + heard.tries)
        transcript, window = heard.transcript(), heard.job.window
        missing = gaps(heard.words, window) if parts and window.final and heard.doubts & WITH_GAPS else []
        believed = heard.doubts <= WITH_GAPS
        for gap in reversed(missing):
            part = self._best([part_of(window, gap)])[0]
            if not part.text or part.doubts - IN_GAPS:
                return transcript
            inside = self._completed(part, parts - 1)
            believed = believed and (inside.believed or part.doubts <= COUNTED)
            transcript = filled(transcript, gap, inside)
        return replace(transcript, believed=believed) if missing else transcript

    # ------------------------------------------------------------------------ encoding

    def _encode(self, jobs: Iterable[Job]) -> list[Batch]:
        return [self._encoded(members) for members in together(jobs, self._batch)]

    def _encoded(self, jobs: Sequence[Job]) -> Batch:
        inputs = [self._encoder_input(job) for job in jobs]
        if self._on_cpu:
            encoded = stack([self._model.model.encode(storage(one[None])) for one in inputs])
        else:
            encoded = self._model.model.encode(storage(np.stack(inputs)))
        return Batch(jobs=tuple(jobs), tokenizers=self._tokenizers(jobs, encoded), encoded=encoded)

    def _encoder_input(self, job: Job) -> NDArray[np.float32]:
        features = job.window.features
        if features is None:
            features = window_features(job.window.audio[: job.frames * FRAME_SAMPLES], self._mels)
        return encoder_input(features, job.frames)

    def _tokenizers(self, jobs: Sequence[Job], encoded: StorageView) -> tuple[Tokenizer, ...]:
        if not self._model.model.is_multilingual:
            return (self._any_language,) * len(jobs)
        open_rows = [row for row, job in enumerate(jobs) if _wanted_language(job.window) is None]
        found = self._model.model.detect_language(select(encoded, open_rows)) if open_rows else []
        # Of each window it gives all languages, the likeliest first.
        spoken = {
            row: self._likeliest((str(token).strip("<|>") for token, _ in ranked), jobs[row].window.config.languages)
            for row, ranked in zip(open_rows, found, strict=True)
        }
        return tuple(
            Tokenizer(
                self._model.hf_tokenizer,
                True,
                task=job.window.config.task,
                language=spoken.get(row) or self._code(_wanted_language(job.window) or ""),
            )
            for row, job in enumerate(jobs)
        )

    def _likeliest(self, ranked: Iterable[str], languages: Sequence[str]) -> str:
        """Return the first code of ``ranked`` that is one of ``languages``; the very first where none are given."""
        allowed = {self._code(language) for language in languages}
        return next(code for code in ranked if not allowed or code in allowed)

    def _code(self, language: str) -> str:
        """Return Whisper's code for a BCP 47 tag. Raises `EngineError`."""
        code = language.partition("-")[0].lower()
        if code not in self._model.supported_languages:
            raise EngineError(f"This Whisper model does not understand the language {language!r}.")
        return code

    # ------------------------------------------------------------------------ decoding

    def _generate(self, batches: Iterable[Batch]) -> Hypotheses:
        heard: Hypotheses = {}
        for batch in batches:
            pairs = zip(batch.jobs, batch.tokenizers, strict=True)
            mode = () if self._timestamps else (self._any_language.no_timestamps,)
            prompts = [[*job.context, *how.sot_sequence, *mode] for job, how in pairs]
            budget = max(token_budget(len(job.window.audio) / ENGINE_RATE) for job in batch.jobs)
            # New tokens are at most half of it, and at most what the prompt leaves of it.
            longest = max(2 * budget, len(prompts[0]) + budget)
            results = self._model.model.generate(
                batch.encoded,
                prompts,
                beam_size=batch.jobs[0].beam_size,
                max_length=longest,
                return_scores=True,
                return_no_speech_prob=True,
            )
            room = min(longest // 2, longest - len(prompts[0]))
            for row, result in enumerate(results):
                heard[batch.jobs[row].place] = hypothesis(batch, row, result, room)
        return heard

    def _aligned(self, heard: Hypotheses) -> Hypotheses:
        """Return the hypotheses, with words where these are wanted."""
        wanted = [one for one in heard.values() if one.text and one.job.window.timed and _is_worth_words(one)]
        alone = [[one] for one in wanted]
        groups = alone if self._on_cpu else _with_one_start(wanted)
        return heard | {
            one.job.place: with_words(one, words)
            for members in groups
            for one, words in zip(members, aligned(self._model, members), strict=True)
        }


def _is_worth_words(one: Hypothesis) -> bool:
    """Whether the hypothesis may be told: a partial in doubt is not, a final may."""
    return one.job.window.final or not one.doubts


def _doubtful(tries: Sequence[Hypotheses]) -> list[int]:
    """Return the places of finals that are to be decoded again."""
    chosen = [_chosen(tries, place) for place in tries[0]]
    return [one.job.place for one in chosen if one.job.window.final and one.doubts and _untold(one) is None]


def _untold(heard: Hypothesis) -> Gap | None:
    """Return the part of a final's window that was to be told, where the text ends before it.

    More silence behind it changes nothing about that, and a greedy decode hardly: what is before it has to go.
    """
    window = heard.job.window
    return told_part(window) if window.final and window.timed and not heard.words else None


COUNTED: Final = frozenset({Doubt.MISCOUNTED})
IN_GAPS: Final = COUNTED | {Doubt.UNCOVERED}
"""What may be doubtful of the words of a gap, and they are told."""
OF_COUNTS: Final = frozenset({Doubt.COMPRESSIBLE, Doubt.MISCOUNTED, Doubt.UNSPOKEN})
"""What may speak against a repetition that ends, however often it was spoken: a greedy decode knows that no better."""


def _chosen(tries: Sequence[Hypotheses], place: int) -> Hypothesis:
    """Return the best hypothesis of one window. Where something is repeated, that is the one of the beam in 30 s.

    Of 49 windows with repetitions the first try had 157 words wrong, most of them turns too many, that one 103, and a
    greedy one 134; and the mean probability of a token is the greater the longer a repetition goes on.
    """
    told = [heard[place] for heard in tries if place in heard]
    best = reduce(_better, told)
    if len(told) == 1 or not told[0].doubts & REPEATED or not told[1].doubts <= OF_COUNTS:
        return best
    return best if best.text.casefold() == told[1].text.casefold() else told[1]


def _better(one: Hypothesis, other: Hypothesis) -> Hypothesis:
    """Return the better of two hypotheses. Two tries that say the same are no accident."""
    best = max(one, other, key=lambda heard: heard.rank)
    if one.text.casefold() == other.text.casefold():
        return replace(best, doubts=best.doubts - REPEATED)
    return best


def _greedy(batch: Batch) -> Batch:
    return replace(batch, jobs=tuple(replace(job, beam_size=GREEDY) for job in batch.jobs))


def _wanted_language(window: Window) -> str | None:
    return window.config.language or window.language


def _with_one_start(heard: Iterable[Hypothesis]) -> Iterable[list[Hypothesis]]:
    """Group what can be aligned together: windows of one batch, in one language."""

    def key(one: Hypothesis) -> tuple[int, list[int]]:
        return id(one.batch), one.tokenizer.sot_sequence

    for _, group in groupby(sorted(heard, key=key), key):
        yield list(group)
