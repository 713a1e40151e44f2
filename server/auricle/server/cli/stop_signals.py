"""What stops a command that sends audio: the first signal ends the input, the second one everything."""

import signal
from collections.abc import Callable, Mapping
from typing import Final

import trio

from auricle.server.cli.exit_codes import Exit

EXITS: Final[Mapping[int, Exit]] = {
    signal.SIGINT: Exit.INTERRUPTED,
    signal.SIGTERM: Exit.TERMINATED,
    signal.SIGHUP: Exit.HUNG_UP,
}
STOPPING: Final = "Stopping: the last words are on their way. Once more leaves without them."


class StopSignals:
    """Stops a command at Ctrl-C, SIGTERM and SIGHUP. ``note`` shows the user a sentence.

    Between two sessions, and while a model loads, there is nothing to wait for: then the first signal ends everything.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.exit: Exit | None = None
        """The exit status of the signal that came first; None where none did."""
        self.everything = trio.CancelScope()
        """The scope of all that the command does, except for keeping what it has."""
        self.sending: trio.CancelScope | None = None
        """The scope that sends the audio of the open session; None where there is none."""
        self._note = note

    async def watch(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Wait for signals, until cancelled."""
        with trio.open_signal_receiver(*EXITS) as signals:
            task_status.started()
            async for number in signals:
                self._stop(number)

    def _stop(self, number: int) -> None:
        first = self.exit is None
        if first:
            self.exit = EXITS[number]
        if first and self.sending is not None:
            self._note(STOPPING)
            self.sending.cancel()
        else:
            self.everything.cancel()
