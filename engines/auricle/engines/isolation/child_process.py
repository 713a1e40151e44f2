"""The parent's handle on one child process: starting it, waiting until it has loaded, calling it, and killing it."""

import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import count
from typing import Final

from auricle.child_processes import start_child
from auricle.engines.isolation.channel import NEVER_S, Channel, ChannelStuck
from auricle.engines.isolation.factory import EngineFactory
from auricle.engines.isolation.frames import FrameError
from auricle.engines.isolation.messages import (
    FROM_CHILD,
    Begin,
    LoadFailed,
    Progress,
    Ready,
    Reply,
    Request,
    UnknownUtterance,
)
from auricle.engines.protocol import EngineError, LoadProgress, Transcript
from auricle.engines.scheduling.budgets import SEND_S

logger = logging.getLogger(__name__)

CHILD_MODULE: Final = "auricle.engines.isolation.child"
MakeRequest = Callable[[int], Request]
"""Makes a request with a number."""


class ChildDied(Exception):
    """The child process ended before it replied."""


class ChildWedged(ChildDied):
    """The child process did not reply in time, and has been killed."""


class ChildProcess:
    """One child process and its pending calls.

    ``on_death`` is called, in a thread of its own, when a child that had loaded has
    ended for whatever reason.
    """

    def __init__(self, factory: EngineFactory, on_death: Callable[[], None]) -> None:
        self._on_death = on_death
        self._process, end = start_child(CHILD_MODULE)
        # A child answers with text: whoever says that arrays come is none of ours.
        self._channel = Channel(end, FROM_CHILD, most_arrays=0, send_s=SEND_S)
        self._calls: dict[int, Future[Reply]] = {}
        self._numbers = count(1)
        self._is_dead = False
        self._is_loaded = False
        self._lock = threading.Lock()
        self.has_replied = False
        """Whether it has returned from any call."""
        with suppress(OSError):
            # A child that is dead already is noticed by `wait_loaded`.
            self._channel.send(
                Begin(search_path=tuple(map(str, sys.path)), create=factory.create, arguments=factory.arguments)
            )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

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
        self._channel.limit_silence(silence_s)
        while True:
            try:
                message = self._channel.receive()
            except FrameError as error:
                logger.error("The engine process said what is no message: %s", error)
                message = None
            except (EOFError, OSError):
                message = None
            match message:
                case Progress(stage=stage, fraction=fraction):
                    progress(stage, fraction)
                case Ready():
                    self._is_loaded = True
                    self._channel.limit_silence(NEVER_S)
                    threading.Thread(target=self._read_replies, name="engine process", daemon=True).start()
                    return message
                case LoadFailed():
                    self.kill()
                    return message
                case _:
                    self.kill()
                    raise ChildDied

    def call(self, make_request: MakeRequest, budget_s: float) -> tuple[Transcript, ...]:
        """Send a request and return the transcripts of its reply. Raises `EngineError` and `UnknownUtterance` as told.

        A child that does not take the request within `SEND_S` seconds, or does not reply within ``budget_s`` seconds
        after that, is killed. Raises `ChildWedged` then, and `ChildDied` when the child ends before it replies.
        """
        future: Future[Reply] = Future()
        with self._lock:
            if self._is_dead:
                raise ChildDied
            number = next(self._numbers)
            self._calls[number] = future
        try:
            self._channel.send(make_request(number))
            reply = future.result(budget_s)
        except FrameError as error:
            raise EngineError(str(error)) from error
        except ChannelStuck:
            logger.warning("The engine process takes no call and is killed")
            self.kill()
            raise ChildWedged from None
        except TimeoutError:
            logger.warning("The engine process has not replied within %.1f s and is killed", budget_s)
            self.kill()
            raise ChildWedged from None
        except OSError:
            self.kill()
            raise ChildDied from None
        finally:
            self._calls.pop(number, None)
        self.has_replied = True
        return _transcripts(reply)

    def kill(self) -> None:
        """Kill the process; pending calls raise `ChildDied`. Safe to call twice, from any thread."""
        self._process.kill()
        self._process.wait()
        self._fail_calls()

    def _read_replies(self) -> None:
        """Complete calls with the child's replies until the connection ends, or something else than a reply comes."""
        try:
            while isinstance(reply := self._channel.receive(), Reply):
                future = self._calls.get(reply.number)
                if future is not None:
                    with suppress(InvalidStateError):  # a second reply to one request
                        future.set_result(reply)
        except FrameError as error:
            logger.error("The engine process said what is no message, and is killed: %s", error)
        except (EOFError, OSError):
            pass
        self.kill()
        self._channel.close()
        self._on_death()

    def _fail_calls(self) -> None:
        with self._lock:
            self._is_dead = True
            calls = list(self._calls.values())
        for future in calls:
            with suppress(InvalidStateError):
                future.set_exception(ChildDied())


def _transcripts(reply: Reply) -> tuple[Transcript, ...]:
    """Return what a reply tells. Raises `EngineError`, `UnknownUtterance`."""
    if reply.unknown_utterance:
        raise UnknownUtterance
    if reply.error is not None:
        raise EngineError(reply.error)
    return reply.transcripts
