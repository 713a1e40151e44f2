"""Codecs against the reference formulas, and audio that nobody should send."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.core.parts import AudioFormat
from auricle.engines.audio.encodings import ALAW, MULAW, decode_pcm

S16 = AudioFormat()


def g711_mulaw(code: int) -> int:
    """ITU-T G.711, as its tables are usually written out: one code at a time."""
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def g711_alaw(code: int) -> int:
    code ^= 0x55
    segment, value = (code & 0x70) >> 4, (code & 0x0F) << 4
    value = value + 8 if segment == 0 else (value + 0x108) << (segment - 1)
    return value if code & 0x80 else -value


@pytest.mark.parametrize(("table", "reference"), [(MULAW, g711_mulaw), (ALAW, g711_alaw)], ids=["mulaw", "alaw"])
def test_g711_tables(table, reference):
    assert table.tolist() == [reference(code) / 32_768 for code in range(256)]


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_g711_bytes_are_looked_up(encoding):
    table = MULAW if encoding == "mulaw" else ALAW
    assert decode_pcm(bytes(range(256)), AudioFormat(encoding=encoding)).tolist() == table.tolist()


def test_known_g711_values():
    assert MULAW[0xFF] == 0
    assert MULAW[0x00] == np.float32(-32_124 / 32_768)
    assert ALAW[0xD5] == np.float32(8 / 32_768)
    assert ALAW[0x2A] == np.float32(-32_256 / 32_768)


@given(st.lists(st.integers(-32_768, 32_767)))
def test_s16(values):
    out = decode_pcm(np.array(values, dtype="<i2").tobytes(), S16)
    assert out.dtype == np.float32
    assert out.tolist() == [value / 32_768 for value in values]


@given(st.lists(st.floats(width=32)))
def test_f32_is_made_harmless(values):
    out = decode_pcm(np.array(values, dtype="<f4").tobytes(), AudioFormat(encoding="pcm_f32le"))
    expected = [min(1.0, max(-1.0, value)) if np.isfinite(value) else 0.0 for value in values]
    assert out.dtype == np.float32
    assert out.tolist() == expected


@given(st.integers(1, 8), st.integers(0, 20))
def test_channels_are_averaged(channels, frames):
    values = np.arange(frames * channels, dtype="<i2").reshape(frames, channels)
    out = decode_pcm(values.tobytes(), AudioFormat(channels=channels))
    assert out.shape == (frames,)
    assert np.allclose(out, values.mean(axis=1) / 32_768, atol=1e-6) or frames == 0


def test_half_a_frame_is_refused():
    with pytest.raises(ValueError, match=r"."):
        decode_pcm(b"123", S16)
    with pytest.raises(ValueError, match=r"."):
        decode_pcm(b"12", AudioFormat(channels=2))
