"""What only the source text knows: the string under a field, and the warnings that the core says."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path


class SpecError(Exception):
    """The specification cannot be rendered, or is not what the core says. One sentence for people."""


@cache
def attribute_docs(cls: type) -> Mapping[str, str]:
    """Return the string literals under the attributes of a class: dataclass fields or enumeration members."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    definition = tree.body[0]
    assert isinstance(definition, ast.ClassDef)
    return dict(_documented(definition.body))


def _documented(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                yield name, one_line(doc)
            case _:
                pass


def class_doc(cls: type) -> str:
    """Return the docstring of a class as paragraphs of one line each."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(cls.__doc__ or ""))
    return "\n\n".join(one_line(paragraph) for paragraph in paragraphs)


def one_line(text: str) -> str:
    """Return running text as one line of Markdown: literals in single backticks."""
    return " ".join(text.replace("``", "`").split())


def warnings_said(folder: Path) -> Mapping[str, str]:
    """Return every warning code a package says by itself, with its text; what is filled in later is an ellipsis."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="warn"), args=[_, ast.Constant(value=str(code)), text, *_]):
                    found.setdefault(code, []).append(_said(text))
                case _:
                    pass
    return {code: " / ".join(text for text in texts if text) for code, texts in sorted(found.items())}


def _said(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_said(value) or "…" for value in values)
        case _:
            return ""
