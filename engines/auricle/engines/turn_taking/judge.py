"""Asks a turn detector for all sessions, on a thread of its own and within a budget.

An answer that comes late is none. So nobody waits for a detector longer than the budget, and one that is overloaded or
stuck costs turns their judgement and nothing else. The thread is a daemon: a call that never returns keeps no process
alive.
"""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from auricle.engines.protocol import Samples
from auricle.engines.turn_taking.protocol import TurnDetector

logger = logging.getLogger(__name__)
BUDGET_S: Final = 0.25
"""From the question to the answer."""


class Question:
    """A question to the detector. Asked and answered in different threads."""

    def __init__(self, audio: Samples, asked_at: float, give_up_at: float, clock: Callable[[], float]) -> None:
        self.audio = audio
        self.asked_at = asked_at
        self.withdrawn = False
        """Whether nobody wants the answer any more."""
        self._give_up_at = give_up_at
        self._clock = clock
        self.settled = threading.Event()
        """Set once `answer` returns at once."""
        self._lock = threading.Lock()
        self._probability: float | None = None

    def answer(self) -> float | None:
        """Wait for the probability that the turn is over, until the budget is; None: there is no answer."""
        self.settled.wait(max(0.0, self._give_up_at - self._clock()))
        self.settle(None)  # what comes later would be another answer to the same question
        return self._probability

    def settle(self, probability: float | None) -> None:
        """Give the answer; the first one stands."""
        with self._lock:
            if not self.settled.is_set():
                self._probability = probability
                self.settled.set()

    def withdraw(self) -> None:
        """Spare the work where it has not begun."""
        self.withdrawn = True


class TurnJudge:
    """``detector`` must be loaded. ``clock`` gives seconds, and is called from several threads."""

    def __init__(
        self, detector: TurnDetector, *, budget_s: float = BUDGET_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._detector = detector
        self._budget_s = budget_s
        self._clock = clock
        self._questions: SimpleQueue[Question | None] = SimpleQueue()
        self._began_at: float | None = None
        """Since when the detector has been at work on a question; None: it is not."""
        self._expected_s = 0.0
        """What an answer takes, by the last one: where so much is not left of a budget, the detector is not called."""
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="turn-detector", daemon=True)
        self._thread.start()

    def ask(self, audio: Samples) -> Question:
        """Ask whether the turn ends with this audio, which must not change. Never waits."""
        now, began_at = self._clock(), self._began_at
        question = Question(audio, now, now + self._budget_s, self._clock)
        if self._closed or (began_at is not None and now - began_at > self._budget_s):
            question.settle(None)
        else:
            self._questions.put(question)
        return question

    def close(self) -> None:
        """Answer nothing more."""
        self._closed = True
        self._questions.put(None)

    def _work(self) -> None:
        while (question := self._questions.get()) is not None:
            question.settle(None if question.withdrawn or self._closed else self._answer(question))
            del question  # the audio of the last one need not wait for the next

    def _answer(self, question: Question) -> float | None:
        began = self._clock()
        if began - question.asked_at + self._expected_s > self._budget_s:
            self._expected_s /= 2  # or one slow answer would be the last one
            return None
        self._began_at = began
        try:
            probability = self._detector.probability(question.audio)
        except Exception:
            logger.exception("the turn detector %s failed", self._detector.name)
            return None
        finally:
            self._began_at = None
        now = self._clock()
        self._expected_s = now - began
        return probability if now - question.asked_at <= self._budget_s else None
