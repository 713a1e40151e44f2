"""The whole server with an engine that costs nothing, as a program: ``python -m sessions.whole_server NAME``."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import trio

from auricle.engines.protocol import Engine
from auricle.server.app import ServerConfig, running_server
from sessions.free_engine import free_engine
from sessions.programs import run_one, tell


async def _serve(engine: Engine) -> None:
    async with running_server(ServerConfig(port=0), engine) as server:
        await server.engine_ready()
        tell(int(server.url.rpartition(":")[2].partition("/")[0]))
        await trio.sleep_forever()


SERVERS: Final[Mapping[str, Callable[[], None]]] = {
    "silent": partial(trio.run, _serve, free_engine(speaks=False)),
    "auricle": partial(trio.run, _serve, free_engine(speaks=True)),
}

if __name__ == "__main__":
    run_one(SERVERS, sys.argv[1])
