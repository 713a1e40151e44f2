"""What of the rule table an exploration has used: every choice of an outcome, heard where it is made.

What is never used must be declared here, with the reason; an exploration that uses it all the same, or leaves
something else unused, is a failure of this list.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from auricle.core import machine
from auricle.core.outcomes import Effect, Guard, Outcome, Rule
from auricle.core.rules import TABLE
from auricle.core.snapshot import Snapshot
from auricle.core.states import RESERVED, Kind, Role, Side, State
from auricle.core.stimuli import Stimulus


class Choice(NamedTuple):
    """One outcome of one cell."""

    role: Role
    side: Side
    kind: Kind
    state: State
    index: int

    def __str__(self) -> str:
        return f"{self.role.value} {self.side.value} {self.kind.name} in {self.state.name}, outcome {self.index}"


def everything() -> dict[Choice, Outcome]:
    """Return every outcome there is."""
    return {
        Choice(role, side, kind, state, index): outcome
        for (role, side), rows in TABLE.items()
        for kind, cells in rows.items()
        for state, cell in cells.items()
        for index, outcome in enumerate(cell)
    }


@contextmanager
def heard() -> Iterator[set[Choice]]:
    """Note every choice that `step` makes while the block runs."""
    choices: set[Choice] = set()
    decide = machine._decide

    def noting(s: Snapshot, stimulus: Stimulus, side: Side, kind: Kind) -> Outcome:
        outcome = decide(s, stimulus, side, kind)
        cell = TABLE[s.role, side][kind][s.state]
        choices.add(Choice(s.role, side, kind, s.state, next(n for n, one in enumerate(cell) if one is outcome)))
        return outcome

    machine._decide = noting
    try:
        yield choices
    finally:
        machine._decide = decide


def effects(choices: set[Choice]) -> set[tuple[Role, Effect]]:
    """Return the effects that were run, each with who ran it."""
    table = everything()
    used = ((choice.role, table[choice]) for choice in choices)
    return {(role, effect) for role, outcome in used if isinstance(outcome, Rule) for effect in outcome.effects}


def guards(choices: set[Choice]) -> set[Guard]:
    """Return the guards that held."""
    table = everything()
    return {guard for choice in choices if (guard := table[choice].when) is not None}


def why_not(choice: Choice, outcome: Outcome) -> str | None:
    """Return why two correct sides never come to this choice; None where they do."""
    for why, matches in _NEVER.items():
        if matches(choice, outcome):
            return why
    return None


_OTHER_TESTS: Final = frozenset({*RESERVED, Kind.UNKNOWN, Kind.MALFORMED})
_HOURS: Final = frozenset({Kind.LASTED, Kind.EXPIRY_NEAR, Kind.AUDIO_IDLE, Kind.STATS_DUE, Kind.STATS})
