"""How long the input of Whisper's encoder is: as short as the weights stand, and never one of the lengths that fail.

CTranslate2 takes any number of mel frames up to 3 000, and the encoder's cost grows faster than it: 10 s cost a seventh
of the usual 30 s. OpenAI's weights were trained on 30 s, and run on behind the speech in shorter windows. It is the
total length that decides, not the silence behind the speech: with fewer than 1 000 frames one window in four to
twenty runs on, with 1 000 one in fifty, with 1 500 none. Source: notes/real-weights.md §2 B; docs/bench-words.md.
"""

from dataclasses import dataclass
from typing import Final

FRAME_SAMPLES: Final = 160
"""Engine samples in a mel frame: 10 ms."""
MOST_FRAMES: Final = 3_000
"""What the encoder has positions for: 30 s."""
LENGTHS: Final = (200, 300, 400, 600, 800, 1_000, 1_500, 2_000, MOST_FRAMES)
"""Lengths in mel frames. Few, so that windows of several sessions have the same one and can be decoded together: by
the costs of a model of the shape of tiny, one more between each two would save 2 to 4 % of a partial, and a second
window beside it saves 30 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRules:
    """What windows the weights of one model stand."""

    tail_pad_s: float = 2.0
    """Silence behind the speech, at least, in seconds. Where it does not fit into 30 s, it gives way."""
    least_frames: int = 1_000
    """Mel frames of a window, at least."""

    def lengths(self, mels: int) -> tuple[int, ...]:
        """Return the lengths in mel frames that windows of a model with ``mels`` bands have, growing."""
        return tuple(
            length for length in LENGTHS if length >= self.least_frames and not is_ambiguous_length(length, mels)
        )

    def frames(self, samples: int, mels: int) -> int:
        """Return the mel frames of the window for so many engine samples."""
        needed = -(-samples // FRAME_SAMPLES) + round(self.tail_pad_s * 100)
        return next((length for length in self.lengths(mels) if length >= needed), MOST_FRAMES)

    def buckets(self, mels: int) -> tuple[int, ...]:
        """Return the most engine samples that each length of window holds beside its silence, growing."""
        pad = round(self.tail_pad_s * 100)
        frames = [length - pad for length in self.lengths(mels)[:-1] if length > pad]
        return tuple(count * FRAME_SAMPLES for count in (*frames, MOST_FRAMES))


def is_ambiguous_length(frames: int, mels: int) -> bool:
    """Whether CTranslate2 would take the encoder's output for mel frames, and encode it again without an error.

    It tells the two apart by the size of the second dimension, and the encoder halves the number of frames.
    """
    return (frames + 1) // 2 == mels
