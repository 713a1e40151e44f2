"""Asks a turn detector for all sessions, on a thread of its own and within a budget.

An answer that comes late is none: the silence that ends a turn of which nothing is known is over by then. So nobody
ever waits for a detector, and one that is overloaded costs turns their judgement and nothing else.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from auricle.engines.protocol import Samples
from auricle.engines.turns.protocol import TurnDetector

logger = logging.getLogger(__name__)
BUDGET_S: Final = 0.25
"""From the question to the answer. Silence that ends a turn which seems over is no shorter."""


class TurnJudge:
    """``detector`` must be loaded. ``clock`` gives seconds, and is called from several threads."""

    def __init__(
        self, detector: TurnDetector, *, budget_s: float = BUDGET_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._detector = detector
        self._budget_s = budget_s
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="turn-detector")
        self._expected_s = 0.0
        """What an answer takes, by the last one: where so much is not left of a budget, the detector is not called."""

    def ask(self, audio: Samples) -> Future[float | None]:
        """Return the probability to come that the turn ends with this audio; None where there is no answer in time.

        The future never fails. Cancelling it before its turn comes spares the work. ``audio`` must not change.
        """
        return self._thread.submit(self._answer, audio, self._clock())

    def close(self) -> None:
        """Answer nothing more; questions that wait are cancelled."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _answer(self, audio: Samples, asked_at: float) -> float | None:
        began = self._clock()
        if began - asked_at + self._expected_s > self._budget_s:
            self._expected_s /= 2  # or one slow answer would be the last one
            return None
        try:
            probability = self._detector.probability(audio)
        except Exception:
            logger.exception("the turn detector %s failed", self._detector.name)
            return None
        now = self._clock()
        self._expected_s = now - began
        return probability if now - asked_at <= self._budget_s else None
