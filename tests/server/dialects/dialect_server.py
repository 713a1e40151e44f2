"""Our server on a real socket with the scripted engine, each of its sessions observed."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import trio

from auricle.core.legacy import Undecided
from auricle.engines.loading import EngineLoader
from auricle.engines.protocol import Engine
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING, Script
from auricle.server import app, dialect_connections
from auricle.server.app import ServerConfig, SpeechServer, running_server
from server.dialects.observed import ObservedDialect, Trace
from server.misbehaving_servers import running

T = TypeVar("T")
SECOND = bytes(32_000)
"""A second of audio at 16 kHz. Its content does not matter: the scripted engine counts, 0.4 s a number."""


@dataclass
class DialectServer:
    """A running server."""

    port: int
    wyoming_port: int = 0
    traces: list[Trace] = field(default_factory=list)
    drain: Callable[[], None] = lambda: None
    """Let the server come to its end, from any thread."""
    inside: SpeechServer | None = None
    """The server itself, for those who run in its loop."""
    token: trio.lowlevel.TrioToken | None = None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run an async function in the server's loop, with the server itself as its first argument."""
        return trio.from_thread.run(partial(function, self.inside, *arguments), trio_token=self.token)

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@contextmanager
def dialect_server(
    script: Script = COUNTING, source: Engine | EngineLoader | None = None, **config: Any
) -> Iterator[DialectServer]:
    """Run a server, whose engine follows a script where there is no other ``source``.

    Behind the block every trace of a dialect is checked by the monitors of O1-O13.
    """
    serve_wire = dialect_connections.serve_wire
    server = DialectServer(0)

    def observed(wire: Any, *, dialect: Any = None, opening: Any = (), **rest: Any) -> Any:
        if dialect is None and wire.subprotocol is not None:
            return serve_wire(wire, **rest)
        dialect = dialect or Undecided(rest["limits"])  # the old one, as a rule
        trace = Trace(heard=list(opening))
        server.traces.append(trace)
        return serve_wire(wire, dialect=ObservedDialect(dialect, trace), opening=opening, **rest)

    async def serve(*, task_status: trio.TaskStatus[int]) -> None:
        async with running_server(ServerConfig(port=0, **config), source or ScriptedEngine(script)) as running_now:
            server.drain = partial(trio.lowlevel.current_trio_token().run_sync_soon, running_now.drain)
            server.inside, server.token = running_now, trio.lowlevel.current_trio_token()
            server.wyoming_port = running_now.wyoming_port or 0
            task_status.started(int(running_now.url.split(":")[2].split("/")[0]))
            await trio.sleep_forever()

    for module in (dialect_connections, app):
        module.serve_wire = partial(observed)  # type: ignore[attr-defined]
    try:
        with running(serve) as port:
            server.port = port
            yield server
    finally:
        for module in (dialect_connections, app):
            module.serve_wire = serve_wire  # type: ignore[attr-defined]
    for trace in server.traces:
        trace.check()
