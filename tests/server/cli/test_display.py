"""What a terminal shows and what a pipe reads. Codes are judged by their effect: the terminal is a small emulator."""

import io
import re
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from auricle.core.messages import Final, Partial
from auricle.server.cli.display import PlainDisplay, choose_display
from auricle.server.cli.live_display import ASCII_BAR, LiveDisplay, partial_lines, progress_line
from auricle.server.cli.progress import Progress

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def final(text: str) -> Final:
    return Final(seq=1, segment=0, text=text, start=0, end=1, confidence=0.9, audio=(0, 1), reason="endpoint")


def partial(text: str, stable: int = 0) -> Partial:
    return Partial(segment=0, rev=1, text=text, start=0, end=1, stable=stable)


class Terminal(io.StringIO):
    """A terminal that remembers all it was sent and can say what it shows."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        """Return the lines on the screen, interpreting what rich sends: CR, LF, cursor up, erase line."""
        lines, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if part == "\r":
                column = 0
            elif part == "\n":
                row, column = row + 1, 0
                if row == len(lines):
                    lines.append("")
            elif part.endswith("A"):
                row -= int(part[2:-1] or 1)
            elif part == "\x1b[2K":
                lines[row] = ""
            elif not part.startswith("\x1b"):
                lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
                column += len(part)
        return [each for each in lines if each]

    def cursor_is_visible(self) -> bool:
        return self.getvalue().count("\x1b[?25l") == self.getvalue().count("\x1b[?25h")


class Pipe(io.StringIO):
    """A pipe that counts how often it was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def live(terminal: Terminal, *, width: int = 60, tick_s: float = 1.0) -> LiveDisplay:
    ticks = count(0.0, tick_s)
    console = Console(file=terminal, force_terminal=True, width=width, height=20, color_system=None)
    return LiveDisplay(PlainDisplay(stdout=terminal, stderr=terminal), console, clock=lambda: next(ticks))


# ------------------------------------------------------------------------------------------------ plain


def test_a_pipe_gets_finals_a_line_each_and_at_once() -> None:
    stdout, stderr = Pipe(), Pipe()
    with choose_display(stdout, stderr) as display:
        display.start("hello.wav", 3.5)
        display.progress(1.0, 0.5)
        display.partial(partial("hel"))
        display.final(final("hello\nworld\x1b[2J"))
        assert (stdout.getvalue(), stdout.flushes) == ("hello world[2J\n", 1)
        display.final(final(" "))
        display.note("The server is loading\x07.")
        display.finish("hello.wav: done")
    assert stdout.getvalue() == "hello world[2J\n"
    assert stderr.getvalue() == "The server is loading.\nhello.wav: done\n"


def test_several_recordings_have_headings_in_a_pipe() -> None:
    stdout = Pipe()
    with choose_display(stdout, Pipe(), recordings=2) as display:
        for name in ("a.wav", "b.wav"):
            display.start(name, None)
            display.final(final(name[0]))
    assert stdout.getvalue() == "# a.wav\na\n# b.wav\nb\n"


def test_a_transcript_that_goes_elsewhere_is_not_shown() -> None:
    stderr = Pipe()
    with choose_display(None, stderr, recordings=2) as display:
        display.start("a.wav", None)
        display.final(final("hello"))
        display.finish("done")
    assert stderr.getvalue() == "done\n"


def test_who_gets_a_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose_display(Terminal(), Terminal()), LiveDisplay)
    assert isinstance(choose_display(Terminal(), Pipe()), LiveDisplay)
    assert isinstance(choose_display(None, Terminal()), LiveDisplay)
    assert isinstance(choose_display(Pipe(), Terminal()), PlainDisplay)
    assert isinstance(choose_display(Pipe(), Pipe()), PlainDisplay)
    assert isinstance(choose_display(None, Pipe()), PlainDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_display(Terminal(), Terminal()), PlainDisplay)


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_nothing_in_the_environment_puts_codes_into_a_pipe(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    assert isinstance(choose_display(Pipe(), Terminal()), PlainDisplay)


# ------------------------------------------------------------------------------------------------ live


def test_the_open_segment_is_rewritten_and_finals_stay() -> None:
    terminal = Terminal()
    with live(terminal) as display:
        display.start("hello.wav", 4.0)
        display.partial(partial("hello"))
        display.partial(partial("hello and well"))
        display.progress(2.0, 1.0)
        bar = "hello.wav ━━━───······· 25 %  1.0 of 4.0 s  0.2 x real time"
        assert terminal.screen() == ["hello and well", bar]
        display.final(final("hello and welcome"))
        assert terminal.screen() == ["hello and welcome", bar]
        display.partial(partial("every"))
        display.note("A note.")
        assert terminal.screen() == ["hello and welcome", "A note.", "every", bar.replace("0.2 x", "0.1 x")]
        display.finish("hello.wav: done")
    assert terminal.screen() == ["hello and welcome", "A note.", "hello.wav: done"]
    assert terminal.cursor_is_visible()


def test_an_exception_gives_the_terminal_back() -> None:
    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt):
        interrupted(live(terminal))
    assert terminal.screen() == []
    assert terminal.cursor_is_visible()


def interrupted(display: LiveDisplay) -> None:
    with display:
        display.start("microphone", None)
        display.partial(partial("hello"))
        raise KeyboardInterrupt


def test_two_recordings_one_after_the_other() -> None:
    terminal = Terminal()
    with live(terminal) as display:
        for name in ("a", "b"):
            display.start(name, 1.0)
            display.partial(partial("left over"))
            display.finish(f"{name}: done")
        display.start("c", None)
        assert terminal.screen() == ["a: done", "b: done", "c 0.0 s"]
        display.note("Still here.")
    assert terminal.screen() == ["a: done", "b: done", "Still here."]


