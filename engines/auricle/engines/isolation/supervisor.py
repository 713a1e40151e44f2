"""The supervisor of the engine's process: runs one child at a time, restarts it, and repeats the calls of a dead one.

All methods may be called from any thread. A caller whose child dies, or does not reply in time, repeats its call with
the next child. The first caller to notice starts that child; the others wait for it.
"""

import logging
import pickle
import threading
import time
from contextlib import suppress
from typing import Any, Final

from auricle.engines.isolation.child_process import ChildDied, ChildProcess
from auricle.engines.isolation.messages import LoadFailed, MakeEngine, Ready
from auricle.engines.protocol import EngineError, EngineUnavailable, LoadProgress

logger = logging.getLogger(__name__)

CALL_ATTEMPTS: Final = 3
"""Children with which one call is tried. When all of them die, the call itself is the likely cause."""
START_ATTEMPTS: Final = 8
"""Consecutive children that may die while loading: about a quarter of a minute of attempts."""
FIRST_BACK_OFF_S: Final = 0.05
"""Seconds before a child that never replied to a call is replaced; doubled for each further one in a row."""
LONGEST_BACK_OFF_S: Final = 5.0
"""Upper bound for that time, in seconds."""
STOPPED: Final = "The engine has been stopped."


class Supervisor:
    """Keeps a child process running and calls it. ``make`` creates the engine in the child; it must be picklable."""

    def __init__(self, make: MakeEngine) -> None:
        self._make = pickle.dumps(make)
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._failures = 0
        """Consecutive children that never replied to a call."""
        self._stopped = threading.Event()

    def start(self, progress: LoadProgress) -> Ready:
        """Start the first child and wait until the engine is loaded. Raises `EngineUnavailable`."""
        try:
            with self._lock:
                return self._start(progress)
        except ChildDied:
            raise EngineUnavailable("The engine's process died while it loaded.") from None

    def call(self, method: str, *arguments: object, timeout_s: float) -> Any:
        """Call a method of the child's `CallTarget` and return what it returns.

        A child that dies during the call, or does not reply within ``timeout_s`` seconds and is killed, is replaced,
        and the call is repeated. Raises what the method raises, and `EngineError` after `CALL_ATTEMPTS`.
        """
        for _ in range(CALL_ATTEMPTS):
            try:
                return self._live_child().call(method, arguments, timeout_s)
            except ChildDied:
                if self._stopped.is_set():
                    break
        raise EngineError(
            STOPPED if self._stopped.is_set() else f"The engine's process died {CALL_ATTEMPTS} times over this."
        )

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
                with suppress(ChildDied):
                    self._restart()
        raise EngineError(f"The engine's process died {START_ATTEMPTS} times while it loaded.")

    def _back_off(self) -> None:
        """Wait before a child is replaced that never replied to a call, longer after each one in a row."""
        if self._child is not None:
            self._failures = 0 if self._child.has_replied else self._failures + 1
        if self._failures:
            self._stopped.wait(min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**self._failures))

    def _restart(self) -> None:
        try:
            self._start(_ignore_progress)
        except EngineUnavailable as error:
            raise EngineError(str(error)) from error

    def _start(self, progress: LoadProgress) -> Ready:
        if self._stopped.is_set():
            raise EngineUnavailable(STOPPED)
        began_s = time.monotonic()
        self._child = ChildProcess(self._make, self._on_death)
        if self._stopped.is_set():
            # `close` was called before it could see this child.
            self._child.kill()
        message = self._child.wait_loaded(progress)
        if isinstance(message, LoadFailed):
            raise EngineUnavailable(message.message)
        logger.info("The engine process is ready after %.1f s", time.monotonic() - began_s)
        return message


def _ignore_progress(stage: str, fraction: float | None) -> None:
    """Discard the progress of a restart."""
