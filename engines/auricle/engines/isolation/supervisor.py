"""The supervisor of the engine's process: runs one child at a time, restarts it, and repeats the calls of a dead one.

All methods may be called from any thread. A caller whose child dies, or does not reply in time, repeats its call with
the next child. The first caller to notice starts that child; the others wait for it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from auricle.engines.failures import STOPPED
from auricle.engines.isolation.child_process import ChildDied, ChildProcess, ChildWedged, MakeRequest
from auricle.engines.isolation.factory import EngineFactory
from auricle.engines.isolation.messages import LoadFailed, Ready
from auricle.engines.protocol import EngineError, EngineUnavailable, LoadProgress, Transcript
from auricle.engines.scheduling.budgets import ATTEMPTS, attempt_budget_s, longest_call_s, reload_budget_s
from auricle.engines.supervised import CallGivenUp, EngineProcess, EngineTrouble

logger = logging.getLogger(__name__)

FIRST_LOAD_S: Final = 600.0
"""Seconds without a sign of life after which the first child is given up. A download reports its progress."""
RELOAD_FACTOR: Final = 2.0
"""A restart is predicted to take so many times as long as the last one."""
START_ATTEMPTS: Final = 8
"""Consecutive children that may die while loading: about a quarter of a minute of attempts."""
FIRST_BACK_OFF_S: Final = 0.05
"""Seconds before a child that never replied to a call is replaced; doubled for each further one in a row."""
LONGEST_BACK_OFF_S: Final = 5.0
"""Upper bound for that time, in seconds."""
MOST_DEATHS: Final = 3
"""Children that may die …"""
DEATHS_WITHIN_S: Final = 60.0
"""… within so many seconds. With one more nobody knows whether the next one will live, and no session should begin."""


class Supervisor:
    """Keeps a child process running, with the engine of ``factory``, and calls it.

    ``clock`` returns monotonic seconds.
    """

    def __init__(self, factory: EngineFactory, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        """When the latest children died."""
        self._load_s = 0.0
        """How long it took to load the latest child."""
        self._factory = factory
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._failures = 0
        """Consecutive children that never replied to a call."""
        self._stopped = threading.Event()
        self._started = 0
        """Children so far."""

    def start(self, progress: LoadProgress) -> Ready:
        """Start the first child and wait until the engine is loaded. Raises `EngineUnavailable`."""
        try:
            with self._lock:
                return self._start(progress, silence_s=FIRST_LOAD_S)
        except ChildDied:
            raise EngineUnavailable("The engine's process died while it loaded.") from None

    def call(self, make_request: MakeRequest, budget_s: float) -> tuple[Transcript, ...]:
        """Send a request to the child and return the transcripts of its reply.

        A child that dies during the call, or does not reply within ``budget_s`` seconds and is killed, is replaced,
        and the call is repeated with a larger budget. Raises `EngineError` and `UnknownUtterance` as the child
        tells, and `CallGivenUp` after `ATTEMPTS`.
        """
        wedged = 0
        for _ in range(ATTEMPTS):
            try:
                return self._live_child().call(make_request, attempt_budget_s(budget_s, wedged))
            except ChildWedged:
                wedged += 1
            except ChildDied:
                pass
            if self._stopped.is_set():
                break
        if self._stopped.is_set():
            raise EngineError(STOPPED)
        raise CallGivenUp(f"The engine's process died {ATTEMPTS} times over this.")

    def longest_call_s(self, budget_s: float) -> float:
        """Return the seconds after which a call has returned or failed, as far as restarts take as long as the last."""
        return longest_call_s(budget_s, RELOAD_FACTOR * self._load_s + LONGEST_BACK_OFF_S)

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the engine from answering now; None: nothing."""
        if len(self._deaths) == MOST_DEATHS and self._clock() - self._deaths[0] < DEATHS_WITHIN_S:
            why = f"The engine's process has died {MOST_DEATHS} times within {DEATHS_WITHIN_S:g} s."
            return EngineTrouble(why=why, lasting=True)
        child = self._child
        if child is None or not child.is_serving:
            return EngineTrouble(why="The engine's process is being restarted.", lasting=False)
        return None

    @property
    def process(self) -> EngineProcess:
        """The child as it is now."""
        child = self._child
        pid = child.pid if child is not None and child.is_alive else None
        return EngineProcess(pid=pid, restarts=max(0, self._started - 1))

    def close(self) -> None:
        """Kill the child. Pending calls raise `EngineError`. Safe to call twice, and at any time."""
        self._stopped.set()
        child = self._child
        if child is not None:
            child.kill()

    def _on_death(self) -> None:
        """Replace a child that died, so that the next call finds one ready. Runs in a thread of its own."""
        if self._stopped.is_set():
            return
        self._deaths.append(self._clock())
        logger.warning("The engine process died and is restarted")
        with suppress(EngineError):
            self._live_child()

    def _live_child(self) -> ChildProcess:
        """Return a child that runs, started now if need be. Raises `EngineError` after `START_ATTEMPTS`."""
        with self._lock:
            for _ in range(START_ATTEMPTS):
                if self._child is not None and self._child.is_alive:
                    return self._child
                self._back_off()
                try:
                    self._restart()
                except ChildDied:
                    self._deaths.append(self._clock())
        raise EngineError(f"The engine's process died {START_ATTEMPTS} times while it loaded.")

    def _back_off(self) -> None:
        """Wait before a child is replaced that never replied to a call, longer after each one in a row."""
        if self._child is not None:
            self._failures = 0 if self._child.has_replied else self._failures + 1
        if self._failures:
            self._stopped.wait(min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**self._failures))

    def _restart(self) -> None:
        try:
            self._start(_ignore_progress, silence_s=reload_budget_s(self._load_s))
        except EngineUnavailable as error:
            raise EngineError(str(error)) from error

    def _start(self, progress: LoadProgress, *, silence_s: float) -> Ready:
        if self._stopped.is_set():
            raise EngineUnavailable(STOPPED)
        began_s = self._clock()
        self._child = ChildProcess(self._factory, self._on_death)
        self._started += 1
        if self._stopped.is_set():
            # `close` was called before it could see this child.
            self._child.kill()
        message = self._child.wait_loaded(progress, silence_s)
        if isinstance(message, LoadFailed):
            raise EngineUnavailable(message.message)
        self._load_s = self._clock() - began_s
        logger.info("The engine process is ready after %.1f s", self._load_s)
        return message


def _ignore_progress(stage: str, fraction: float | None) -> None:
    """Discard the progress of a restart."""
