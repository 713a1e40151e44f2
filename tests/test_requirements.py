"""What the package asks of others: no version with a known way in is good enough."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def wanted(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each extra that asks for a package, and the lowest version that it takes."""
    for extra, requirements in PROJECT["optional-dependencies"].items():
        for requirement in requirements:
            match = re.fullmatch(rf"{name}>=([\d.]+)", requirement)
            if match:
                yield extra, numbers(match[1])


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_h11_reads_no_request_two_ways() -> None:
    """CVE-2025-43859: before 0.16 a chunk could end in other bytes than CR LF, and hide a second request."""
    asked = dict(wanted("h11"))
    assert set(asked) == {"trio", "server"}
    assert all(lowest >= (0, 16) for lowest in asked.values())
    assert numbers(version("h11")) >= (0, 16)
