"""The pages of the documentation, and the blocks of code in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
OTHERS: Final = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "plugin/README.md", "examples/audio/README.md")
BLOCK: Final = re.compile(
    r"""
    ^(?:\ *<!--\ (?P<marker>[^\n]*?)\ -->\n)?
    (?P<fence>\ *```)(?P<language>[a-z]+)\n
    (?P<text>.*?)
    ^(?P=fence)\ *$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
SHELLS: Final = ("console", "sh", "bash")
NOT_RUN: Final = "not run here: "


class Block(NamedTuple):
    """A block of code; ``marker`` is the comment right above it, which no reader sees."""

    page: str
    line: int
    language: str
    text: str
    marker: str

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"


def pages() -> Iterator[Path]:
    """Yield every page that people read."""
    yield from (ROOT / name for name in OTHERS)
    yield from sorted(DOCS.rglob("*.md"))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks() -> list[Block]:
    """Return every block of code of every page."""
    return [
        Block(
            str(path.relative_to(ROOT)),
            text.count("\n", 0, found.start("fence")) + 1,
            found["language"],
            re.sub(rf"^{found['fence'][:-3]}", "", found["text"], flags=re.MULTILINE),
            found["marker"] or "",
        )
        for path in pages()
        for text in [text_of(path)]
        for found in BLOCK.finditer(text)
    ]


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with what is shown behind it; without a ``$`` every line is a command."""
    if not text.startswith("$ "):
        yield from ((line, "…") for line in text.splitlines() if line.strip() and not line.startswith("#"))
        return
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        yield command, shown
