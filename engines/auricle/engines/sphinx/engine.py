"""pocketsphinx: an English recogniser whose model travels inside its wheel. No download, modest accuracy.

Nearly all of its errors on short utterances come from a wrong guess of the channel: a decoder starts with a cepstral
mean that fits few microphones and learns the right one only while it decodes. So the first second of an utterance
goes through the front end alone, and what that shows is where decoding starts. Every utterance starts from the same
prior, so that nobody is heard through the channel of whoever spoke before. One trace is beyond our reach: the search
for the Gaussians of the first frame begins with those of the last frame the decoder heard, and so confidences (about
0.001) and now and then a word boundary (one frame) differ between a new decoder and a used one.
"""

import threading
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

MODEL: Final = "en-us"
"""The model in the wheel: US English, 16 kHz, a vocabulary of about 130,000 words."""
MAX_DECODERS: Final = 4
"""Decoders in memory at most, about 96 MB each."""
SETTINGS: Final = {"fwdflat": False, "maxhmmpf": 5000, "maxwpf": 20}
"""No second pass (it stalls the end of an utterance), and a beam bounded in states and words: half the work of the
defaults at the same accuracy."""
PRIOR_CMN: Final = "47.02,3.03,0.11,4.42,-4.81,-0.02,-4.21,-0.63,-0.98,-0.46,0.60,-0.92,1.47"
"""Cepstral mean to begin with: the average over 24 recordings of many speakers and microphones."""
PROBE: Final = ENGINE_RATE
"""Samples that go through the front end before decoding begins: one second."""
FRAMES_A_SECOND: Final = 100


class SphinxEngine:
    """The stateful kind: an utterance streams through a decoder of its own, or waits for one."""

    def __init__(self, max_decoders: int = MAX_DECODERS) -> None:
        self._pool = DecoderPool(_make_decoder, max_decoders)
        self._loading = threading.Lock()
        self._loaded = False

    @property
    def info(self) -> EngineInfo:
        """Who answers."""
        return EngineInfo(name="sphinx", model=MODEL, version=version("pocketsphinx"), languages=("en",))

    def load(self, progress: LoadProgress) -> None:
        """Make the first decoder. Loading twice is loading once. Raises `EngineUnavailable`."""
        with self._loading:
            if self._loaded:
                return
            progress("Loading the pocketsphinx model", None)
            silero_detector(StreamConfig())
            decoder = self._pool.take()
            if decoder is not None:
                self._pool.give_back(decoder)
            self._loaded = True

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a Silero detector. Raises `EngineUnavailable` before `load`."""
        return self.session_parts().voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return what finds voice. Raises `EngineUnavailable` before `load`."""
        if not self._loaded:
            raise EngineUnavailable("pocketsphinx has not been loaded.")
        return SessionParts(voice_detector=silero_detector)

    def begin(self, config: StreamConfig, start_sample: int) -> "SphinxUtterance":
        """Begin an utterance."""
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
    """One utterance. While there is no decoder for it the audio is kept; the words are the same, only later."""

    def __init__(self, pool: DecoderPool) -> None:
        self._pool = pool
        self._kept: list[Samples] = []
        self._kept_samples = 0
        self._decoder: Decoder | None = None

    def accept(self, audio: Samples) -> None:
        """Hear more."""
        if self._decoder is not None:
            _hear(self._decoder, audio)
            return
        self._kept.append(audio)
        self._kept_samples += len(audio)
        if self._kept_samples >= PROBE:
            self._decoder = self._pool.take()
            if self._decoder is not None:
                _start(self._decoder, self._kept)
                self._kept.clear()

    def hypothesis(self) -> Transcript:
        """The words so far; it may change its mind about all of them."""
        if self._decoder is None:
            return Transcript(text="")
        hypothesis = self._decoder.hyp()
        return Transcript(text=hypothesis.hypstr if hypothesis else "")

    def finish(self) -> Transcript:
        """End the utterance."""
        if self._decoder is not None:
            self._decoder.end_utt()
            transcript = _read(self._decoder)
            decoder, self._decoder = self._decoder, None
            self._pool.give_back(decoder)
            return transcript
        with self._pool.borrowed() as decoder:
            _start(decoder, self._kept)
            decoder.end_utt()
            return _read(decoder)

    def close(self) -> None:
        """Give the decoder back."""
        self._kept.clear()
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            self._give_back(decoder)

    def _give_back(self, decoder: Decoder) -> None:
        """End what it is in the middle of; a decoder that cannot even do that is not used again."""
        try:
            decoder.end_utt()
        except RuntimeError:
            self._pool.discard()
        else:
            self._pool.give_back(decoder)


def _start(decoder: Decoder, pieces: list[Samples]) -> None:
    """Begin an utterance with ``pieces``, its first second or more, or all of it."""
    decoder.set_cmn(PRIOR_CMN)
    decoder.start_utt()
    decoder.process_raw(_pcm(np.concatenate(pieces)[:PROBE]), no_search=True)
    decoder.end_utt()
    decoder.set_cmn(decoder.get_cmn(update=True))
    decoder.start_utt()
    for piece in pieces:
        _hear(decoder, piece)


def _hear(decoder: Decoder, audio: Samples) -> None:
    decoder.process_raw(_pcm(audio))


def _pcm(audio: Samples) -> bytes:
    return (np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes()


def _read(decoder: Decoder) -> Transcript:
    """Return what the utterance was that has just ended."""
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
    """Tell words from ``<s>``, ``<sil>``, ``[NOISE]`` and ``++UM++``."""
    return not symbol.startswith(("<", "[", "+"))


def _word(segment: Segment) -> TimedWord:
    """Return the word of a segment; ``read(2)`` is the second pronunciation of read."""
    return TimedWord(
        text=segment.word.partition("(")[0],
        start_s=segment.start_frame / FRAMES_A_SECOND,
        end_s=(segment.end_frame + 1) / FRAMES_A_SECOND,
        confidence=min(max(segment.prob, 0.0), 1.0),
    )


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine. Raises `EngineUnavailable` for a model or a language it does not have."""
    if model not in (None, MODEL):
        raise EngineUnavailable(f"sphinx has one model, {MODEL}, not {model!r}: leave the model out.")
    if language is not None and language.partition("-")[0].lower() != "en":
        raise EngineUnavailable(f"sphinx understands English only, not {language!r}: use the whisper engine.")
    return SphinxEngine()
