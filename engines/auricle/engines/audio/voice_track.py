"""Voice probabilities of a session on a fixed grid of blocks, each computed once."""

import numpy as np

from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.protocol import BLOCK, VoiceDetector


class VoiceTrack:
    """Runs a voice detector over each block once and keeps the result until `forget_before`."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._probabilities: list[float] = []
        self._first = 0
        """Index of the block of the first probability kept."""

    def probability(self, audio: RetainedAudio, begin: int) -> float:
        """Return the probability for the block at ``begin``, a multiple of `BLOCK`; a known block, or the next one."""
        index = begin // BLOCK - self._first
        if index == len(self._probabilities):
            # All whole blocks at once: for a neural network a second block costs half of what the first does.
            end = begin + (audio.end - begin) // BLOCK * BLOCK
            self._probabilities += self._detector(audio.slice(begin, end).reshape(-1, BLOCK))
        return self._probabilities[index]

    def probability_of_last(self, audio: RetainedAudio, begin: int) -> float:
        """Return the probability for the incomplete block at ``begin`` at the end of the input, padded with silence."""
        rest = audio.slice(begin, audio.end)
        (probability,) = self._detector(np.pad(rest, (0, BLOCK - len(rest)))[None])
        return probability

    def spans(self, begin: int, end: int, threshold: float) -> tuple[tuple[int, int], ...]:
        """Return the runs of known blocks at or above ``threshold`` between two positions, as pairs of positions."""
        spans: list[tuple[int, int]] = []
        first = max(begin // BLOCK, self._first)
        last = min(-(-end // BLOCK), self._first + len(self._probabilities))
        for block in range(first, last):
            if self._probabilities[block - self._first] < threshold:
                continue
            start, stop = max(begin, block * BLOCK), min(end, (block + 1) * BLOCK)
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((start, stop))
        return tuple(spans)

    def forget_before(self, position: int) -> None:
        """Release the probabilities of the blocks before the one that holds ``position``."""
        released = min(max(0, position // BLOCK - self._first), len(self._probabilities))
        del self._probabilities[:released]
        self._first += released
