"""The tables of the specification, as Markdown."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from auricle.core import limits
from auricle.core.errors import ABNORMAL_CLOSURE, ERROR_CODES
from auricle.core.messages import Configure, Start
from auricle.core.outcomes import Cell, Ignore, Outcome, Rule, Violation
from auricle.core.rules import TABLE
from auricle.core.schema import MAX_INTEGER, MaxLength, Range
from auricle.core.states import Kind, Role, Side, State
from spec import json_schema, model
from spec.model import Field, Shape
from spec.source import attribute_docs, warnings_said

CORE: Final = Path(limits.__file__).parent
MARKS: Final = {"rule": "✓", "ignore": "·", "violation": "✗"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# ---------------------------------------------------------------------------- messages


def client_sections() -> str:
    """Return a section for each message of a client: what it is for, and its fields."""
    return "\n\n".join(_section(shape, None) for shape in model.client_messages())


def server_sections() -> str:
    """Return the same for a server, whose messages are durable or ephemeral."""
    return "\n\n".join(
        _section(shape, "durable" if shape.durable else "ephemeral") for shape in model.server_messages()
    )


def part_sections() -> str:
    """Return a section for each object that is a field of a message."""
    return "\n\n".join(_section(shape, None) for shape in model.parts())


def _section(shape: Shape, kind: str | None) -> str:
    known_by = f"`{shape.name}`" + (f" ({kind})" if kind else "")
    rows = [[f"`{field.name}`", type_in_words(field), presence(field), field.doc] for field in shape.fields]
    if shape.cls is Configure:
        rows += [[f"`set.{name}`", kind, "optional", "As in `start`."] for name, kind in _changes()]
    fields = table(["field", "type", "presence", "meaning"], rows) if rows else "No fields."
    return f"#### {known_by}\n\n{shape.doc}\n\n{fields}"


def _changes() -> list[tuple[str, str]]:
    start = model.shape(Start)
    fields = {field.name: field for field in start.fields}
    return [
        (name, type_in_words(fields[name]._replace(required=True), nullable=True)) for name in json_schema.changes()
    ]


def type_in_words(field: Field, *, nullable: bool = False) -> str:
    """Return the type of a field with its limits, as one would say it."""
    words = _words(field.annotation)
    if model.is_choice(field.annotation) and not field.required:
        words += " (any other word counts as absent)"
    return words + (", or null" if nullable and not words.endswith("or null") else "")


def _words(annotation: Any) -> str:
    inner, bounds, optional = model.bare(annotation)
    words = _inner(inner) + "".join(_bound(bound, inner) for bound in bounds)
    return f"{words}, or null" if optional else words


def _inner(inner: Any) -> str:
    origin = get_origin(inner)
    if origin is Literal:
        return " / ".join(f"`{word}`" for word in get_args(inner))
    if origin is tuple:
        items = get_args(inner)
        count = "" if items[-1] is Ellipsis else f"{len(items)} "
        return f"list of {count}({_words(items[0])})"
    if dataclasses.is_dataclass(inner):
        assert isinstance(inner, type)
        return f"[`{inner.__name__}`](#{inner.__name__.lower()})"
    return {str: "string", int: "integer", float: "number", bool: "boolean"}.get(inner, "object")


def _bound(bound: object, inner: Any) -> str:
    match bound:
        case Range(low, high) if high == MAX_INTEGER:
            return f" ≥ {number(low)}"
        case Range(low, high):
            return f" {number(low)} to {number(high)}"
        case MaxLength(length):
            return f" of at most {length} characters" if inner is str else f", at most {length} items"
        case _:
            raise AssertionError(f"no words for {bound!r}")


def presence(field: Field) -> str:
    """Return whether a field has to be there, and what its absence means."""
    if field.required:
        return "**required**"
    default = json_schema.plain_default(field)
    return "optional" if default is None or default in ([], {}) else f"optional; `{json.dumps(default)}`"


def number(value: float) -> str:
    """Return a number as people write it."""
    return str(int(value)) if value == int(value) else str(value)


# ---------------------------------------------------------------------------- the rule table


def states() -> str:
    """Return what each state means."""
    return table(["state", "meaning"], [[f"`{state.value}`", _doc(state)] for state in State])


def overview(role: Role, side: Side) -> str:
    """Return one mark for each message and state; where it depends, one for each possible outcome."""
    head = [side.value, *(f"`{state.value}`" for state in State)]
    return table(head, [[names, *(_marks(row[state]) for state in State)] for names, row in _rows(role, side)])


def legality(role: Role, side: Side) -> str:
    """Return every cell of the rule table in words; states with the same cell share a line.

    What most rows say of a closed session is said once, behind the table.
    """
    lines, rows = [], _rows(role, side)
    usual = Counter(row[State.CLOSED] for _, row in rows).most_common(1)[0][0]
    for names, row in rows:
        groups: dict[Cell, list[State]] = {}
        for state in State:
            groups.setdefault(row[state], []).append(state)
        for index, (cell, where) in enumerate(groups.items()):
            if where != [State.CLOSED] or cell != usual:
                lines.append([names if index == 0 else "", _where(where), _cell(cell)])
    told = table(["what", "in", "what happens"], lines)
    return f"{told}\n\nEverything else in `{State.CLOSED.value}`: {_cell(usual)}."


def _rows(role: Role, side: Side) -> list[tuple[str, Mapping[State, Cell]]]:
    """Return the rows of the rule table; those with the same cells are one, with all their names."""
    together: dict[tuple[Cell, ...], list[Kind]] = {}
    for kind, row in TABLE[role, side].items():
        together.setdefault(tuple(row[state] for state in State), []).append(kind)
    return [
        (", ".join(map(kind_name, kinds)), dict(zip(State, cells, strict=True))) for cells, kinds in together.items()
    ]


def kind_name(kind: Kind) -> str:
    """Return how a table row is called: by its message type, or in words."""
    special = {
        Kind.AUDIO: "*(binary)*",
        Kind.FATAL: "`error` with `fatal` true",
        Kind.ERROR: "`error` with `fatal` false",
        Kind.UNKNOWN: "any unknown type",
        Kind.MALFORMED: "what is no message",
    }
    return special.get(kind, kind.value if " " in kind.value else f"`{kind.value}`")


def _where(where: Sequence[State]) -> str:
    if len(where) == len(State):
        return "any state"
    if set(where) == set(State) - {State.CLOSED}:
        return "any state but `closed`"
    return ", ".join(f"`{state.value}`" for state in where)


def _marks(cell: Cell) -> str:
    marks = [_mark(outcome) for outcome in cell]
    return " / ".join(dict.fromkeys(marks))


def _mark(outcome: Outcome) -> str:
    match outcome:
        case Rule(next=state):
            return MARKS["rule"] + (f" → {state.value}" if state else "")
        case Ignore():
            return MARKS["ignore"]
        case Violation(code=code):
            return MARKS["violation"] + (f" {code}" if code else "")


def _cell(cell: Cell) -> str:
    return "<br>".join(_condition(outcome, index) + _outcome(outcome) for index, outcome in enumerate(cell))


def _condition(outcome: Outcome, index: int) -> str:
    if outcome.when is not None:
        return f"if {outcome.when.value}: "
    return "otherwise: " if index else ""


def _outcome(outcome: Outcome) -> str:
    match outcome:
        case Rule(effects=effects, next=state):
            done = "; ".join(effect.value for effect in effects)
            return f"{MARKS['rule']} {done}" + (f" → **`{state.value}`**" if state else "")
        case Ignore(why=why):
            return f"{MARKS['ignore']} ignored: {why}"
        case Violation(code=code, why=why):
            return f"{MARKS['violation']} {f'`{code}`: ' if code else ''}{why}"


def _doc(member: Enum) -> str:
    return attribute_docs(type(member)).get(member.name, "")


# ---------------------------------------------------------------------------- limits and errors


def limit_table() -> str:
    """Return every constant with its default, its unit, and whether ``ready.limits`` tells it."""
    defaults = limits.Limits()
    rows = []
    for field in dataclasses.fields(defaults):
        value, unit = getattr(defaults, field.name), unit_of(field.name)
        shown = "none" if value == float("inf") else number(value)
        rows.append([f"`{field.name}`", shown, unit, model.field_doc(limits.Limits, "Limits", field.name)])
    return table(["name", "default", "unit", "meaning"], rows)


def unit_of(name: str) -> str:
    """Return the unit a limit's name ends in."""
    endings_: Mapping[str, str] = {"_per_s": "per second", "_s": "s", "_ms": "ms", "_bytes": "bytes"}
    return next((unit for ending, unit in endings_.items() if name.endswith(ending)), "")


def error_table() -> str:
    """Return every error code that may be said on the wire."""
    rows = [
        [f"`{code}`", str(row.status), _yes(row.fatal), _yes(row.retriable), str(row.close_code) if row.fatal else "–"]
        for code, row in ERROR_CODES.items()
        if row.close_code != ABNORMAL_CLOSURE
    ]
    return table(["code", "status", "fatal", "retriable", "close code"], rows)


def verdict_table() -> str:
    """Return the codes that a client comes to by itself."""
    rows = [
        [f"`{code}`", _yes(row.retriable)] for code, row in ERROR_CODES.items() if row.close_code == ABNORMAL_CLOSURE
    ]
    return table(["code", "retriable"], rows)


def warning_table() -> str:
    """Return the warnings that the core says by itself."""
    return table(["code", "text"], [[f"`{code}`", text] for code, text in warnings_said(CORE).items()])


def ranges(codes: Iterable[int]) -> str:
    """Return close codes in order, ranges as ranges."""
    runs = list[list[int]]()
    for code in sorted(codes):
        if runs and runs[-1][-1] == code - 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _yes(value: object) -> str:
    return "yes" if value else "no"
