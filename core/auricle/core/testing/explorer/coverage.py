"""Coverage of the rule tables by an exploration: every choice of an outcome, and every move of an attachment, is
recorded where `step` makes it.

What is never used must be declared here, with the reason; an exploration that uses it all the same, or leaves
something else unused, is a failure of this list.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from auricle.core import machine
from auricle.core.outcomes import Effect, Guard, Ignore, Move, Outcome, Rule, Violation
from auricle.core.rules import TABLE
from auricle.core.rules import attachment as attachment_rules
from auricle.core.snapshot import Snapshot
from auricle.core.states import PEER_TIMEOUTS, Attachment, AttachmentEvent, Kind, Role, Side, State
from auricle.core.stimuli import Stimulus
from auricle.core.testing.explorer.bounds import outside, unmoved


class Choice(NamedTuple):
    """One outcome of one cell."""

    role: Role
    side: Side
    kind: Kind
    state: State
    place: int

    def __str__(self) -> str:
        return f"{self.role.value} {self.side.value} {self.kind.name} in {self.state.name}, outcome {self.place}"


class Moved(NamedTuple):
    """One move of an attachment."""

    role: Role
    attachment: Attachment
    event: AttachmentEvent

    def __str__(self) -> str:
        return f"{self.role.value} {self.attachment.value}: {self.event.value}"


class Recorded(NamedTuple):
    """What `step` did while it was recorded."""

    choices: set[Choice]
    moves: set[Moved]


def every_move() -> Iterator[Moved]:
    """Yield every move that the attachment's table has."""
    for role, rows in attachment_rules.MOVES.items():
        for event, row in rows.items():
            for attachment, outcome in row.items():
                if isinstance(outcome, Move):
                    yield Moved(role, attachment, event)


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
def recorded() -> Iterator[Recorded]:
    """Record every choice that `step` makes, and every move of an attachment, while the block runs."""
    choices: set[Choice] = set()
    moves: set[Moved] = set()
    decide, move = machine._decide, attachment_rules.moved

    def moving(role: Role, attachment: Attachment, event: AttachmentEvent) -> Attachment:
        moves.add(Moved(role, attachment, event))
        return move(role, attachment, event)

    def noting(s: Snapshot, stimulus: Stimulus, side: Side, kind: Kind) -> Outcome:
        outcome = decide(s, stimulus, side, kind)
        cell = TABLE[s.role, side][kind][s.state]
        choices.add(Choice(s.role, side, kind, s.state, next(n for n, one in enumerate(cell) if one is outcome)))
        return outcome

    machine._decide, attachment_rules.moved = noting, moving
    try:
        yield Recorded(choices, moves)
    finally:
        machine._decide, attachment_rules.moved = decide, move


@contextmanager
def unrecorded() -> Iterator[None]:
    """Record nothing while the block runs: it asks what a session would do, not what it does."""
    noting, machine._decide = machine._decide, _DECIDE
    moving, attachment_rules.moved = attachment_rules.moved, _MOVED
    try:
        yield
    finally:
        machine._decide, attachment_rules.moved = noting, moving


_DECIDE: Final = machine._decide
_MOVED: Final = attachment_rules.moved


def effects(choices: set[Choice]) -> set[tuple[Role, Effect]]:
    """Return the effects that were run, each with the role that ran it."""
    table = everything()
    used = ((choice.role, table[choice]) for choice in choices)
    return {(role, effect) for role, outcome in used if isinstance(outcome, Rule) for effect in outcome.effects}


def guards(choices: set[Choice]) -> set[Guard]:
    """Return the guards that held."""
    table = everything()
    return {guard for choice in choices if (guard := table[choice].when) is not None}


def why_not(choice: Choice, outcome: Outcome) -> str | None:
    """Return why no exploration comes to this choice; None where one should."""
    if choice.kind in _OTHER_TESTS:
        return "no correct peer of this version says it: tests of rude peers do"
    if choice.kind in _HOURS:
        return "a matter of hours, or of statistics: explored as the server's end of the input"
    if outcome in _QUIET:
        return "the timer is not armed in this state"
    if isinstance(outcome, Violation) and (why := _never_violated(choice)) is not None:
        return why
    if choice.side is Side.SAY and isinstance(outcome, Ignore):
        return "a verb that changes nothing: the application here says each thing once"
    return outside(*choice[:4], outcome)


def _never_violated(choice: Choice) -> str | None:
    if choice.side is Side.HEAR and choice.kind is not Kind.RESUME:
        return "I8: two correct sides never break the protocol"
    if choice.side is Side.LOCAL and choice.kind in PEER_TIMEOUTS:
        return None
    return "our own side asks only for what is legal"


_OTHER_TESTS: Final = frozenset({Kind.UNKNOWN, Kind.MALFORMED})
_HOURS: Final = frozenset({Kind.SESSION_MAX_REACHED, Kind.EXPIRY_NEAR, Kind.AUDIO_IDLE, Kind.STATS_DUE, Kind.STATS})
_QUIET: Final = frozenset({Ignore("not armed in this state")})


class Covered(NamedTuple):
    """How much of the table was used."""

    used: int
    declared: dict[str, int]
    """Outcomes that are not used, by the reason."""
    unused: tuple[Choice, ...]
    """Outcomes that were not used within these bounds, and no reason is known why not."""
    broken: tuple[Choice, ...]
    """Outcomes that were used although they are declared impossible: the declaration, or the core, is wrong."""


def summary(choices: set[Choice]) -> Covered:
    """Compare what was used with what is declared."""
    declared: dict[str, int] = {}
    unused, broken = [], []
    for choice, outcome in everything().items():
        why = why_not(choice, outcome)
        accused = isinstance(outcome, Violation) and choice.side is Side.HEAR and outcome.code != "session_gone"
        if choice in choices and accused:
            broken.append(choice)
        elif choice not in choices and why is None:
            unused.append(choice)
        elif choice not in choices and why is not None:
            declared[why] = declared.get(why, 0) + 1
    return Covered(len(choices), declared, tuple(unused), tuple(broken))


class CoveredMoves(NamedTuple):
    """How many of the attachment's moves were made."""

    made: int
    declared: dict[str, int]
    """Moves that were not made, by the reason."""
    unmade: tuple[Moved, ...]
    """Moves that were not made, and no reason is known why not."""


def summary_of_moves(moves: set[Moved]) -> CoveredMoves:
    """Compare the moves that were made with the table."""
    declared: dict[str, int] = {}
    unmade = []
    for move in every_move():
        if move in moves:
            continue
        why = unmoved(*move)
        if why is None:
            unmade.append(move)
        else:
            declared[why] = declared.get(why, 0) + 1
    return CoveredMoves(len(moves), declared, tuple(unmade))
