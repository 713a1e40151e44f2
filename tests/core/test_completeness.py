"""The theorem of completeness: every clause of it has a lie of its own, which passes as soon as that clause is gone."""

import ast
import inspect
import textwrap
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from auricle.core import Start, endings
from auricle.core.limits import Limits
from auricle.core.messages import Closed
from auricle.core.parts import ClosedStats, Features
from auricle.core.recovery import Past
from auricle.core.snapshot import OpenChange, OpenFlush, Snapshot
from auricle.core.states import Role

HONEST = Snapshot(
    role=Role.CLIENT, limits=Limits(), started=True, ended=True, offered=1_000, sent=1_000, received=1_000,
    processed=1_000, committed=400, non_speech=100, gap=50, segment=1,
)  # fmt: skip
"""A client that has heard a final of 300 samples and a flush without words, and waits for the rest."""
STATS = ClosedStats(received=1_000, processed=1_000, committed=1_000, non_speech=700, gap=50, segments=1)
FLUSH = OpenFlush(id="f1", at=1_000, segment=1, since=0.0)
CHANGE = OpenChange(id="c1", at=1_000, config=Start())
TURNS = Start(features=Features(turns=True))


class Lie(NamedTuple):
    """What is different from the honest end, and the reason that must be found."""

    why: str
    client: dict[str, Any]
    stats: dict[str, int]


LIES = (
    Lie("input was still open", {"ended": False}, {}),
    Lie("never sent", {"offered": 1_200}, {}),
    Lie(
        "the server received 900 of 1000", {}, {"received": 900, "processed": 900, "committed": 900, "non_speech": 600}
    ),
    Lie("samples are committed", {}, {"committed": 900, "non_speech": 600}),
    Lie("samples are committed", {}, {"processed": 900}),
    Lie("lost with the server", {"past": Past(dropped=5)}, {}),
    Lie("lost to engine failures", {}, {"dropped": 5}),
    Lie("lost to engine failures", {"dropped": 5}, {}),
    Lie("samples without audio", {}, {"gap": 60}),
    Lie("finals arrived", {}, {"segments": 2}),
    Lie("flush 'f1'", {"flushes": (FLUSH,)}, {}),
    Lie("turn 0 was not ended", {"detects_turns": True, "config": TURNS}, {}),
    Lie("change 'c1'", {"changes": (CHANGE,)}, {}),
    Lie("do not add up", {}, {"non_speech": 600}),
    Lie("do not add up", {"non_speech": 200}, {}),
)


def found(lie: Lie) -> str | None:
    """Return what a client finds wrong with an end."""
    closed = Closed(seq=9, reason="completed", code=1000, complete=True, stats=replace(STATS, **lie.stats))
    return endings._mismatch(HONEST._replace(**lie.client), closed)


def clauses() -> list[ast.If]:
    return [node for node in ast.walk(ast.parse(source())) if isinstance(node, ast.If)]


def source() -> str:
    return textwrap.dedent(inspect.getsource(endings._mismatch))


def without(number: int) -> Any:
    """Return the theorem without one of its clauses."""
    tree = ast.parse(source())
    node = [node for node in ast.walk(tree) if isinstance(node, ast.If)][number]
    node.test = ast.Constant(value=False)
    names: dict[str, Any] = dict(vars(endings))
    exec(compile(ast.fix_missing_locations(tree), "<a clause less>", "exec"), names)
    return names["_mismatch"]


def test_the_honest_end_is_complete() -> None:
    assert found(Lie("", {}, {})) is None


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.why)
def test_a_lie_is_found_for_its_own_reason(lie: Lie) -> None:
    assert lie.why in (found(lie) or "")


@pytest.mark.parametrize("number", range(len(clauses())), ids=lambda number: ast.unparse(clauses()[number].test))
def test_no_clause_can_be_missed(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "_mismatch", without(number))
    assert any(lie.why not in (found(lie) or "") for lie in LIES), "no lie needs this clause"
    assert found(Lie("", {}, {})) is None
