"""Runs a command, and turns what went wrong into one sentence and an exit status."""

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import trio

from auricle.engines.protocol import EngineError
from auricle.engines.scheduling.native_calls import is_one_under_way
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.option_errors import OptionError
from auricle.server.cli.output_plan import OutputError
from auricle.server.http.listener import ListenError

Argument = TypeVar("Argument")


def run(command: Callable[[Argument], Awaitable[Exit]], argument: Argument) -> Exit:
    """Run a command and return its status; errors that a user can cause are one sentence, never a traceback."""
    try:
        return trio.run(command, argument)
    except* KeyboardInterrupt:
        result = Exit.INTERRUPTED
    except* (EngineError, OutputError, OptionError, ListenError) as group:
        _print_errors(group)
        result = Exit.BAD_INPUT
    except* BrokenPipeError:
        # The reading end of standard output is closed: nothing can be written to it, not even at exit.
        sys.stdout = None
        result = Exit.INCOMPLETE
    return result


def leave_engine(status: int) -> None:
    """End the process here where an engine was abandoned in the middle of a call; else return.

    At its own end Python would stop that thread inside native code, which takes it for a crash and aborts.
    """
    if is_one_under_way():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or None
                stream.flush()
        os._exit(status)


def _print_errors(group: BaseExceptionGroup[BaseException]) -> None:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _print_errors(error)
        else:
            print(error, file=sys.stderr)
