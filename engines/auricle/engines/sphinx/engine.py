"""pocketsphinx as a stateful engine: English only, with the model from its wheel. No download, modest accuracy.

Nearly all of its errors on short utterances come from a wrong cepstral mean: a decoder starts with one that fits few
microphones and adapts it only while it decodes. Therefore the first second of an utterance passes through the front end
of pocketsphinx without search, and decoding starts with the cepstral mean estimated there. The estimate starts from the
same prior for each utterance, so that it does not depend on the speaker before. One dependence remains: the search for
the Gaussians of the first frame starts from those of the last frame that the decoder processed, so that confidences
(about 0.001) and occasionally a word boundary (one frame) differ between a new decoder and a reused one.
"""

import threading
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

import numpy as np
from pocketsphinx import Decoder, Segment

from auricle.engines.audio.silero_vad import silero_detector
from auricle.engines.protocol import (
    ENGINE_RATE,
    Engine,
    EngineInfo,
    EngineUnavailable,
    LoadProgress,
    Samples,
    SessionParts,
    StreamConfig,
    TimedWord,
    Transcript,
    VoiceDetector,
)
from auricle.engines.sphinx.decoder_pool import DecoderPool
from auricle.engines.sphinx.session_parts import session_parts

MODEL: Final = "en-us"
"""Name of the model in the wheel: US English, 16 kHz, a vocabulary of about 130,000 words."""
MAX_DECODERS: Final = 4
"""Most decoders in memory, about 96 MB each."""
SETTINGS: Final = {"fwdflat": False, "maxhmmpf": 5000, "maxwpf": 20}
"""No second pass, which delays the final, and a beam bounded in states and words: half the CPU time of the defaults at
the same accuracy."""
PRIOR_CEPSTRAL_MEAN: Final = "47.02,3.03,0.11,4.42,-4.81,-0.02,-4.21,-0.63,-0.98,-0.46,0.60,-0.92,1.47"
"""Cepstral mean from which each utterance starts: the average over 24 recordings of many speakers and microphones."""
ESTIMATION_SAMPLES: Final = ENGINE_RATE
"""Samples from which the cepstral mean is estimated before decoding: one second."""
FRAMES_PER_SECOND: Final = 100


class SphinxEngine:
    """A stateful engine. An utterance streams through its own decoder, or is decoded at its end if none is free."""

    def __init__(self, max_decoders: int = MAX_DECODERS) -> None:
        self._pool = DecoderPool(_make_decoder, max_decoders)
        self._loading = threading.Lock()
        self._loaded = False

    @property
    def info(self) -> EngineInfo:
        """Description of the engine."""
        return EngineInfo(name="sphinx", model=MODEL, version=version("pocketsphinx"), languages=("en",))

    def load(self, progress: LoadProgress) -> None:
        """Create the first decoder; does nothing the second time. Raises `EngineUnavailable`."""
        with self._loading:
            if self._loaded:
                return
            progress("Loading the pocketsphinx model", None)
            silero_detector(StreamConfig())
            decoder = self._pool.acquire()
            if decoder is not None:
                self._pool.release(decoder)
            self._loaded = True

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a Silero voice detector. Raises `EngineUnavailable` before `load`."""
        return self.session_parts().voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return the factory of voice detectors. Raises `EngineUnavailable` before `load`."""
        if not self._loaded:
            raise EngineUnavailable("pocketsphinx has not been loaded.")
        return session_parts({})

    def parts_description(self) -> Mapping[str, object]:
        """Return nothing: they are the same for all models."""
        return {}

    def begin(self, config: StreamConfig, start_sample: int) -> "SphinxUtterance":
        """Begin an utterance. Neither argument changes how it is decoded."""
        return SphinxUtterance(self._pool)

    def close(self) -> None:
        """Free the decoders."""
        self._pool.close()


def _make_decoder() -> Decoder:
    try:
        return Decoder(loglevel="FATAL", **SETTINGS)
    except RuntimeError as error:
        raise EngineUnavailable("pocketsphinx cannot load the model in its wheel: reinstall pocketsphinx.") from error


