"""What nodes and a proxy tell, as one picture: pure."""

import pytest

from auricle.server.cluster_view import ClusterView, UnknownDocument, node_view, proxied_views, unreachable

CSV = (
    "# pxname,svname,scur,status,addr,\n"
    "speech,FRONTEND,9,OPEN,,\n"
    "nodes,n1,4,UP,10.0.0.11:8765,\n"
    "nodes,n2,0,DOWN,10.0.0.12:8765,\n"
    "nodes,BACKEND,4,UP,,\n"
)


def status(name: str = "n1", *, model: str = "tiny.en", version: str = "0.1.0", **more: object) -> dict[str, object]:
    document: dict[str, object] = {
        "status": "ready",
        "detail": "whisper tiny.en answers.",
        "node": name,
        "version": version,
        "engine": {"name": "whisper", "model": model, "device": "cpu"},
        "sessions": {"open": 3, "detached": 1},
        "load": {"utilisation": 0.5},
        "queue": {"waiting": 2, "finals": 1, "running": 1, "lanes": 2},
        "workers": None,
    }
    return document | more


WORKERS = {
    "address": "ray",
    "wanted": 2,
    "workers": [{"name": "worker-1", "node": "abc", "state": "idle", "calls": 7}],
    "refused": ["The engine worker on node x has Auricle 0.0.1, and this server 0.1.0: install the same."],
    "lost": 0,
    "repeated": 0,
}


def test_a_node_in_order_gives_no_reason_to_look() -> None:
    view = ClusterView(nodes=[node_view("http://a", status("n1")), node_view("http://b", status("n2"))])
    assert view.warnings == []
    assert view.document["sessions"] == 6
    (first, _) = view.nodes
    assert (first.waiting, first.running, first.lanes, first.utilisation) == (2, 1, 2, 0.5)


def test_nodes_that_are_away_draining_or_loading_are_named() -> None:
    nodes = [
        unreachable("http://a/status", "Connection refused."),
        node_view("http://b", status("n2", status="draining", detail="The server is shutting down.")),
        node_view("http://c", status("n3", status="not_ready", engine=None, load=None, queue=None, detail="Loading.")),
    ]
    assert ClusterView(nodes=nodes).warnings == [
        "http://a/status is unreachable: Connection refused.",
        "n2 is draining: The server is shutting down.",
        "n3 is not ready: Loading.",
    ]


@pytest.mark.parametrize(
    ("other", "warning"),
    [
        ({"model": "base"}, "The nodes have 2 models: whisper base, whisper tiny.en."),
        ({"version": "0.2.0"}, "The nodes have 2 versions of Auricle: 0.1.0, 0.2.0."),
    ],
)
def test_nodes_that_differ_are_told(other: dict[str, str], warning: str) -> None:
    nodes = [node_view("http://a", status("n1")), node_view("http://b", status("n2", **other))]
    assert ClusterView(nodes=nodes).warnings == [warning]


def test_a_server_of_the_proxy_whose_node_does_not_answer_is_not_said_to_have_another_name() -> None:
    nodes = [node_view("http://a", status("n1")), unreachable("http://10.0.0.12:8765/status", "Connection refused.")]
    view = ClusterView(nodes=nodes, proxied=proxied_views("http://10.0.0.9:8404/stats", CSV))
    assert view.warnings == ["http://10.0.0.12:8765/status is unreachable: Connection refused."]


def test_two_nodes_of_one_name_are_told() -> None:
    nodes = [node_view("http://a", status("n1")), node_view("http://b", status("n1"))]
    assert ClusterView(nodes=nodes).warnings == ["2 nodes have the name n1: give each another --node-name."]


def test_workers_that_are_missing_or_refused_are_told() -> None:
    view = ClusterView(nodes=[node_view("http://a", status("n1", workers=WORKERS))])
    assert view.warnings[0] == "n1 has 1 engine workers of 2."
    assert view.warnings[1].startswith("n1: The engine worker on node x has Auricle 0.0.1")


def test_a_proxy_tells_its_servers_and_where_they_are() -> None:
    servers = proxied_views("http://p", CSV)
    assert [(s.name, s.state, s.connections, s.address) for s in servers] == [
        ("n1", "UP", 4, "10.0.0.11:8765"),
        ("n2", "DOWN", 0, "10.0.0.12:8765"),
    ]
    view = ClusterView(nodes=[node_view("http://a", status("n1"))], proxied=servers)
    assert view.warnings == ["The proxy has a server n2, which is no --node-name: sessions do not come back to it."]


@pytest.mark.parametrize("document", [None, [], "no", {}, {"status": "ok"}])
def test_what_is_no_status_is_said(document: object) -> None:
    with pytest.raises(UnknownDocument):
        node_view("http://a", document)


def test_what_are_no_statistics_is_said() -> None:
    with pytest.raises(UnknownDocument):
        proxied_views("http://a", "<html>")
