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
    assert {module.split(".")[0] for module in modules} <= ALLOWED
    assert all(module.startswith("auricle.core") for module in modules if module.startswith("auricle"))


@pytest.mark.parametrize("path", sorted(CORE.glob("**/*.py")), ids=lambda path: path.name)
def test_the_core_calls_nothing_that_does_io(path: Path) -> None:
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}