def test_the_bar_is_not_drawn_for_every_chunk() -> None:
    terminal = Terminal()
    with live(terminal, tick_s=0.001) as display:
        display.start("a", 100.0)
        before = len(terminal.getvalue())
        for chunk in range(1000):
            display.progress(chunk / 10, 0.0)
        assert len(terminal.getvalue()) - before < 20 * 200


def test_what_is_stable_is_plain_and_the_rest_dim() -> None:
    console = Console(file=io.StringIO(), width=80)
    (line,) = partial_lines(partial("hello [bold]and :smile: wel", stable=6), console)
    assert line.plain == "hello [bold]and :smile: wel"
    assert [(span.start, span.end, span.style) for span in line.spans] == [(6, 27, "dim")]


@pytest.mark.parametrize(("variable", "coloured"), [("NO_COLOR", False), ("IGNORED", True)])
def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch, variable: str, coloured: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(variable, "1")
    terminal = Terminal()
    with choose_display(terminal, terminal) as display:
        display.start("a", 1.0)
        display.progress(1.0, 1.0)
        display.partial(partial("hello"))
    assert ("\x1b[32m" in terminal.getvalue()) is coloured


@given(st.text(max_size=300), st.integers(0, 300), st.integers(1, 60))
def test_a_partial_fits_any_terminal_and_shows_its_end(text: str, stable: int, width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    lines = partial_lines(partial(text, stable), console)
    assert len(lines) <= 2
    for line in lines:
        assert cell_len(line.plain) <= max(2, width)
        assert not CONTROL.search(line.plain)
    visible = re.sub(r"\s", "", text)
    if visible.isascii() and visible.isprintable() and visible:
        assert "".join(lines[-1].plain.split()).endswith(visible[-1])


def test_a_long_partial_shows_its_tail_in_a_narrow_terminal() -> None:
    terminal = Terminal()
    with live(terminal, width=20) as display:
        display.start("a", 100.0)
        display.partial(partial("every word that you say is written down at once", 10))
        shown = terminal.screen()
    assert [each.rstrip() for each in shown] == ["… written down at", "once", "·············· 0 %"]
    assert all(len(each) < 20 for each in shown)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    class Old(Terminal):
        encoding = "ascii"  # type: ignore[assignment]

    terminal = Old()
    with live(terminal, width=70) as display:
        display.start("a", 1.0)
        display.progress(1.0, 0.5)
        display.partial(partial("word " * 50))
        display.final(final("né"))
        assert terminal.getvalue().isascii()
        assert terminal.screen()[0] == "n?"


def progress(**more: Any) -> Progress:
    known = {"name": "talk.m4a", "number": 1, "total": 1, "duration_s": 600.0, "sent_s": 0.0, "committed_s": 0.0}
    return Progress(**{**known, "elapsed_s": 0.0, **more})


def bar(progress: Progress, width: int = 100) -> str:
    return progress_line(progress, width=width, glyphs=ASCII_BAR).plain


def test_the_bar_tells_the_file_its_number_percent_speed_and_times() -> None:
    now = progress(number=2, total=50, sent_s=300.0, committed_s=150.0, elapsed_s=50.0)
    assert bar(now) == "talk.m4a (2 of 50) " + "=" * 4 + "-" * 4 + "." * 9 + (
        " 25 %  150.0 of 600.0 s  3.0 x real time  2:30 left  0:50 passed"
    )
    assert now.line() == ("talk.m4a (2 of 50): 25 %, 150.0 of 600.0 s, 3.0 x real time, 2:30 left, 0:50 passed")
    assert (
        bar(progress(duration_s=None, committed_s=9.0, elapsed_s=3.0)) == "talk.m4a 9.0 s  3.0 x real time  0:03 passed"
    )
    assert bar(progress(elapsed_s=1.0, sent_s=600, committed_s=700)).startswith("talk.m4a ====")
    assert "100 %" in bar(progress(committed_s=700))


seconds = st.integers(0, 10**6)


@given(st.text(max_size=80), st.integers(1, 200), seconds, seconds, seconds)
def test_the_bar_fits_any_terminal(name: str, width: int, duration: int, committed: int, elapsed: int) -> None:
    now = progress(name=name, duration_s=duration, sent_s=committed, committed_s=committed, elapsed_s=elapsed)
    assert cell_len(bar(now, width)) <= max(2, width)
    assert not CONTROL.search(bar(now, width))


def test_a_log_gets_a_line_now_and_then() -> None:
    now = 100.0
    stdout, stderr = Pipe(), Pipe()
    with PlainDisplay(stdout=stdout, stderr=stderr, clock=lambda: now) as display:
        display.start("talk.m4a", 600.0, (2, 50))
        for now in range(101, 166):  # the clock reads it
            display.progress((now - 100) * 10.0, (now - 100) * 5.0)
        display.finish("talk.m4a: done")
        display.start("microphone", None)
        now = 1_000
        display.progress(600.0, 600.0)
    assert stderr.getvalue().splitlines() == [
        "talk.m4a (2 of 50): 25 %, 150.0 of 600.0 s, 5.0 x real time, 1:30 left, 0:30 passed",
        "talk.m4a (2 of 50): 50 %, 300.0 of 600.0 s, 5.0 x real time, 1:00 left, 1:00 passed",
        "talk.m4a: done",
    ]


@given(st.text())
def test_no_final_can_write_codes(text: str) -> None:
    stdout = Pipe()
    PlainDisplay(stdout=stdout, stderr=stdout).final(final(text))
    assert not CONTROL.search(stdout.getvalue())
    assert stdout.getvalue().count("\n") <= 1
