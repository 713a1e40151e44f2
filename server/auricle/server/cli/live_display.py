"""The live display: finals scroll, and the open segment is rewritten in place above a progress bar.

The live region is erased before a line is written and drawn again below it, so that the lines themselves are those of
the plain display, on the same streams, and can be copied and redirected.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from auricle.core import messages
from auricle.server.cli.progress import Progress
from auricle.server.printable import printable

PARTIAL_LINES: Final = 2
"""Maximum lines of the open segment that are shown: its last ones."""
REDRAW_S: Final = 0.1
"""Minimum seconds between two updates of the bar alone. A file is sent faster than a terminal can be drawn."""
BAR_COLUMNS: Final = 30
LEAST_BAR_COLUMNS: Final = 12
"""Columns that are left to the bar, and a blank on either side, when the numbers are chosen."""
TITLE_COLUMNS: Final = 40
NUMBER_COLUMNS: Final = 30
"""Columns that a long name leaves to the rest of the line."""

Place = tuple[int, int]
"""The number of a recording, from 1, and how many there are."""


class Glyphs(NamedTuple):
    """Characters of the bar, for audio that is committed, sent, and still to be sent."""

    committed: str
    sent: str
    pending: str


UNICODE_BAR: Final = Glyphs("━", "─", "·")
ASCII_BAR: Final = Glyphs("=", "-", ".")


class Lines(Protocol):
    """Writer of the permanent lines: a `PlainDisplay`."""

    def start(self, name: str, duration_s: float | None, place: Place | None = None) -> None: ...

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
        self._progress = new_progress("", None, None)
        self._began_at = 0.0
        self._drawn_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Erase the live region and restore the cursor."""
        self._erase()

    def start(self, name: str, duration_s: float | None, place: Place | None = None) -> None:
        """Begin a recording with an empty live region."""
        self._erase()
        self._lines.start(name, duration_s)  # without its place: progress is shown here
        self._partial = None
        self._progress = new_progress(name, duration_s, place)
        self._began_at = self._clock()
        self._draw()

    def progress(self, sent_s: float, committed_s: float) -> None:
        """Update the bar, at most once in `REDRAW_S` seconds."""
        self._progress = self._progress._replace(sent_s=sent_s, committed_s=committed_s)
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
            self._progress._replace(elapsed_s=self._drawn_at - self._began_at),
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


def new_progress(name: str, duration_s: float | None, place: Place | None) -> Progress:
    """Return the progress of a recording that begins."""
    number, total = place or (1, 1)
    return Progress(
        name=name, number=number, total=total, duration_s=duration_s, sent_s=0.0, committed_s=0.0, elapsed_s=0.0
    )


def progress_line(progress: Progress, *, width: int, glyphs: Glyphs) -> Text:
    """Return the recording, the bar and the numbers, as many of them as there are ``width`` columns for.

    The bar tells how much of the audio is committed, how much sent, and how much is still to come. Without a duration
    there is none.
    """
    title = Text(progress.title, overflow="ellipsis" if glyphs is UNICODE_BAR else "crop", end="")
    if width > NUMBER_COLUMNS:
        title.truncate(min(TITLE_COLUMNS, width - NUMBER_COLUMNS))
    else:
        title = Text()
    numbers = _fitting(progress.facts(), width - title.cell_len - LEAST_BAR_COLUMNS)
    bar = _bar(progress, min(BAR_COLUMNS, width - title.cell_len - len(numbers) - 2), glyphs)
    line = Text(" ").join(part for part in (title, bar, Text(numbers)) if part.cell_len)
    line.truncate(max(1, width))
    return line


def _fitting(facts: Sequence[str], columns: int) -> str:
    """Return the facts that fit, and the first one in any case."""
    text = facts[0]
    for fact in facts[1:]:
        if len(text) + 2 + len(fact) > columns:
            break
        text += f"  {fact}"
    return text


def _bar(progress: Progress, columns: int, glyphs: Glyphs) -> Text:
    if not progress.duration_s or columns <= 0:
        return Text()
    sent = round(columns * min(1.0, progress.sent_s / progress.duration_s))
    committed = min(sent, round(columns * min(1.0, progress.committed_s / progress.duration_s)))
    return Text.assemble(
        (glyphs.committed * committed, "green"),
        glyphs.sent * (sent - committed),
        (glyphs.pending * (columns - sent), "dim"),
    )
