"""What Whisper hears: logarithms of the energy in mel bands, one row for each 10 ms, computed once for each session.

Frame ``i`` of a session is centred on its sample ``160 i`` and hears 200 samples on either side. Windows begin on that
grid: a begin between two frames is moved up to the next, by less than 10 ms, so that a window hears no sample before
its begin and all windows of a session share their frames (`frame_at_or_after` tells where to). Rows are kept as plain
logarithms: Whisper's normalisation depends on the loudest frame of a window, and is done with it (`encoder_input`).

At the begin of a window the samples are mirrored, as Whisper's own features do; behind its end is silence. The few
rows that hear an edge are computed with the window, the rest comes out of the cache.
"""

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.engines.audio.faster_whisper_files import find_file
from auricle.engines.protocol import ENGINE_RATE, AudioSource, EngineUnavailable, Features, Samples
from auricle.engines.whisper.window_length import FRAME_SAMPLES

FFT: Final = 400
"""Samples that a frame hears."""
REACH: Final = FFT // 2
"""How far it hears on either side."""
HEAD: Final = 2
"""Frames at the begin of a window that reach across it."""
FLOOR: Final = 1e-10
RANGE: Final = 8.0
"""Whisper hears nothing that is so many powers of ten below the loudest of a window."""
ROWS: Final = 8
"""Rows multiplied at a time, always: more, and the linear algebra starts threads and adds in another order, so that a
frame would depend on what was computed beside it."""
HANN: Final[Samples] = np.hanning(FFT + 1)[:-1].astype(np.float32)


@cache
def mel_filters(mels: int) -> NDArray[np.float32]:
    """Return faster-whisper's own filters, shape ``(201, mels)``. Raises `EngineUnavailable`."""
    path = find_file("feature_extractor.py")
    spec = spec_from_file_location("faster_whisper_feature_extractor", path) if path else None
    if spec is None or spec.loader is None:
        raise EngineUnavailable("Whisper's features need faster-whisper 1.2: install it.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    filters = module.FeatureExtractor.get_mel_filters(ENGINE_RATE, FFT, n_mels=mels)
    return np.ascontiguousarray(filters.T, dtype=np.float32)


def frame_at_or_after(sample: int) -> int:
    """Return the first frame whose centre is not before a sample."""
    return -(-sample // FRAME_SAMPLES)


def window_features(audio: Samples, mels: int) -> Features:
    """Return the rows of a window that begins with ``audio`` and is silent behind it: all rows that hear any of it."""
    if not len(audio):
        return np.empty((0, mels), dtype=np.float32)
    rows = frame_at_or_after(len(audio) + REACH)
    padded = np.zeros(FFT + FRAME_SAMPLES * (rows - 1), dtype=np.float32)
    padded[REACH : REACH + len(audio)] = audio
    padded[:REACH] = padded[2 * REACH : REACH : -1]
    return _rows(padded, mels)


def encoder_input(features: Features, frames: int) -> NDArray[np.float32]:
    """Return a window as the encoder takes it: ``(mels, frames)``, its loudness normalised, zeros behind it.

    Zero is what faster-whisper pads with. It is not what silence is normalised to, and the decoder stops more readily
    at it: with the floor of digital silence twice as many windows run on. Source: notes/real-weights.md §2 J.
    """
    padded = np.zeros((features.shape[1], frames), dtype=np.float32)
    heard = min(frames, len(features))
    if heard:
        rows = features[:heard].T
        padded[:, :heard] = (np.maximum(rows, rows.max() - RANGE) + 4.0) / 4.0
    return padded


class LogMels:
    """The `FeatureCache` of one session. Rows are kept from the first that was wanted, and none where nobody spoke."""

    def __init__(self, mels: int) -> None:
        self._mels = mels
        self._first = 0
        """The frame of the first row."""
        self._kept = np.empty((0, mels), dtype=np.float32)

    def window(self, audio: AudioSource, begin: int, end: int) -> Features:
        """Return the rows of the samples from ``begin``, moved up to the grid, to ``end``: shape ``(rows, mels)``."""
        first = frame_at_or_after(begin)
        start = first * FRAME_SAMPLES
        edge = (end - REACH) // FRAME_SAMPLES + 1
        """The first frame that reaches behind the end."""
        if edge <= first + HEAD:
            return window_features(audio.slice(min(start, end), end), self._mels)
        head = window_features(audio.slice(start, start + FFT), self._mels)[:HEAD]
        self._extend(audio, first + HEAD, edge)
        whole = self._kept[first + HEAD - self._first : edge - self._first]
        return np.concatenate((head, whole, self._tail(audio, edge, end)))

    def forget_before(self, position: int) -> None:
        """Give up what only windows that begin before ``position`` would need."""
        gone = min(max(0, frame_at_or_after(position) + HEAD - self._first), len(self._kept))
        self._kept = self._kept[gone:].copy()
        self._first += gone

    def _extend(self, audio: AudioSource, first: int, end: int) -> None:
        """See to it that the rows from ``first`` to before ``end`` are kept."""
        if not self._first <= first <= self._first + len(self._kept):
            self._first, self._kept = first, self._kept[:0]
        known = self._first + len(self._kept)
        if known < end:
            samples = audio.slice(known * FRAME_SAMPLES - REACH, (end - 1) * FRAME_SAMPLES + REACH)
            self._kept = np.concatenate((self._kept, _rows(samples, self._mels)))

    def _tail(self, audio: AudioSource, edge: int, end: int) -> Features:
        """Return the rows that hear the silence behind ``end``."""
        rows = frame_at_or_after(end + REACH) - edge
        samples = audio.slice(edge * FRAME_SAMPLES - REACH, end)
        room = FFT + FRAME_SAMPLES * (rows - 1)
        return _rows(np.pad(samples, (0, room - len(samples))), self._mels)


def _rows(samples: Samples, mels: int) -> Features:
    """Return a row for each whole frame in ``samples``."""
    frames = sliding_window_view(samples, FFT)[::FRAME_SAMPLES]
    spectrum = np.fft.rfft(frames * HANN)
    blocks = -(-len(frames) // ROWS)
    power = np.zeros((blocks * ROWS, spectrum.shape[1]), dtype=np.float32)
    power[: len(frames)] = spectrum.real**2 + spectrum.imag**2
    energy = np.matmul(power.reshape(blocks, ROWS, -1), mel_filters(mels)).reshape(blocks * ROWS, mels)
    rows: Features = np.log10(np.maximum(energy[: len(frames)], np.float32(FLOOR)))
    return rows
