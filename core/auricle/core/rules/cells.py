"""What the tables of both roles are written with: one letter for each state, how a row is made, and shared outcomes."""

from collections.abc import Mapping
from typing import Final

from auricle.core.outcomes import Cell, Effect, Ignore, Outcome, Rule, Violation
from auricle.core.states import State

C, R, S, I, D, X = (  # noqa: E741 - one letter a state keeps a table row on one line
    State.CONNECTING,
    State.READY,
    State.STREAMING,
    State.INPUT_ENDED,
    State.DRAINING,
    State.CLOSED,
)
OPEN: Final = (C, R, S, I, D)

GONE: Final = Ignore("the session is closed; this crossed on the wire")
NOT_ARMED: Final = Ignore("not armed in this state")
NO_START: Final = Violation("config_required", "the first message must be start")
NOT_OPEN: Final = Violation("protocol_violation", "the session is not ready")
READY_TWICE: Final = Violation("protocol_violation", "the session is ready already")


def row(default: Outcome | Cell, cells: Mapping[State, Outcome | Cell]) -> dict[State, Cell]:
    """Return a row: ``cells`` by state, ``default`` for the other open states; a closed session ignores."""
    row = {state: cell_of(default) for state in OPEN} | {X: cell_of(GONE)}
    return row | {state: cell_of(cell) for state, cell in cells.items()}


def cell_of(cell: Outcome | Cell) -> Cell:
    return (cell,) if isinstance(cell, Rule | Ignore | Violation) else cell


CLOSE_TIMER: Final = row(Ignore("there is more to say"), {X: Rule((Effect.START_CLOSE_TIMER,))})
TIMER_LATE: Final = row(Rule((Effect.GRANT_GRACE,)), {X: Rule((Effect.GRANT_GRACE,))})
