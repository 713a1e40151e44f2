"""docs/extending.md keeps its word: every piece of code in it runs, and the example passes the kit."""

import ast
import io
import re
import sys
import tokenize
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import trio
import trio.testing

from auricle.core import SessionClosed
from auricle.transports.in_memory_wire import memory_pair
from auricle.transports.testing import driver
from auricle.transports.testing.transport import CHECKS, TRICKLING, Check, run_check
from auricle.transports.testing.trio import Trickle, TrioLoop
from auricle.transports.wire import Wire, WireLost

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "unix_socket_transport.py"
TEXT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", TEXT, re.DOTALL))
MOST_LINES = 60


@pytest.fixture(autouse=True)
def _examples_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    yield
    sys.modules.pop(EXAMPLE.stem, None)


def run_block(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(BLOCKS[name], names)
    return names


def lines_of_code(source: str) -> int:
    """Count the lines that are neither empty nor comment nor docstring."""
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if ast.get_docstring(node):
                code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
            case _:
                pass
    return len(code)


def test_the_kit_needs_no_test_runner_and_each_loop_only_itself() -> None:
    """A trio user has no aiohttp, and nobody has to have pytest, hypothesis or anyio."""
    allowed = {"trio.py": {"trio"}, "asyncio.py": {"asyncio"}}
    standard = {"auricle", *sys.stdlib_module_names} - {"asyncio"}
    for path in (ROOT / "transports" / "auricle" / "transports" / "testing").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert {name.partition(".")[0] for name in names} <= standard | allowed.get(path.name, set()), path.name
        assert path.name == "trio.py" or not any(name.startswith("auricle.transports.trio") for name in names)


def test_the_text_shows_the_file_that_is_tested() -> None:
    assert BLOCKS["examples/unix_socket_transport.py"] == EXAMPLE.read_text(encoding="utf-8")


def test_a_transport_takes_less_than_a_page() -> None:
    assert lines_of_code(EXAMPLE.read_text(encoding="utf-8")) < MOST_LINES


@asynccontextmanager
async def socket_pair(wrap: Any) -> AsyncIterator[tuple[Wire, Wire]]:
    from_example: dict[str, Any] = {}
    exec(BLOCKS["check"].rpartition("\n\n\n")[0], from_example)
    async with from_example["pair"](wrap) as pair:
        yield pair


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_example_passes_the_kit(check: Check) -> None:
    trio.run(run_check, TrioLoop(), check, lambda: socket_pair(lambda stream: stream))


@pytest.mark.parametrize("check", TRICKLING, ids=lambda check: check.__name__)
def test_the_example_passes_it_byte_by_byte(check: Check) -> None:
    trio.run(run_check, TrioLoop(), check, lambda: socket_pair(Trickle))


def test_the_call_of_the_kit_runs() -> None:
    run_block("check")


def test_a_session_over_the_example_is_complete(tmp_path: Path) -> None:
    names, path = run_block("session"), str(tmp_path / "socket")

    async def main() -> list[Any]:
        with trio.socket.socket(trio.socket.AF_UNIX) as listening:
            await listening.bind(path)
            listening.listen()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.serve_listeners, names["serve"], [trio.SocketListener(listening)])
                events: list[Any] = await names["talk"](path)
                nursery.cancel_scope.cancel()
        return events

    closed = trio.run(main)[-1]
    assert isinstance(closed, SessionClosed)
    assert closed.complete is True


def test_nobody_there_is_refused(tmp_path: Path) -> None:
    open_unix_socket = run_block("session")["open_unix_socket"]

    async def main() -> None:
        with pytest.raises(WireLost) as caught:
            async with open_unix_socket(str(tmp_path / "nothing")):
                pass
        assert caught.value.how == "refused"

    trio.run(main)


def test_the_call_of_check_driver_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one scenario: the whole of it is what the other tests of this room are."""
    monkeypatch.setattr(driver, "SCENARIOS", driver.SCENARIOS[:1])
    monkeypatch.setattr(driver, "STORIES", ())
    run_block("driver")


def test_the_call_of_check_server_driver_runs() -> None:
    run_block("server")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_dialect_around_a_wire_passes_the_kit(check: Check) -> None:
    text_only, loop = run_block("dialect")["TextOnly"], TrioLoop()

    @asynccontextmanager
    async def pair() -> AsyncIterator[tuple[Wire, Wire]]:
        async with memory_pair(loop.signal) as (one, other):
            yield text_only(one), text_only(other)

    loop.run(lambda: run_check(loop, check, pair))


@pytest.mark.parametrize("path", re.findall(r"`(auricle\.[A-Za-z._]+)`", TEXT))
def test_what_the_text_names_is_there(path: str) -> None:
    assert resolve_name(path)
