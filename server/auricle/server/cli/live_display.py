"""The live display: finals scroll, and the open segment is rewritten in place above a progress bar.

The live region is erased before a line is written and drawn again below it, so that the lines themselves are those of
the plain display, on the same streams, and can be copied and redirected.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from auricle.core import messages
from auricle.server.cli.printable import printable

PARTIAL_LINES: Final = 2
"""Maximum lines of the open segment that are shown: its last ones."""
REDRAW_S: Final = 0.1
"""Minimum seconds between two updates of the bar alone. A file is sent faster than a terminal can be drawn."""
BAR_COLUMNS: Final = 30


class Glyphs(NamedTuple):
    """Characters of the bar, for audio that is committed, sent, and still to be sent."""

    committed: str
    sent: str
    pending: str


UNICODE_BAR: Final = Glyphs("━", "─", "·")
ASCII_BAR: Final = Glyphs("=", "-", ".")


class Lines(Protocol):
    """Writer of the permanent lines: a `PlainDisplay`."""

    def start(self, name: str, duration_s: float | None) -> None: ...

    def final(self, message: messages.Final) -> None: ...

    def remark(self, line: str) -> None: ...

    def note(self, sentence: str) -> None: ...

    def finish(self, summary_line: str) -> None: ...


class LiveDisplay:
    """A `Display` on a terminal. ``clock`` gives monotonic seconds."""

    def __init__(self, lines: Lines, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = lines
        self._console = console
        self._clock = clock
        self._live: Live | None = None
        self._partial: messages.Partial | None = None
        self._duration_s: float | None = None
        self._sent_s = 0.0
        self._committed_s = 0.0
        self._drawn_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Erase the live region and restore the cursor."""
        self._erase()

    def start(self, name: str, duration_s: float | None) -> None:
        """Begin a recording with an empty live region."""
        self._erase()
        self._lines.start(name, duration_s)
        self._partial = None
        self._duration_s = duration_s
        self._sent_s = self._committed_s = 0.0
        self._draw()

    def progress(self, sent_s: float, committed_s: float) -> None:
        """Update the bar, at most once in `REDRAW_S` seconds."""
        self._sent_s, self._committed_s = sent_s, committed_s
        if self._clock() - self._drawn_at >= REDRAW_S:
            self._draw()

    def partial(self, message: messages.Partial) -> None:
        """Redraw the open segment."""
        self._partial = message
        self._draw()

    def final(self, message: messages.Final) -> None:
        """Write the final above the live region."""
        self._partial = None
        with self._paused():
            self._lines.final(message)

    def remark(self, line: str) -> None:
        """Write the line above the live region."""
        with self._paused():
            self._lines.remark(line)

    def note(self, sentence: str) -> None:
        """Write the sentence above the live region."""
        with self._paused():
            self._lines.note(sentence)

    def finish(self, summary_line: str) -> None:
        """Erase the live region and write the summary."""
        self._erase()
        self._lines.finish(summary_line)

    @contextmanager
    def _paused(self) -> Iterator[None]:
        drawn = self._live is not None
        self._erase()
        yield
        if drawn:
            self._draw()

    def _draw(self) -> None:
        self._drawn_at = self._clock()
        if self._live is None:
            # A stopped Live still remembers the shape it erased, so each drawing after a pause needs a new one.
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(self._region(), refresh=True)

    def _erase(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _region(self) -> Group:
        bar = progress_line(
            sent_s=self._sent_s,
            committed_s=self._committed_s,
            duration_s=self._duration_s,
            width=self._console.width - 1,
            glyphs=ASCII_BAR if self._console.options.ascii_only else UNICODE_BAR,
        )
        if self._partial is None:
            return Group(bar)
        return Group(*partial_lines(self._partial, self._console), bar)


def partial_lines(message: messages.Partial, console: Console) -> list[Text]:
    """Return the last lines of a partial that fit ``console``: what is stable as it is, the rest dim."""
    text = Text(printable(message.text[: message.stable]))
    text.append(printable(message.text[message.stable :]), "dim")
    # One column stays free: a terminal that has filled its last column may or may not have gone to the next line.
    width = max(2, console.width - 1)
    lines = list(text.wrap(console, width))
    if len(lines) <= PARTIAL_LINES:
        return lines
    mark = "..." if console.options.ascii_only else "…"
    tail = list(text.wrap(console, max(2, width - len(mark) - 1)))[-PARTIAL_LINES:]
    if width > len(mark) + 2:
        tail[0] = Text.assemble((mark + " ", "dim"), tail[0])
    return tail


def progress_line(*, sent_s: float, committed_s: float, duration_s: float | None, width: int, glyphs: Glyphs) -> Text:
    """Return the bar: how much of the audio is committed, how much sent, and how much is still to come (seconds).

    Without a duration there is no bar, only the numbers; in less than ``width`` columns the bar gives way to them.
    """
    if duration_s is None or duration_s <= 0:
        line = Text(f"{sent_s:.1f} s sent, {committed_s:.1f} s committed", "dim")
    else:
        numbers = f" {committed_s:.1f} of {duration_s:.1f} s"
        columns = max(0, min(BAR_COLUMNS, width - len(numbers)))
        sent = round(columns * min(1.0, sent_s / duration_s))
        committed = min(sent, round(columns * min(1.0, committed_s / duration_s)))
        line = Text.assemble(
            (glyphs.committed * committed, "green"),
            glyphs.sent * (sent - committed),
            (glyphs.pending * (columns - sent), "dim"),
            numbers,
        )
    line.truncate(max(1, width))
    return line
