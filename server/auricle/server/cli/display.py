"""What a person sees while a recording is being transcribed, or what a program reads at the other end of a pipe."""

from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console

from auricle.core.messages import Final, Partial
from auricle.server.cli.formats import heading, line
from auricle.server.cli.live_display import LiveDisplay
from auricle.server.cli.printable import printable, write_line


class Display(Protocol):
    """Told of everything that happens, in order. A context manager, because a live one must give the terminal back."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, name: str, duration_s: float | None) -> None:
        """Begin a recording of ``duration_s`` seconds; None where nobody knows (a microphone, a pipe)."""

    def progress(self, sent_s: float, committed_s: float) -> None:
        """Seconds of audio that have been sent, and that are accounted for."""

    def partial(self, message: Partial) -> None:
        """The open segment, so far."""

    def final(self, message: Final) -> None:
        """A segment that will not change any more."""

    def note(self, sentence: str) -> None:
        """Something the user should know: a warning, a delay."""

    def finish(self, summary_line: str) -> None:
        """End the recording that `start` began."""


class PlainDisplay:
    """Finals to ``stdout``, a line each and at once; notes and summaries to ``stderr``; nothing moves, nothing glows.

    With ``stdout`` None the transcript is written elsewhere, and only notes and summaries appear. Raises
    `BrokenPipeError` when the reader has gone.
    """

    def __init__(self, *, stdout: TextIO | None, stderr: TextIO, headings: bool = False) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._headings = headings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to give back."""

    def start(self, name: str, duration_s: float | None) -> None:
        """Write the heading, where there are several recordings."""
        if self._headings and self._stdout is not None:
            write_line(self._stdout, heading(name))

    def progress(self, sent_s: float, committed_s: float) -> None:
        """Say nothing: a file has no use for it."""

    def partial(self, message: Partial) -> None:
        """Say nothing: it may still change."""

    def final(self, message: Final) -> None:
        """Write the line, unless it is empty."""
        if self._stdout is not None and (text := line(message)):
            write_line(self._stdout, text)

    def note(self, sentence: str) -> None:
        """Write the sentence to ``stderr``."""
        write_line(self._stderr, printable(sentence))

    def finish(self, summary_line: str) -> None:
        """Write the line to ``stderr``."""
        write_line(self._stderr, printable(summary_line))


def choose_display(stdout: TextIO | None, stderr: TextIO, *, recordings: int = 1) -> Display:
    """Return a live display where a person looks at a terminal that can rewrite a line, a plain one otherwise.

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
