"""The supervisor: one child at a time, and calls that outlive it.

All methods may be called from any thread. A caller whose child dies, or does not answer in time, asks the next child;
whoever notices first starts that, and the others wait for it.
"""

import logging
import pickle
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Final

from auricle.engines.isolation.messages import MakeEngine, Progress, Ready, Refused, Reply, Request
from auricle.engines.protocol import EngineError, EngineUnavailable, LoadProgress

logger = logging.getLogger(__name__)

CHILD: Final = "auricle.engines.isolation.child"
LOAD_TIMEOUT_S: Final = 600.0
"""Without a word for so long, a child that loads is given up. A download says how far it is."""
SEND_TIMEOUT_S: Final = 10.0
"""A child that takes nothing of a call for so long stands still. It reads while it decodes."""
TRIES: Final = 3
"""Children that one call may cost. After that it is likely the call that kills them."""
STARTS: Final = 8
"""Children in a row that may die before they answer anything: about a quarter of a minute of trying."""
FIRST_BACK_OFF_S: Final = 0.05
LONGEST_BACK_OFF_S: Final = 5.0
"""Before a child is started in the place of one that never answered anything: doubled each time."""
STOPPED: Final = "The engine has been stopped."


class ChildDied(Exception):
    """The child went away before it answered."""


class _Child:
    """One process, and the calls it has been asked."""

    def __init__(self, make: bytes, on_death: Callable[[], None]) -> None:
        self._on_death = on_death
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _as_timeval(SEND_TIMEOUT_S))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", CHILD, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # What native code prints must not get among the transcripts.
                stdout=2,
            )
        self._connection = Connection(ours.detach())
        self._sending = threading.Lock()
        self._calls: dict[int, Future[Any]] = {}
        self._numbers = count(1)
        self._is_over = False
        self._lock = threading.Lock()
        self.answered = False
        """Whether it has answered anything."""
        with suppress(OSError):
            # One that is dead already is noticed when it does not greet.
            self._connection.send(sys.path)
            self._connection.send_bytes(make)

    @property
    def is_alive(self) -> bool:
        return not self._is_over

    def greet(self, progress: LoadProgress) -> Ready | Refused:
        """Wait until it has loaded. Raises `ChildDied`."""
        while True:
            try:
                message = self._connection.recv() if self._connection.poll(LOAD_TIMEOUT_S) else None
            except (EOFError, OSError):
                message = None
            match message:
                case Progress(stage=stage, fraction=fraction):
                    progress(stage, fraction)
                case Ready():
                    threading.Thread(target=self._listen, name="engine process", daemon=True).start()
                    return message
                case Refused():
                    self.end()
                    return message
                case _:
                    self.end()
                    raise ChildDied

    def call(self, method: str, arguments: tuple[object, ...], timeout_s: float) -> Any:
        """Return what the child's call target returns, raise what it raises. Raises `ChildDied`."""
        future: Future[Any] = Future()
        with self._lock:
            if self._is_over:
                raise ChildDied
            number = next(self._numbers)
            self._calls[number] = future
        try:
            with self._sending:
                if self._is_over:
                    raise ChildDied
                self._connection.send(Request(number=number, method=method, arguments=arguments))
            value = future.result(timeout_s)
        except TimeoutError:
            logger.warning("The engine process has not answered for %g s and is killed", timeout_s)
            self.end()
            raise ChildDied from None
        except OSError:
            self.end()
            raise ChildDied from None
        finally:
            self._calls.pop(number, None)
        self.answered = True
        return value

    def end(self) -> None:
        """Kill it, and let nobody wait for it. Safe to call twice."""
        self._process.kill()
        self._process.wait()
        self._give_up()

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                reply: Reply = self._connection.recv()
                future = self._calls.get(reply.number)
                if future is None:
                    continue
                if reply.error is None:
                    future.set_result(reply.value)
                else:
                    future.set_exception(reply.error)
        self.end()
        with self._sending:
            # Nobody may be sending: its number may be that of the next child's connection in a moment.
            self._connection.close()
        self._on_death()

    def _give_up(self) -> None:
        with self._lock:
            self._is_over = True
            calls = list(self._calls.values())
        for future in calls:
            with suppress(InvalidStateError):
                future.set_exception(ChildDied())


def _as_timeval(seconds: float) -> bytes:
    """Return a time as the C ``struct timeval`` of seconds and microseconds."""
    whole, part = divmod(seconds, 1.0)
    return struct.pack("@ll", int(whole), int(part * 1e6))


class EngineProcess:
    """Keeps a child alive and asks it. ``make`` makes the engine in there."""

    def __init__(self, make: MakeEngine) -> None:
        self._make = pickle.dumps(make)
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._failures = 0
        """Children in a row that answered nothing."""
        self._stopped = threading.Event()

    def start(self, progress: LoadProgress) -> Ready:
        """Start the first child and wait until it has loaded. Raises `EngineUnavailable`."""
        try:
            with self._lock:
                return self._start(progress)
        except ChildDied:
            raise EngineUnavailable("The engine's process died while it loaded.") from None

    def call(self, method: str, *arguments: object, timeout_s: float) -> Any:
        """Return what ``method`` returns in the child; a child that dies during the call is replaced and called again.

        Raises what the method raises, and `EngineError` when no child survives the call.
        """
        for _ in range(TRIES):
            try:
                return self._living().call(method, arguments, timeout_s)
            except ChildDied:
                if self._stopped.is_set():
                    break
        raise EngineError(STOPPED if self._stopped.is_set() else f"The engine's process died {TRIES} times over this.")

    def close(self) -> None:
        """Kill the child. Calls that are out raise `EngineError`. Safe to call twice, and at any time."""
        self._stopped.set()
        child = self._child
        if child is not None:
            child.end()

    def _replace(self) -> None:
        """A child that had been ready is gone: have another one ready before it is asked. In a thread of its own."""
        if self._stopped.is_set():
            return
        logger.warning("The engine's process died; another takes its place")
        with suppress(EngineError):
            self._living()

    def _living(self) -> _Child:
        """Return a child that lives, a new one if need be. Raises `EngineError` when none can be had."""
        with self._lock:
            for _ in range(STARTS):
                if self._child is not None and self._child.is_alive:
                    return self._child
                self._back_off()
                with suppress(ChildDied):
                    self._restart()
        raise EngineError(f"The engine's process died {STARTS} times while it loaded.")

    def _back_off(self) -> None:
        """Wait before a child is replaced that did nothing but die, the longer the more of them there were."""
        if self._child is not None:
            self._failures = 0 if self._child.answered else self._failures + 1
        if self._failures:
            self._stopped.wait(min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**self._failures))

    def _restart(self) -> None:
        try:
            self._start(_told_to_nobody)
        except EngineUnavailable as error:
            raise EngineError(str(error)) from error

    def _start(self, progress: LoadProgress) -> Ready:
        if self._stopped.is_set():
            raise EngineUnavailable(STOPPED)
        began_s = time.monotonic()
        self._child = _Child(self._make, self._replace)
        if self._stopped.is_set():
            # `close` came before it could see this child.
            self._child.end()
        ready = self._child.greet(progress)
        if isinstance(ready, Refused):
            raise EngineUnavailable(ready.message)
        logger.info("The engine's process is ready after %.1f s", time.monotonic() - began_s)
        return ready


def _told_to_nobody(stage: str, fraction: float | None) -> None:
    """Take the progress of a restart."""
