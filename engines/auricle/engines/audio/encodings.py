"""Decoding of PCM (16-bit and float), mu-law and A-law bytes to mono float32 at the session's own rate."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from auricle.core.parts import AudioFormat
from auricle.engines.protocol import Samples

_Codes = NDArray[np.uint8]
SILENCE: Final[Mapping[str, bytes]] = {"pcm_s16le": b"\0", "pcm_f32le": b"\0", "mulaw": b"\xff", "alaw": b"\xd5"}
"""The byte that encodes silence, by encoding (ITU-T G.711 for the last two)."""


def _mulaw_table() -> Samples:
    """Return the 256 values of G.711 mu-law, by code."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32_768).astype(np.float32)


def _alaw_table() -> Samples:
    """Return the 256 values of G.711 A-law, by code."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    linear = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, linear, (linear + 0x100) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) / 32_768).astype(np.float32)


MULAW: Final = _mulaw_table()
"""Sample value of each mu-law code, shape ``(256,)``. Full scale is ±1: the largest value is 32124/32768."""
ALAW: Final = _alaw_table()
"""Sample value of each A-law code, shape ``(256,)``. Full scale is ±1: the largest value is 32256/32768."""


def _from_s16(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32_768)


def _from_f32(pcm: bytes) -> Samples:
    """Return the samples with NaN and infinity replaced by silence and the rest clipped: clients may send anything."""
    values = np.frombuffer(pcm, dtype="<f4").astype(np.float32)
    return np.clip(np.where(np.isfinite(values), values, np.float32(0)), -1, 1).astype(np.float32)


def _from_mulaw(pcm: bytes) -> Samples:
    codes: _Codes = np.frombuffer(pcm, dtype=np.uint8)
    return MULAW[codes]


def _from_alaw(pcm: bytes) -> Samples:
    codes: _Codes = np.frombuffer(pcm, dtype=np.uint8)
    return ALAW[codes]


_DECODERS: Final[Mapping[str, Callable[[bytes], Samples]]] = {
    "pcm_s16le": _from_s16,
    "pcm_f32le": _from_f32,
    "mulaw": _from_mulaw,
    "alaw": _from_alaw,
}


def decode_pcm(pcm: bytes, audio: AudioFormat) -> Samples:
    """Return the sample frames of ``pcm`` as mono, shape ``(frames,)``, in [-1, 1]; channels are averaged.

    Raises `ValueError` when ``pcm`` ends inside a sample frame, `KeyError` for an unknown encoding.
    """
    samples: Samples = _DECODERS[audio.encoding](pcm)
    if audio.channels == 1:
        return samples
    mono: Samples = samples.reshape(-1, audio.channels).mean(axis=1, dtype=np.float32)
    return mono
