"""`auricle.core.machine.step` is the only one that produces a new snapshot: read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "core" / "auricle" / "core"
SOURCES = [path for path in sorted(CORE.rglob("*.py")) if CORE / "testing" not in path.parents]
SNAPSHOTS = {"s", "snapshot", "_snapshot", "before", "after"}
"""What a snapshot is called; by its last name, as in ``draft.s``."""


def functions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every node of a file with the qualified name of the innermost function or class around it."""

    def walk(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield from walk(child, f"{where}.{child.name}" if where else child.name)
            else:
                yield where, child
                yield from walk(child, where)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), "")


def last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def assigned(node: ast.AST) -> Iterator[ast.expr]:
    """The single targets of an assignment."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    for target in targets:
        yield from target.elts if isinstance(target, ast.Tuple) else [target]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_nothing_replaces_fields_of_a_snapshot(path: Path) -> None:
    found = [
        (where, node.lineno)
        for where, node in functions(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "_replace"
        and last_name(node.func.value) in SNAPSHOTS
    ]
    assert not found


def test_a_session_takes_its_snapshot_from_step_alone() -> None:
    places = {
        (path.name, where): node
        for path in SOURCES
        for where, node in functions(path)
        for target in assigned(node)
        if isinstance(target, ast.Attribute) and target.attr == "_snapshot"
    }
    assert set(places) == {("session.py", "Session.__init__"), ("session.py", "Session._advance")}
    taken = places["session.py", "Session._advance"]
    assert isinstance(taken, ast.Assign)
    assert isinstance(taken.value, ast.Call)
    assert last_name(taken.value.func) == "step"


def test_only_the_beginning_and_a_draft_make_a_snapshot() -> None:
    made = {
        (path.name, where)
        for path in SOURCES
        for where, node in functions(path)
        if isinstance(node, ast.Call) and "Snapshot" in (last_name(node.func), *map(last_name, node.args[:1]))
    }
    assert made == {
        ("client.py", "ClientSession.__init__"),
        ("server.py", "ServerSession.__init__"),
        ("draft.py", "Draft.update"),
    }


def test_only_step_begins_a_draft() -> None:
    begun = {
        (path.name, where)
        for path in SOURCES
        for where, node in functions(path)
        if isinstance(node, ast.Call) and last_name(node.func) == "Draft"
    }
    assert begun == {("machine.py", "_apply"), ("endings.py", "end_for_violation")}, "both are called by step"
