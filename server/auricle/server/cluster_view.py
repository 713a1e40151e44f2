"""One picture of a cluster, of what its nodes and its proxy tell: pure, from documents to rows and warnings."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any, Final
from urllib.parse import urlsplit

HAPROXY_HEADING: Final = "# pxname"
"""How HAProxy's statistics begin as CSV (HAProxy Management Guide, 9.1)."""


class UnknownDocument(ValueError):
    """What came is neither a node's status nor a proxy's statistics. One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node."""

    url: str
    name: str
    status: str
    """``ready``, ``not_ready``, ``draining``, or ``unreachable``."""
    detail: str
    version: str = ""
    engine: str = ""
    model: str = ""
    device: str = ""
    sessions: int = 0
    detached: int = 0
    utilisation: float | None = None
    waiting: int = 0
    """Windows in the queue."""
    running: int = 0
    lanes: int = 0
    workers: tuple[Mapping[str, Any], ...] = ()
    workers_wanted: int = 0
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedView:
    """A server as a proxy sees it."""

    proxy: str
    name: str
    state: str
    connections: int
    address: str | None
    """``host:port``, where the proxy tells it."""


def node_view(url: str, document: object) -> NodeView:
    """Return a node, of what ``/status`` has answered. Raises `UnknownDocument`."""
    if not isinstance(document, Mapping) or "status" not in document or "sessions" not in document:
        raise UnknownDocument(f"{url} has no status of a node of Auricle.")
    engine, sessions = document.get("engine") or {}, document["sessions"]
    load, queue, workers = (document.get(key) or {} for key in ("load", "queue", "workers"))
    return NodeView(
        url=url,
        name=str(document.get("node", "")),
        status=str(document["status"]),
        detail=str(document.get("detail", "")),
        version=str(document.get("version", "")),
        engine=str(engine.get("name") or ""),
        model=str(engine.get("model") or ""),
        device=str(engine.get("device") or ""),
        sessions=int(sessions["open"]),
        detached=int(sessions["detached"]),
        utilisation=load.get("utilisation"),
        waiting=int(queue.get("waiting", 0)),
        running=int(queue.get("running", 0)),
        lanes=int(queue.get("lanes", 0)),
        workers=tuple(workers.get("workers", ())),
        workers_wanted=int(workers.get("wanted", 0)),
        refused=tuple(workers.get("refused", ())),
    )


def unreachable(url: str, why: str) -> NodeView:
    """Return a node that does not answer."""
    return NodeView(url=url, name="", status="unreachable", detail=why)


def proxied_views(url: str, text: str) -> list[ProxiedView]:
    """Return the servers of HAProxy's statistics. Raises `UnknownDocument`."""
    if not text.startswith(HAPROXY_HEADING):
        raise UnknownDocument(f"{url} has no statistics of HAProxy as CSV.")
    rows = csv.DictReader(StringIO(text.removeprefix("# ")))
    return [
        ProxiedView(
            proxy=row["pxname"],
            name=row["svname"],
            state=row["status"],
            connections=int(row["scur"] or 0),
            address=row.get("addr") or None,
        )
        for row in rows
        if row["svname"] not in ("FRONTEND", "BACKEND")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """All of it."""

    nodes: Sequence[NodeView]
    proxied: Sequence[ProxiedView] = ()

    @property
    def warnings(self) -> list[str]:
        """What an operator should look at, one sentence each."""
        return [*_silent(self.nodes), *_mixed(self.nodes), *_namesakes(self.nodes), *_workers(self.nodes),
                *_unknown(self.nodes, self.proxied)]  # fmt: skip

    @property
    def document(self) -> Mapping[str, object]:
        """The same as JSON."""
        return {
            "nodes": [asdict(node) for node in self.nodes],
            "proxy": [asdict(server) for server in self.proxied],
            "sessions": sum(node.sessions for node in self.nodes),
            "warnings": self.warnings,
        }


def _silent(nodes: Iterable[NodeView]) -> Iterable[str]:
    return (f"{node.name or node.url} is {_in_words(node)}: {node.detail}" for node in nodes if node.status != "ready")


def _in_words(node: NodeView) -> str:
    return node.status.replace("_", " ")


def _mixed(nodes: Sequence[NodeView]) -> Iterable[str]:
    """Yield where nodes differ: a session that moves from one to another gets other words."""
    for what, values in (
        ("versions of Auricle", {node.version for node in nodes if node.version}),
        ("models", {f"{node.engine} {node.model}" for node in nodes if node.engine}),
    ):
        if len(values) > 1:
            yield f"The nodes have {len(values)} {what}: {', '.join(sorted(values))}."


def _namesakes(nodes: Sequence[NodeView]) -> Iterable[str]:
    names = Counter(node.name for node in nodes if node.name)
    return (f"{count} nodes have the name {name}: give each another --node-name." for name, count in names.items()
            if count > 1)  # fmt: skip


def _workers(nodes: Iterable[NodeView]) -> Iterable[str]:
    for node in nodes:
        if node.workers_wanted > len(node.workers):
            yield f"{node.name} has {len(node.workers)} engine workers of {node.workers_wanted}."
        yield from (f"{node.name}: {why}" for why in node.refused)


def _unknown(nodes: Sequence[NodeView], proxied: Sequence[ProxiedView]) -> Iterable[str]:
    """Yield servers of a proxy that no node has the name of: a session cannot be sent back to them.

    Of those that do not answer nobody knows the name.
    """
    names = {node.name for node in nodes if node.name}
    silent = {urlsplit(node.url).netloc for node in nodes if node.status == "unreachable"}
    if not names:
        return ()
    return (
        f"The proxy has a server {server.name}, which is no --node-name: sessions do not come back to it."
        for server in proxied
        if server.name not in names and server.address not in silent
    )