class SphinxUtterance:
    """One utterance. While no decoder is free its audio is kept; the transcript is the same, and there are no partials.

    `accept` and `finish` raise `EngineUnavailable` when a decoder cannot be created.
    """

    def __init__(self, pool: DecoderPool) -> None:
        self._pool = pool
        self._pending: list[Samples] = []
        self._pending_samples = 0
        self._decoder: Decoder | None = None

    def accept(self, audio: Samples) -> None:
        """Decode more audio, shape ``(n,)``; keep it while there is no decoder."""
        if self._decoder is not None:
            _process(self._decoder, audio)
            return
        self._pending.append(audio)
        self._pending_samples += len(audio)
        if self._pending_samples >= ESTIMATION_SAMPLES:
            self._decoder = self._pool.acquire()
            if self._decoder is not None:
                _begin_utterance(self._decoder, self._pending)
                self._pending.clear()

    def hypothesis(self) -> Transcript:
        """Return the words so far, of which none is stable; an empty transcript while there is no decoder."""
        if self._decoder is None:
            return Transcript(text="")
        hypothesis = self._decoder.hyp()
        return Transcript(text=hypothesis.hypstr if hypothesis else "")

    def finish(self) -> Transcript:
        """End the utterance and return its transcript."""
        if self._decoder is not None:
            self._decoder.end_utt()
            transcript = _transcript(self._decoder)
            decoder, self._decoder = self._decoder, None
            self._pool.release(decoder)
            return transcript
        with self._pool.borrowed() as decoder:
            _begin_utterance(decoder, self._pending)
            decoder.end_utt()
            return _transcript(decoder)

    def close(self) -> None:
        """Release the decoder and the audio."""
        self._pending.clear()
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            self._release(decoder)

    def _release(self, decoder: Decoder) -> None:
        """End the decoder's utterance and release it; discard a decoder that fails to end it."""
        try:
            decoder.end_utt()
        except RuntimeError:
            self._pool.discard()
        else:
            self._pool.release(decoder)


def _begin_utterance(decoder: Decoder, pieces: list[Samples]) -> None:
    """Begin an utterance: estimate the cepstral mean from its first second, then decode all of ``pieces``."""
    decoder.set_cmn(PRIOR_CEPSTRAL_MEAN)
    decoder.start_utt()
    decoder.process_raw(_pcm(np.concatenate(pieces)[:ESTIMATION_SAMPLES]), no_search=True)
    decoder.end_utt()
    decoder.set_cmn(decoder.get_cmn(update=True))
    decoder.start_utt()
    for piece in pieces:
        _process(decoder, piece)


def _process(decoder: Decoder, audio: Samples) -> None:
    decoder.process_raw(_pcm(audio))


def _pcm(audio: Samples) -> bytes:
    return (np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes()


def _transcript(decoder: Decoder) -> Transcript:
    """Return the transcript of the utterance that has just ended."""
    words = tuple(_word(segment) for segment in decoder.seg() or () if _is_word(segment.word))
    if not words:
        return Transcript(text="", language="en")
    return Transcript(
        text=" ".join(word.text for word in words),
        words=words,
        confidence=sum(word.confidence or 0.0 for word in words) / len(words),
        language="en",
    )


def _is_word(symbol: str) -> bool:
    """Whether a symbol is a word, and not a filler such as ``<s>``, ``<sil>``, ``[NOISE]`` or ``++UM++``."""
    return not symbol.startswith(("<", "[", "+"))


def _word(segment: Segment) -> TimedWord:
    """Return the word of a segment, without the number of its pronunciation: ``read(2)`` is the word read."""
    return TimedWord(
        text=segment.word.partition("(")[0],
        start_s=segment.start_frame / FRAMES_PER_SECOND,
        end_s=(segment.end_frame + 1) / FRAMES_PER_SECOND,
        confidence=min(max(segment.prob, 0.0), 1.0),
    )


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine, not loaded yet. Raises `EngineUnavailable` for another model or language than its own."""
    if model not in (None, MODEL):
        raise EngineUnavailable(f"sphinx has one model, {MODEL}, not {model!r}: leave the model out.")
    if language is not None and language.partition("-")[0].lower() != "en":
        raise EngineUnavailable(f"sphinx understands English only, not {language!r}: use the whisper engine.")
    return SphinxEngine()
