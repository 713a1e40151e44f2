"""The page of the server's paths: those of its HTTP application and its WebSockets, with what `endpoints.toml` says."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from starlette.routing import Route

from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, SpeechServer
from auricle.server.dialects.paths import DIALECTS
from auricle.server.http.negotiation import WEBSOCKET_PATHS

WRITTEN: Final = Path(__file__).with_name("endpoints.toml")


class EndpointError(LookupError):
    """What the server has and what is written about it differ. The message says how."""


def routes() -> Mapping[str, frozenset[str]]:
    """Return the paths of the HTTP application, with their methods."""
    server = SpeechServer(ServerConfig(), lambda *_: ScriptedEngine(COUNTING))
    methods: dict[str, frozenset[str]] = {}
    for route in server.routes():
        if isinstance(route, Route):
            known = frozenset(route.methods or ()) - {"HEAD"}
            methods[route.path] = methods.get(route.path, frozenset()) | known
    return methods


def websockets() -> Iterable[str]:
    """Return the paths of WebSockets."""
    return (*WEBSOCKET_PATHS, *DIALECTS)


def documented() -> Mapping[str, Mapping[str, str]]:
    """Return what is written about paths: a table of the file each, ``GET /healthz`` or ``WebSocket /v1/listen``."""
    return tomllib.loads(WRITTEN.read_text(encoding="utf-8"))


def present() -> set[str]:
    """Return all that can be asked of the server, by the names of the file."""
    sockets = set(websockets())
    plain = {(method, path) for path, methods in routes().items() for method in methods}
    # The path of a WebSocket answers a plain GET with 426, and that is not a thing to be documented.
    plain -= {("GET", path) for path in sockets}
    return {f"WebSocket {path}" for path in sockets} | {f"{method} {path}" for method, path in plain}


def check() -> None:
    """Raise `EndpointError` where the two differ."""
    unwritten, gone = present() - documented().keys(), documented().keys() - present()
    if unwritten or gone:
        raise EndpointError(
            f"in tools/reference/endpoints.toml there is nothing about {sorted(unwritten)}, "
            f"and what it says of {sorted(gone)} is of no endpoint"
        )


def render() -> str:
    """Return the page. Raises `EndpointError`."""
    check()
    rows = [
        f"| {name.partition(' ')[0]} | `{name.partition(' ')[2]}` | {about['what']} |"
        for name, about in documented().items()
    ]
    return "\n".join(
        [
            "# Endpoints",
            "",
            "<!-- Made by `python tools/render_reference.py` from the routes; a test fails where it is stale. -->",
            "",
            "One port has them all. Answers that are no success are problem details (RFC 9457), or have the shape of",
            "the service whose clients ask there. A path of a WebSocket answers a plain `GET` with 426.",
            "",
            "| | path | |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
