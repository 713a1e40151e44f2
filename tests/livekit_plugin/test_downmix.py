"""`to_mono`: the mean of the channels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc
from livekit.plugins.auricle.downmix import to_mono


@given(st.integers(1, 4), st.lists(st.integers(-32768, 32767), min_size=1, max_size=20))
def test_mono_is_the_mean(channels: int, values: list[int]) -> None:
    interleaved = np.repeat(np.array(values, dtype=np.int16), channels)
    mono = to_mono(rtc.AudioFrame(interleaved.tobytes(), 16_000, channels, len(values)))
    assert np.frombuffer(mono.data, np.int16).tolist() == values
    assert mono.num_channels == 1
