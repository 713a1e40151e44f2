"""How long the turns of an engine take that decodes within them, and how long audio waits for its turn. Pure.

A stateful engine has no queue of windows: what waits is the audio of all sessions, and what it costs is known from the
turns there were.
"""

from typing import Final, NamedTuple

KEPT: Final = 0.98
"""What is left of a turn's weight after each later one: some fifty turns tell what a second of audio costs."""


class TurnTimes(NamedTuple):
    """What the latest turns took; later ones weigh more."""

    busy_s: float = 0.0
    """Seconds of workers."""
    audio_s: float = 0.0
    """Seconds of audio that were heard in them."""
    longest_s: float = 0.0
    """Seconds of a turn among the longest: they end utterances."""


def after_turn(times: TurnTimes, *, took_s: float, audio_s: float) -> TurnTimes:
    """Return the times after one more turn, which heard ``audio_s`` seconds, or none where it did something else."""
    return TurnTimes(
        busy_s=times.busy_s * KEPT + took_s,
        audio_s=times.audio_s * KEPT + audio_s,
        longest_s=max(times.longest_s * KEPT, took_s),
    )


def queue_s(times: TurnTimes, *, waiting_s: float, workers: int) -> float:
    """Return in how many seconds ``waiting_s`` seconds of audio will be heard by so many workers, and a turn more.

    0 while nothing is known.
    """
    if times.audio_s <= 0.0:
        return 0.0
    return waiting_s * times.busy_s / times.audio_s / workers + times.longest_s
