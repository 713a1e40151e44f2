"""The table is total, everything in it is used, and nothing is used that is not in it."""

from typing import get_args

import pytest

from auricle.core import Role, State
from auricle.core.effects import EFFECTS
from auricle.core.guards import GUARDS
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, ClientMessage, Malformed, ServerMessage, Unknown
from auricle.core.outcomes import Cell, Effect, Guard, Ignore, Rule, Violation
from auricle.core.rules import EXPECTED_KINDS, TABLE
from auricle.core.states import Kind, Side, kind_of
from core.link import Link

CELLS = [
    pytest.param(role, cell, id=f"{role.value}-{side.value}-{kind.name}-{state.name}")
    for (role, side), rows in TABLE.items()
    for kind, row in rows.items()
    for state, cell in row.items()
]


def test_every_row_has_every_state() -> None:
    for rows in TABLE.values():
        for kind, row in rows.items():
            assert set(row) == set(State), kind


@pytest.mark.parametrize(("role", "cell"), CELLS)
def test_every_cell_decides_and_everything_it_names_exists(role: Role, cell: Cell) -> None:
    assert cell[-1].when is None, "the last outcome is taken where no guard holds"
    assert all(outcome.when is not None for outcome in cell[:-1]), "what comes behind would never be taken"
    for outcome in cell:
        match outcome:
            case Rule(effects=effects):
                assert all(effect in EFFECTS[role] for effect in effects)
            case Ignore(why=why) | Violation(why=why):
                assert why, "an outcome without effects says why it is right"


def test_whatever_may_be_heard_has_a_row() -> None:
    for (role, side), kinds in EXPECTED_KINDS.items():
        assert set(TABLE[role, side]) == set(kinds)


def test_closed_is_terminal() -> None:
    for rows in TABLE.values():
        for row in rows.values():
            for outcome in row[State.CLOSED]:
                assert not isinstance(outcome, Rule) or outcome.next in (None, State.CLOSED)


def test_no_effect_and_no_guard_is_idle() -> None:
    outcomes = [
        outcome for rows in TABLE.values() for row in rows.values() for cell in row.values() for outcome in cell
    ]
    assert {outcome.when for outcome in outcomes} - {None} == set(Guard)
    assert set(GUARDS) == set(Guard)
    assert {effect for outcome in outcomes if isinstance(outcome, Rule) for effect in outcome.effects} == set(Effect)
    for role in Role:
        used = {
            effect
            for (owner, _), rows in TABLE.items()
            if owner is role
            for row in rows.values()
            for cell in row.values()
            for outcome in cell
            if isinstance(outcome, Rule)
            for effect in outcome.effects
        }
        assert used == set(EFFECTS[role]), role


def test_every_message_has_a_row_on_the_side_that_hears_it() -> None:
    assert set(CLIENT_MESSAGES.values()) == set(get_args(ClientMessage))
    assert set(SERVER_MESSAGES.values()) == set(get_args(ServerMessage))
    for name in CLIENT_MESSAGES:
        assert Kind(name) in TABLE[Role.SERVER, Side.HEAR]
    for name in SERVER_MESSAGES:
        assert Kind(name) in TABLE[Role.CLIENT, Side.HEAR]
    assert kind_of(Malformed(code="bad_message", why="…")) is Kind.MALFORMED


@pytest.mark.parametrize("name", ["turn_end", "annotate"])
def test_what_no_client_says_is_told_of_once(name: str) -> None:
    assert kind_of(Unknown(name=name)) is Kind.UNKNOWN
    link = Link()
    link.settle()
    for type_name in (name, "never_heard_of"):
        link.route("server", link.server.receive(f'{{"type":"{type_name}"}}', now=0.0))
    link.settle()
    warnings = [event for event in link.client_events if type(event).__name__ == "WarningMessage"]
    assert [warning.code for warning in warnings] == ["unknown_type"], "told once"
    assert link.server.state is State.READY


@pytest.mark.parametrize("name", ["ping", "never_heard_of"])
def test_events_of_a_later_version_are_ignored_and_still_count(name: str) -> None:
    link = Link()
    link.settle()
    link.route("client", link.client.receive(f'{{"type":"{name}","seq":2}}', now=0.0))
    assert link.client.snapshot.seq == 2
    assert link.client.state is State.READY
