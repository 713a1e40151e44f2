"""``auricle replay``: step the protocol core through a trace, and report where it diverges."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from auricle.core.trace import Divergence, Replay, TraceError, dialogue, replay
from auricle.server.cli.exit_codes import Exit
from auricle.server.printable import printable, write_line

CONTEXT: Final = 20
"""Lines of the conversation shown before a divergence."""
WIDTH: Final = 300
"""Characters shown of a line, unless the whole conversation is printed."""


class Request(NamedTuple):
    """The arguments of the command."""

    file: str
    conversation: bool
    """Whether to print the whole conversation."""
    save: str | None
    """File to write the trace to, as this version records it; None: do not write it."""


async def replay_trace(request: Request) -> Exit:
    """Replay a trace: exit status 0 when it agrees, 1 when it diverges or ends with a call that raised, 2 when it
    cannot be replayed.
    """
    try:
        result = replay(_read(request.file))
        if request.save is not None:
            _write(request.save, result.renewed)
    except OSError as error:
        return _bad_input(f"{error.filename}: {error.strerror or error}.")
    except TraceError as error:
        return _bad_input(f"{request.file} is not a trace that can be replayed: {error}.")
    if request.conversation:
        _print_lines(dialogue(result.header, result.calls))
    elif result.divergences:
        _print_lines(_shortened(line) for line in _context(result, result.divergences[0]))
    _print_lines(_result_lines(request.file, result))
    return Exit.INCOMPLETE if result.divergences or _last_raised(result) else Exit.GOOD


def _last_raised(result: Replay) -> str | None:
    """Return what the last call raised that was recorded, as a sentence; None where it returned."""
    last = result.calls[-1] if result.calls else None
    if last is None or last.raised is None:
        return None
    return (
        f"The trace ends with a call that raised: {last.verb} at line {len(result.calls) + 1}, "
        f"{last.raised.get('type')}: {last.raised.get('why')}"
    )


def _read(file: str) -> str:
    """Return the text of a file. Invalid UTF-8 is replaced, and then rejected as invalid JSON."""
    return Path(file).read_bytes().decode(errors="replace")


def _write(file: str, lines: Iterable[str]) -> None:
    Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _context(result: Replay, divergence: Divergence) -> list[str]:
    """Return the last lines of the conversation before a divergence."""
    lines = list(dialogue(result.header, result.calls[: divergence.line - 1]))
    left_out = len(lines) - CONTEXT
    return lines if left_out <= 0 else [f"… {left_out} lines before, with --conversation …", *lines[left_out:]]


def _result_lines(file: str, result: Replay) -> Iterable[str]:
    if result.truncated:
        yield f"{file}: the last line was cut off and left out."
    role = result.header.role.value
    raised = _last_raised(result)
    if raised is not None:
        yield f"{file}: {raised}"
    if not result.divergences:
        also = "" if raised is None else ", and the last one raises here as well"
        yield f"{file}: the {role}'s {len(result.calls)} calls replay exactly{also}."
        return
    first, *others = result.divergences
    what = "the session begins otherwise" if first.verb is None else f"{first.verb} does otherwise"
    yield f"{file}: diverges at line {first.line}: {what} than the {role} did."
    yield from (f"  {_shortened(difference)}" for difference in first.differences)
    if others:
        yield f"  {len(others)} later lines differ too, perhaps because of it."


def _shortened(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        write_line(sys.stdout, printable(line))


def _bad_input(sentence: str) -> Exit:
    print(printable(sentence), file=sys.stderr)
    return Exit.BAD_INPUT
