"""``auricle cluster URL…``: one picture of nodes, their models, queues, engine workers, and the proxy before them."""

import json
from collections.abc import Sequence
from functools import partial
from ssl import SSLCertVerificationError
from typing import Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import trio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.option_errors import OptionError
from auricle.server.cluster_view import (
    ClusterView,
    NodeView,
    ProxiedView,
    UnknownDocument,
    node_view,
    proxied_views,
    unreachable,
)
from auricle.server.printable import printable

SCHEMES: Final = {"ws": "http", "http": "http", "wss": "https", "https": "https"}
STATUS: Final = "/status"
CSV: Final = ";csv"
STYLES: Final = {"ready": "green", "UP": "green"}
PIPE_WIDTH: Final = 200
"""Columns where nobody looks at a screen: nothing is cut off."""
MOST_BYTES: Final = 16 * 2**20
"""No status is longer."""


class Request(NamedTuple):
    """The arguments of the command."""

    urls: tuple[str, ...]
    api_key: str | None
    timeout_s: float
    as_json: bool


class Source(NamedTuple):
    """Where something is asked."""

    url: str
    is_proxy: bool


async def cluster(request: Request) -> Exit:
    """Ask everybody at once, and print what they tell; 1 where a node is not ready or something else is amiss.

    Raises `OptionError` for what is no URL.
    """
    sources = [source_of(url) for url in request.urls]
    answers = await _asked([source for source in sources if source.is_proxy], request)
    proxied = [server for url, text in answers for server in _servers(url, text)]
    known = [source.url for source in sources if not source.is_proxy]
    told = [f"http://{server.address}{STATUS}" for server in proxied if server.address]
    nodes = [Source(url, False) for url in dict.fromkeys([*known, *told])]
    view = ClusterView(
        nodes=[_node(url, answer) for url, answer in await _asked(nodes, request)],
        proxied=proxied,
    )
    if request.as_json:
        print(json.dumps(view.document, indent=2))
    else:
        _print(view)
    return Exit.INCOMPLETE if view.warnings else Exit.GOOD


def source_of(url: str) -> Source:
    """Return where a URL of the command line leads: a node's status, or with a path of its own a proxy's statistics.

    Raises `OptionError`.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise OptionError(
            f"{printable(url)} is neither a node nor a proxy's statistics: give http://host:port, or with HAProxy "
            "http://host:8404/stats."
        )
    is_node = parts.path in ("", "/", STATUS) or parts.path.startswith("/ws/")
    path = STATUS if is_node else parts.path.removesuffix(CSV) + CSV
    return Source(urlunsplit((SCHEMES[parts.scheme], parts.netloc, path, "", "")), not is_node)


Answer = str | Exception


async def _asked(sources: list[Source], request: Request) -> list[tuple[str, Answer]]:
    """Return what each has answered, or why there is no answer, in order."""
    answers: dict[str, Answer] = {}

    async def ask(url: str) -> None:
        try:
            answers[url] = await trio.to_thread.run_sync(
                partial(_fetched, url, request.api_key, request.timeout_s), abandon_on_cancel=True
            )
        except (OSError, ValueError) as error:
            answers[url] = error

    async with trio.open_nursery() as nursery:
        for source in sources:
            nursery.start_soon(ask, source.url)
    return [(source.url, answers[source.url]) for source in sources]


def _fetched(url: str, api_key: str | None, timeout_s: float) -> str:
    headers = {"Accept": "application/json, text/csv"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
    with urlopen(HttpRequest(url, headers=headers), timeout=timeout_s) as response:
        said: bytes = response.read(MOST_BYTES)
        return said.decode()


def _servers(url: str, answer: Answer) -> list[ProxiedView]:
    """Return the servers that a proxy told. Raises `OptionError` where it told none: it is what was asked for."""
    if isinstance(answer, Exception):
        raise OptionError(f"{url} does not answer: {_why(answer)}.")
    try:
        return proxied_views(url, answer)
    except UnknownDocument as error:
        raise OptionError(str(error)) from error


def _node(url: str, answer: Answer) -> NodeView:
    if isinstance(answer, Exception):
        return unreachable(url, f"{_why(answer)}.")
    try:
        return node_view(url, json.loads(answer))
    except (UnknownDocument, ValueError, KeyError, TypeError, AttributeError):
        return unreachable(url, "it has no status of a node of Auricle.")


def _why(error: Exception) -> str:
    match error:
        case HTTPError(code=401 | 403 as code):
            return f"HTTP {code}: it wants a key with the scope operator, by --api-key or AURICLE_API_KEY"
        case HTTPError(code=code):
            return f"HTTP {code}"
        case URLError(reason=SSLCertVerificationError(verify_message=reason)):
            return f"its certificate is not trusted ({reason}): let SSL_CERT_FILE name the file to trust"
        case URLError(reason=reason):
            return printable(str(reason))
        case _:
            return printable(str(error))


def _print(view: ClusterView) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(_nodes(view.nodes))
    if any(node.workers for node in view.nodes):
        console.print()
        console.print(_engine_workers(view.nodes))
    if view.proxied:
        console.print()
        console.print(_proxy(view.proxied))
    for warning in view.warnings:
        console.print(Text(printable(warning), style="yellow"))


def _nodes(nodes: Sequence[NodeView]) -> Table:
    table = _table("node", "status", "version", "model", "sessions", "load", "queue", "calls")
    for node in nodes:
        load = "" if node.utilisation is None else f"{node.utilisation:.0%}"
        queue, calls = (str(node.waiting), f"{node.running}/{node.lanes}") if node.lanes else ("", "")
        model = " ".join(filter(None, (node.engine, node.model, node.device)))
        sessions = f"{node.sessions}" + (f" ({node.detached} away)" if node.detached else "")
        cells = (
            node.name or urlsplit(node.url).netloc,
            node.status.replace("_", " "),
            node.version,
            model,
            sessions,
            load,
            queue,
            calls,
        )
        table.add_row(*map(_cell, cells))
    return table


def _engine_workers(nodes: Sequence[NodeView]) -> Table:
    table = _table("worker", "of", "on", "state", "calls")
    for node in nodes:
        for worker in node.workers:
            cells = (worker["name"], node.name, str(worker["node"])[:12], worker["state"], str(worker["calls"]))
            table.add_row(*map(_cell, cells))
    return table


def _proxy(servers: Sequence[ProxiedView]) -> Table:
    table = _table("server", "at the proxy", "connections", "address")
    for server in servers:
        table.add_row(*map(_cell, (server.name, server.state, str(server.connections), server.address or "")))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _cell(text: str) -> Text:
    return Text(printable(text), style=STYLES.get(text, ""))
