"""The page of exit codes, from the enumeration and the sentences below its members."""

import ast
import inspect
from collections.abc import Mapping

from auricle.server.cli import exit_codes


def meanings() -> Mapping[int, str]:
    """Return what each exit code means. Raises `LookupError` where one has no sentence."""
    (enumeration,) = (node for node in ast.parse(inspect.getsource(exit_codes)).body if isinstance(node, ast.ClassDef))
    found: dict[int, str] = {}
    for before, after in zip(enumeration.body, [*enumeration.body[1:], None], strict=True):
        match before:
            case ast.Assign(value=ast.Constant(value=int(code))):
                sentence = ast.get_docstring(ast.Module(body=[after], type_ignores=[])) if after else None
                found[code] = " ".join((sentence or "").split())
            case _:
                pass
    missing = [each for each in exit_codes.Exit if not found.get(each.value)]
    if missing:
        raise LookupError(f"exit codes without a sentence below them: {missing}")
    return found


def render() -> str:
    """Return the page."""
    rows = [f"| {code} | {meaning} |" for code, meaning in meanings().items()]
    return "\n".join(
        [
            "# Exit codes",
            "",
            "<!-- Made by `python tools/render_reference.py` from the enumeration; a test fails where it is stale. -->",
            "",
            "The same for every command. Where several things went wrong, the highest code is returned.",
            "",
            "| code | meaning |",
            "|---:|---|",
            *rows,
            "",
        ]
    )
