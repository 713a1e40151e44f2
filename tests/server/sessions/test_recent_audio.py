"""The audio that a second pass may need: as it came, in its place, and not for ever."""

import numpy as np

from auricle.core.parts import AudioFormat
from auricle.server.sessions.recent_audio import RecentAudio

FORMAT = AudioFormat(sample_rate=8_000, channels=2)


def pcm(begin: int, end: int) -> bytes:
    """Two channels, each of which counts."""
    return np.repeat(np.arange(begin, end, dtype="<i2"), 2).tobytes()


def kept(*pieces: tuple[int, int], longest_s: float = 45.0) -> RecentAudio:
    audio = RecentAudio(FORMAT, longest_s=longest_s)
    for begin, end in pieces:
        audio.append(begin, pcm(begin, end))
    return audio


def test_what_was_said_is_cut_out_of_the_chunks() -> None:
    assert kept((0, 10), (10, 25), (25, 30)).take(7, 27) == pcm(7, 27)


def test_where_nothing_came_there_is_silence() -> None:
    silence = bytes(4)
    assert kept((10, 12), (14, 16)).take(8, 18) == 2 * silence + pcm(10, 12) + 2 * silence + pcm(14, 16) + 2 * silence
    assert kept().take(0, 3) == 3 * silence


def test_what_was_taken_is_forgotten_and_what_follows_is_not() -> None:
    audio = kept((0, 10), (10, 20))
    audio.take(2, 12)
    assert audio.take(0, 20) == bytes(40) + pcm(10, 20)


def test_no_more_is_kept_than_may_be_needed() -> None:
    audio = kept((0, 10), (10, 20), (20, 30), longest_s=10 / 8_000)
    assert audio.take(0, 30) == bytes(80) + pcm(20, 30)
