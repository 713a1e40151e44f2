"""What the diagrams show as arrows: every change of state, and every move of the attachment, from the rule tables."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from auricle.core.outcomes import Cell, Move, Outcome, Rule, Violation
from auricle.core.rules import AFTER_VIOLATION, TABLE
from auricle.core.rules.attachment import ATTACHMENTS, MOVES
from auricle.core.states import PEER_TIMEOUTS, Kind, Role, Side, State

BREACH: Final = "hears what breaks the protocol"
OPEN: Final = tuple(state for state in State if state is not State.CLOSED)


class Edge(NamedTuple):
    """One arrow: from any node but the last where ``source`` is None."""

    source: Enum | None
    target: Enum
    causes: tuple[str, ...]


class Automaton(NamedTuple):
    """What one diagram shows. The last node is where everything ends; ``whole`` is what all others are together."""

    title: str
    whole: str
    nodes: tuple[Enum, ...]
    edges: tuple[Edge, ...]

    def as_text(self) -> str:
        """Return the same as sentences, for whoever does not see the picture."""
        return " ".join(f"{self.ends(edge)}: {'; '.join(edge.causes)}." for edge in self.edges)

    def ends(self, edge: Edge) -> str:
        """Return from where to where an arrow leads."""
        return f"{edge.source.value if edge.source else f'any {self.whole}'} → {edge.target.value}"


def states(role: Role) -> Automaton:
    """Return the states of one side with every change, what leads from any open state to the same place together."""
    return Automaton(f"The states of a {role.value}", "open state", tuple(State), _edges(role))


def attachments(role: Role) -> Automaton:
    """Return what one side has of a connection with every move."""
    nodes = ATTACHMENTS[role]
    found: dict[tuple[Enum, Enum], list[str]] = {}
    for event, row in MOVES[role].items():
        for source, outcome in row.items():
            if isinstance(outcome, Move) and outcome.next is not source:
                found.setdefault((source, outcome.next), []).append(event.value)
    return Automaton(f"What a {role.value} has of a connection", "attachment", nodes, tuple(_fold(found, nodes)))


def _edges(role: Role) -> tuple[Edge, ...]:
    found: dict[tuple[Enum, Enum], list[str]] = {}
    for side in (Side.HEAR, Side.SAY, Side.LOCAL):
        for kind, row in TABLE[role, side].items():
            for source, cell in row.items():
                for index, outcome in enumerate(cell):
                    target, cause = _change(side, kind, outcome)
                    if target not in (None, source) and source is not AFTER_VIOLATION:
                        assert target is not None
                        causes = found.setdefault((source, target), [])
                        if cause == BREACH:
                            _note(causes, cause)
                        else:
                            _note(causes, cause + _condition(cell[: index + 1]))
    return tuple(_fold(found, tuple(State)))


def _change(side: Side, kind: Kind, outcome: Outcome) -> tuple[State | None, str]:
    """Return the state that an outcome leads to (None: the same), and what brings it about."""
    match outcome:
        case Rule(next=target):
            return target, _cause(side, kind)
        case Violation() if side is Side.HEAR:
            return AFTER_VIOLATION, BREACH
        case Violation() if kind in PEER_TIMEOUTS:
            return AFTER_VIOLATION, kind.value
        case _:
            return None, ""


def _condition(outcomes: Cell) -> str:
    """Return under what condition the last of these outcomes is taken."""
    *earlier, last = outcomes
    if last.when is not None:
        return f", if {last.when.value}"
    unless = " or ".join(outcome.when.value for outcome in earlier if outcome.when is not None)
    return f", unless {unless}" if unless else ""


def _note(causes: list[str], cause: str) -> None:
    if cause not in causes:
        causes.append(cause)


def _cause(side: Side, kind: Kind) -> str:
    if side is Side.LOCAL:
        return kind.value
    name = {Kind.AUDIO: "audio", Kind.FATAL: "fatal error"}.get(kind, kind.value)
    return f"{'says' if side is Side.SAY else 'hears'} {name}"


def _fold(found: Mapping[tuple[Enum, Enum], Sequence[str]], nodes: Sequence[Enum]) -> list[Edge]:
    """Give each pair of nodes one arrow, and all that leads to the last one together, from the frame."""
    *others, last = nodes
    pairs = [(source, target) for source in nodes for target in others if found.get((source, target))]
    endings: dict[str, list[Enum]] = {}
    for node in others:
        for cause in found.get((node, last), ()):
            endings.setdefault(cause, []).append(node)
    order = sorted(endings.items(), key=lambda ending: -len(ending[1]))  # what may happen anywhere comes first
    causes = tuple(cause + ("" if len(where) == len(others) else _limited_to(where)) for cause, where in order)
    return [
        *(Edge(source, target, tuple(found[source, target])) for source, target in pairs),
        Edge(None, last, causes),
    ]


def _limited_to(where: Sequence[Enum]) -> str:
    return f" (in {', '.join(node.value for node in where)})"
