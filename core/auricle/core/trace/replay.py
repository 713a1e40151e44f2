"""`replay`: repeat the calls of a trace on a new session, and report where the outcome differs. No I/O."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from auricle.core.client import ClientSession
from auricle.core.server import ServerSession
from auricle.core.session import Session
from auricle.core.states import Role
from auricle.core.trace.differences import differences
from auricle.core.trace.lines import Call, Header, TraceWriter, dumps, parse_call, parse_header
from auricle.core.trace.observer import verbs, watch
from auricle.core.trace.values import TraceError, from_json

_KINDS: Final[Mapping[Role, Callable[..., Session]]] = {Role.CLIENT: ClientSession, Role.SERVER: ServerSession}


class Divergence(NamedTuple):
    """A line whose outcome differs from the recorded one."""

    line: int
    """Counted from 1."""
    verb: str | None
    """None: the new session differs before any call."""
    differences: tuple[str, ...]
    """One sentence each."""


class Replay(NamedTuple):
    """The result of a replay."""

    header: Header
    calls: tuple[Call, ...]
    """As recorded."""
    divergences: tuple[Divergence, ...]
    """In order. After the first one the others may be its consequences."""
    truncated: bool
    """The last line was cut off, as by a crash; it was left out."""
    renewed: tuple[str, ...]
    """The trace as it would be recorded now."""


def replay(text: str) -> Replay:
    """Repeat a trace on a new session. Raises `TraceError` for a text that this version cannot replay."""
    lines, truncated = _split(text)
    header = _located(1, parse_header, lines[0])
    calls = tuple(_located(number, parse_call, line) for number, line in enumerate(lines[1:], 2))
    renewed: list[str] = []
    session = _located(1, _make, header, renewed)
    known = verbs(type(session))
    for number, call in enumerate(calls, 2):
        _located(number, _repeat, session, known, call)
    return Replay(header, calls, tuple(_divergences(header, calls, renewed)), truncated, tuple(renewed))


def _split(text: str) -> tuple[Sequence[str], bool]:
    """Return the lines, and whether the last one was cut off: JSONL ends every line with a line feed, and only that."""
    lines = text.split("\n")
    last = lines.pop()
    if not last.strip():
        truncated = False
    else:
        try:
            parse_call(last)
        except TraceError:
            truncated = bool(lines)
        else:
            truncated = False
        if not truncated:
            lines.append(last)
    if not lines:
        raise TraceError("the trace is empty")
    return lines, truncated


def _located(number: int, work: Callable[..., Any], *arguments: object) -> Any:
    """Call ``work`` for a line; a `TraceError` gets the number of the line."""
    try:
        return work(*arguments)
    except TraceError as error:
        raise TraceError(f"line {number}: {error}") from None


def _make(header: Header, renewed: list[str]) -> Session:
    arguments = {name: from_json(value) for name, value in header.made.items()}
    try:
        session = _KINDS[header.role](**arguments, now=header.now)
    except Exception as error:
        raise TraceError(f"no {header.role.value} session can be made of it: {error}") from None
    scribe = TraceWriter(audio=header.audio, redactor=None, about=header.about)
    renewed.append(scribe.header(session.snapshot, {**arguments, "now": header.now}))
    watch(session, lambda happening: renewed.append(scribe.call(happening)))
    return session


def _repeat(session: Session, known: Container[str], call: Call) -> None:
    if call.verb not in known:
        raise TraceError(f"this version's {session.snapshot.role.value} has no verb {call.verb!r}")
    arguments = {name: from_json(value) for name, value in call.arguments.items()}
    try:
        getattr(session, call.verb)(**arguments, now=call.now)
    except Exception:
        return  # what a verb raises is an outcome like any other, and has been written down


def _divergences(header: Header, calls: Sequence[Call], renewed: Sequence[str]) -> Iterator[Divergence]:
    begun = parse_header(renewed[0]).state
    known = header.state.keys() & begun.keys()
    found = tuple(_fields(known, header.state, begun))
    if found:
        yield Divergence(1, None, found)
    for number, (recorded, line) in enumerate(zip(calls, renewed[1:], strict=True), 2):
        found = tuple(_differences(known, recorded, parse_call(line)))
        if found:
            yield Divergence(number, recorded.verb, found)


def _differences(known: Container[str], recorded: Call, now: Call) -> Iterator[str]:
    yield from differences("raised", recorded.raised, now.raised)
    for index in range(max(len(recorded.outputs), len(now.outputs))):
        one = recorded.outputs[index] if index < len(recorded.outputs) else None
        other = now.outputs[index] if index < len(now.outputs) else None
        yield from differences(f"output {index + 1}", one, other)
    yield from _fields(known, recorded.state, now.state)


def _fields(known: Container[str], recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Compare fields of the snapshot, those that the trace and this version both know."""
    for name in dict.fromkeys((*recorded, *now)):
        if name not in known:
            continue
        if name not in recorded:
            yield f"{name}: no change was recorded, now it is {dumps(now[name])}"
        elif name not in now:
            yield f"{name}: {dumps(recorded[name])} was recorded, now it does not change"
        else:
            yield from differences(name, recorded[name], now[name])
