"""How long calls of an engine may take: one budget for everybody who waits for one.

The process of an engine is killed over a call that takes longer, and the drain of a session waits for a call as long as
that may go on (`longest_call_s`), so that no session is given up over a call that is about to be ended or repeated.
"""

from typing import Final

FACTOR: Final = 10.0
"""A call that takes so many times what it was predicted to take is wedged. Retries of a doubtful final take about six
times as long as one decode, and predictions are right within a factor of two."""
SHORTEST_S: Final = 5.0
"""No call is taken to be wedged earlier, in seconds: a machine that swaps or is suspended is slow for a moment."""
UNLEARNED_S: Final = 30.0
"""Seconds for the first call, of which nothing is known yet …"""
UNLEARNED_PER_S: Final = 3.0
"""… plus so many for each second of audio: more than the largest models take on small processors."""
UTTERANCE_S: Final = 10.0
"""Seconds for a call about an utterance of an engine that takes audio as it comes …"""
UTTERANCE_PER_S: Final = 0.5
"""… plus so many for each second of the utterance, whose audio is decoded in one call after a restart. With the longest
utterance it is less than a drain waits (`Limits.drain_timeout_s`): such an engine has no queue that could tell."""
ATTEMPTS: Final = 3
"""Processes with which one call is tried. When all of them die, the call itself is the likely cause."""
BACK_OFF: Final = 2.0
"""Each attempt may take so many times as long as the one before: a machine that has become slow is not wedged."""
SEND_S: Final = 5.0
"""Seconds for a process to take all of a call; it reads while it decodes."""
SHORTEST_LOAD_S: Final = 30.0
"""No restarted process is given up earlier, in seconds without a sign of life while it loads."""


def call_budget_s(predicted_s: float) -> float:
    """Return the seconds that a call may take which is predicted to take ``predicted_s``."""
    return max(SHORTEST_S, FACTOR * predicted_s)


def first_call_budget_s(audio_s: float) -> float:
    """Return the seconds that a call with ``audio_s`` seconds of audio may take before any call was seen."""
    return UNLEARNED_S + UNLEARNED_PER_S * audio_s


def utterance_budget_s(audio_s: float) -> float:
    """Return the seconds that a call about an utterance of ``audio_s`` seconds may take."""
    return UTTERANCE_S + UTTERANCE_PER_S * audio_s


def attempt_budget_s(budget_s: float, wedged: int) -> float:
    """Return the seconds for a call with this budget after ``wedged`` attempts that took too long."""
    return budget_s * BACK_OFF**wedged


def reload_budget_s(load_s: float) -> float:
    """Return the seconds without a sign of life that loading may take where it once took ``load_s``."""
    return max(SHORTEST_LOAD_S, FACTOR * load_s)


def longest_call_s(budget_s: float, reload_s: float) -> float:
    """Return the seconds after which a call has returned or failed, with every attempt and every restart.

    ``reload_s`` is how long a restart takes.
    """
    attempts = sum(attempt_budget_s(budget_s, wedged) + SEND_S for wedged in range(ATTEMPTS))
    return attempts + ATTEMPTS * reload_s
