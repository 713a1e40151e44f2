"""Downmixing of frames with several channels, before they reach the framework's resampler, which assumes mono."""

import numpy as np
from livekit import rtc


def to_mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """Return the mean of the channels of a frame of 16-bit samples; a mono frame is returned unchanged."""
    if frame.num_channels == 1:
        return frame
    interleaved = np.frombuffer(frame.data, dtype=np.int16).reshape(-1, frame.num_channels)
    mixed = interleaved.astype(np.int32).sum(axis=1) // frame.num_channels
    return rtc.AudioFrame(
        data=mixed.astype(np.int16).tobytes(),
        sample_rate=frame.sample_rate,
        num_channels=1,
        samples_per_channel=frame.samples_per_channel,
    )
