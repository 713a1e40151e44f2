"""How long the input of Whisper's encoder is: as short as the speech allows, and never one of the lengths that fail.

CTranslate2 takes any number of mel frames up to 3 000, and the encoder's cost grows with the square of it: a window of
4 s costs a twenty-fifth of the usual 30 s. The weights were trained on 30 s, though: without some silence behind the
words they repeat themselves. Sources: notes/streaming-whisper.md §0 (facts 1 to 4) and §1.3.
"""

from typing import Final

FRAME_SAMPLES: Final = 160
"""Engine samples in a mel frame: 10 ms."""
MOST_FRAMES: Final = 3_000
"""What the encoder has positions for: 30 s."""
BUCKETS: Final = (200, 300, 400, 600, 800, 1_000, 1_500, 2_000, MOST_FRAMES)
"""Lengths in mel frames. Few, so that windows of several sessions have the same one and can be decoded together: by
the costs of a model of the shape of tiny, one more between each two would save 2 to 4 % of a partial, and a second
window beside it saves 30 %."""


def window_frames(samples: int, pad_s: float, mels: int) -> int:
    """Return the mel frames of the window for so many engine samples and at least ``pad_s`` of silence behind them.

    Where both do not fit into 30 s the silence gives way.
    """
    needed = -(-samples // FRAME_SAMPLES) + round(pad_s * 100)
    return next((bucket for bucket in lengths(mels) if bucket >= needed), MOST_FRAMES)


def lengths(mels: int) -> tuple[int, ...]:
    """Return the lengths that windows of a model with so many mels have, growing."""
    return tuple(bucket for bucket in BUCKETS if not is_ambiguous_length(bucket, mels))


def bucket_samples(pad_s: float, mels: int) -> tuple[int, ...]:
    """Return the most engine samples that each length of window holds with so much silence behind them, growing."""
    pad = round(pad_s * 100)
    frames = [bucket - pad for bucket in lengths(mels)[:-1] if bucket > pad]
    return tuple(count * FRAME_SAMPLES for count in (*frames, MOST_FRAMES))


def is_ambiguous_length(frames: int, mels: int) -> bool:
    """Whether CTranslate2 would take the encoder's output for mel frames, and encode it again without an error.

    It tells the two apart by the size of the second dimension, and the encoder halves the number of frames.
    """
    return (frames + 1) // 2 == mels
