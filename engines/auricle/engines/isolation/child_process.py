"""The parent's handle on one child process: starting it, waiting until it has loaded, calling it, and killing it."""

import logging
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Final

from auricle.engines.isolation.messages import LoadFailed, Progress, Ready, Reply, Request
from auricle.engines.protocol import LoadProgress
from auricle.engines.scheduling.budgets import SEND_S

logger = logging.getLogger(__name__)

CHILD_MODULE: Final = "auricle.engines.isolation.child"


class ChildDied(Exception):
    """The child process ended before it replied."""


class ChildWedged(ChildDied):
    """The child process did not reply in time, and has been killed."""


class ChildProcess:
    """One child process and its pending calls.

    ``make`` is a pickled `MakeEngine`. ``on_death`` is called, in a thread of its own, when a child that had loaded has
    ended for whatever reason.
    """

    def __init__(self, make: bytes, on_death: Callable[[], None]) -> None:
        self._on_death = on_death
        parent_end, child_end = socket.socketpair()
        parent_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _as_timeval(SEND_S))
        with child_end:
            self._process = subprocess.Popen(
                [sys.executable, "-m", CHILD_MODULE, str(child_end.fileno())],
                pass_fds=[child_end.fileno()],
                stdin=subprocess.DEVNULL,
                # What native code prints must not get among the transcripts.
                stdout=2,
            )
        self._connection = Connection(parent_end.detach())
        self._sending = threading.Lock()
        self._calls: dict[int, Future[Any]] = {}
        self._numbers = count(1)
        self._is_dead = False
        self._is_loaded = False
        self._lock = threading.Lock()
        self.has_replied = False
        """Whether it has returned from any call."""
        with suppress(OSError):
            # A child that is dead already is noticed by `wait_loaded`.
            self._connection.send(sys.path)
            self._connection.send_bytes(make)

    @property
    def is_serving(self) -> bool:
        """Whether the engine is loaded, and the process not known to have ended."""
        return self._is_loaded and not self._is_dead

    @property
    def is_alive(self) -> bool:
        """Whether the process is not known to have ended."""
        return not self._is_dead

    def wait_loaded(self, progress: LoadProgress, silence_s: float) -> Ready | LoadFailed:
        """Wait until the engine is loaded or has failed to load, and report its progress.

        A child that says nothing for ``silence_s`` seconds is killed. Raises `ChildDied` then, and where it ends.
        """
        while True:
            try:
                message = self._connection.recv() if self._connection.poll(silence_s) else None
            except (EOFError, OSError):
                message = None
            match message:
                case Progress(stage=stage, fraction=fraction):
                    progress(stage, fraction)
                case Ready():
                    self._is_loaded = True
                    threading.Thread(target=self._read_replies, name="engine process", daemon=True).start()
                    return message
                case LoadFailed():
                    self.kill()
                    return message
                case _:
                    self.kill()
                    raise ChildDied

    def call(self, method: str, arguments: tuple[object, ...], budget_s: float) -> Any:
        """Call a method of the child's `CallTarget`; return what it returns, raise what it raises.

        A child that does not take the call within `SEND_S` seconds, or does not reply within ``budget_s`` seconds after
        that, is killed. Raises `ChildWedged` then, and `ChildDied` when the child ends before it replies.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._is_dead:
                raise ChildDied
            number = next(self._numbers)
            self._calls[number] = future
        try:
            with self._sending:
                if self._is_dead:
                    raise ChildDied
                self._connection.send(Request(number=number, method=method, arguments=arguments))
            value = future.result(budget_s)
        except TimeoutError:
            logger.warning("The engine process has not replied within %.1f s and is killed", budget_s)
            self.kill()
            raise ChildWedged from None
        except BlockingIOError:
            logger.warning("The engine process takes no call and is killed")
            self.kill()
            raise ChildWedged from None
        except OSError:
            self.kill()
            raise ChildDied from None
        finally:
            self._calls.pop(number, None)
        self.has_replied = True
        return value

    def kill(self) -> None:
        """Kill the process; pending calls raise `ChildDied`. Safe to call twice, from any thread."""
        self._process.kill()
        self._process.wait()
        self._fail_calls()

    def _read_replies(self) -> None:
        """Complete calls with the child's replies until the connection ends."""
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
        self.kill()
        with self._sending:
            # No call may be sending: the descriptor may soon be that of the next child's connection.
            self._connection.close()
        self._on_death()

    def _fail_calls(self) -> None:
        with self._lock:
            self._is_dead = True
            calls = list(self._calls.values())
        for future in calls:
            with suppress(InvalidStateError):
                future.set_exception(ChildDied())


def _as_timeval(seconds: float) -> bytes:
    """Return a time as the C ``struct timeval`` of seconds and microseconds."""
    whole, part = divmod(seconds, 1.0)
    return struct.pack("@ll", int(whole), int(part * 1e6))
