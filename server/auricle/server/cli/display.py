"""Progress and transcripts on standard output and error: the display interface and the plain display."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console

from auricle.core import messages
from auricle.server.cli.live_display import LiveDisplay, Place, new_progress
from auricle.server.cli.progress import Progress
from auricle.server.printable import printable, write_line
from auricle.server.transcripts.formats import heading, line

TELL_EVERY_S: Final = 30.0
"""Seconds between two lines of progress where nobody watches."""


class Display(Protocol):
    """Receives the events of a session, in order. A context manager, because a live display restores the terminal."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, name: str, duration_s: float | None, place: Place | None = None) -> None:
        """Begin a recording of ``duration_s`` seconds; None where it is unknown (a microphone, a pipe).

        ``place`` is its number, and how many there are; None: a microphone, whose progress is no news.
        """

    def progress(self, sent_s: float, committed_s: float) -> None:
        """Report the seconds of audio that have been sent and committed."""

    def partial(self, message: messages.Partial) -> None:
        """Show the current partial of the open segment."""

    def final(self, message: messages.Final) -> None:
        """Show a final."""

    def remark(self, line: str) -> None:
        """Write a line that was not spoken among the finals."""

    def note(self, sentence: str) -> None:
        """Show a notice, such as a warning or a delay, as one sentence."""

    def finish(self, summary_line: str) -> None:
        """End the recording that `start` began."""


class PlainDisplay:
    """Writes finals to ``stdout``, a line each and flushed; notices and summaries to ``stderr``; no control sequences.

    With ``stdout`` None the transcript is written elsewhere, and only notices and summaries appear. Raises
    `BrokenPipeError` when the reading end of a pipe is closed.
    """

    def __init__(
        self,
        *,
        stdout: TextIO | None,
        stderr: TextIO,
        headings: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._headings = headings
        self._clock = clock
        self._progress: Progress | None = None
        self._began_at = self._told_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def start(self, name: str, duration_s: float | None, place: Place | None = None) -> None:
        """Write the heading, where there are several recordings."""
        self._progress = None if place is None else new_progress(name, duration_s, place)
        self._began_at = self._told_at = self._clock()
        if self._headings and self._stdout is not None:
            write_line(self._stdout, heading(name))

    def progress(self, sent_s: float, committed_s: float) -> None:
        """Write a line to ``stderr`` now and then, so that whoever reads a log sees that there is progress."""
        now = self._clock()
        if self._progress is not None and now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            progress = self._progress._replace(sent_s=sent_s, committed_s=committed_s, elapsed_s=now - self._began_at)
            write_line(self._stderr, progress.line())

    def partial(self, message: messages.Partial) -> None:
        """Do nothing: a partial may still change."""

    def final(self, message: messages.Final) -> None:
        """Write the line, unless it is empty."""
        if self._stdout is not None and (text := line(message)):
            write_line(self._stdout, text)

    def remark(self, line: str) -> None:
        """Write the line where the finals go."""
        if self._stdout is not None:
            write_line(self._stdout, line)

    def note(self, sentence: str) -> None:
        """Write the sentence to ``stderr``."""
        write_line(self._stderr, printable(sentence))

    def finish(self, summary_line: str) -> None:
        """Write the line to ``stderr``."""
        self._progress = None
        write_line(self._stderr, printable(summary_line))


def choose_display(stdout: TextIO | None, stderr: TextIO, *, recordings: int = 1) -> Display:
    """Return a live display for a terminal that can rewrite a line, a plain display otherwise.

    ``stdout`` None: the transcript goes elsewhere (``--output``, ``--format json``), and only ``stderr`` decides. With
    several ``recordings`` each gets a heading. A pipe behind ``stdout`` always means plain: the program at its other
    end may be drawing on the same terminal.
    """
    headings = recordings > 1
    plain = PlainDisplay(stdout=stdout, stderr=stderr, headings=headings)
    if stdout is not None and not stdout.isatty():
        return plain
    terminal = stderr if stdout is None or stderr.isatty() else stdout
    if not terminal.isatty():
        return plain
    console = Console(file=terminal, highlight=False, markup=False, emoji=False)
    if console.is_dumb_terminal:
        return plain
    return LiveDisplay(plain, console)
