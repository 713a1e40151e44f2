"""The core does no I/O, has no clock and no dependency: read from its imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "core" / "auricle" / "core"
ALLOWED = {
    "array",
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "math",
    "struct",
    "types",
    "typing",
    "zlib",
    "auricle",
}
"""Standard library that neither asks the system for anything nor keeps state."""
FOR_TESTING = {"bisect", "heapq", "random"}
"""What the simulation needs beyond that; of `random` only the class, and never without a seed."""
STRATEGIES = CORE / "testing" / "strategies.py"
"""The one file that needs a library: hypothesis, which whoever imports it has."""


def allowed(path: Path) -> set[str]:
    """The modules that a file may import."""
    testing = FOR_TESTING if CORE / "testing" in path.parents else set()
    return ALLOWED | testing | ({"hypothesis"} if path == STRATEGIES else set())


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(CORE.glob("**/*.py")), ids=lambda path: path.name)
def test_the_core_imports_nothing_that_could_do_io(path: Path) -> None:
    modules = set(imported(path))
    assert {module.split(".")[0] for module in modules} <= allowed(path)
    assert all(module.startswith("auricle.core") for module in modules if module.startswith("auricle"))


@pytest.mark.parametrize("path", sorted(CORE.glob("**/*.py")), ids=lambda path: path.name)
def test_the_core_calls_nothing_that_does_io(path: Path) -> None:
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("path", sorted((CORE / "testing").glob("**/*.py")), ids=lambda path: path.name)
def test_chance_has_a_seed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert "random" not in {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    made = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Random"
    ]
    assert all(node.args for node in made)


def test_nothing_outside_testing_imports_it() -> None:
    for path in CORE.glob("*.py"):
        assert not any("auricle.core.testing" in module for module in imported(path))
