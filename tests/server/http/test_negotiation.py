"""Pure decisions about a WebSocket: subprotocol, path, origin."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.server.http.negotiation import Accept, Offer, Reject, choose_subprotocol, negotiate, path_of, read_offer

PATH = "/ws/transcribe"


@pytest.mark.parametrize(
    "host", ["evil.example:8765", "evil.example", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"]
)
@pytest.mark.parametrize("origin", ["http://evil.example:8765", "http://localhost:3000"])
def test_a_page_cannot_make_a_name_of_its_own_point_here(host: str, origin: str) -> None:
    """DNS rebinding: ``Host`` and ``Origin`` agree, and the server is bound to the loopback only."""
    decision = negotiate(Offer(path=PATH, host=host, origins=(origin,)), loopback_only=True)
    assert isinstance(decision, Reject)
    assert decision.problem.code == "forbidden"


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "127.8.8.8", "[::1]:8765", "LOCALHOST"])
def test_a_page_of_this_machine_may_connect_to_this_machine(host: str) -> None:
    assert negotiate(Offer(path=PATH, host=host, origins=("http://localhost:3000",)), loopback_only=True) == Accept(
        None
    )


def test_a_page_behind_a_proxy_is_named_and_a_program_needs_no_name() -> None:
    page = Offer(path=PATH, host="ear.example", origins=("https://ear.example",))
    assert isinstance(negotiate(page, loopback_only=True), Reject)
    assert negotiate(page, loopback_only=True, allowed_origins=("https://ear.example",)) == Accept(None)
    assert negotiate(Offer(path=PATH, host="ear.example"), loopback_only=True) == Accept(None)


TOKEN = "auricle.auth.c2VjcmV0"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("auricle.v1",), "auricle.v1"),
        (("auricle.v1", TOKEN), "auricle.v1"),
        ((TOKEN, "auricle.v1"), "auricle.v1"),
        ((TOKEN,), None),
        (("auricle.v2", "chat"), None),
        (("AURICLE.V1", "auricle.v10", "auricle.v1 "), None),
    ],
)
def test_only_a_known_subprotocol_is_selected_and_none_is_no_refusal(
    offered: tuple[str, ...], chosen: str | None
) -> None:
    assert negotiate(Offer(path=PATH, subprotocols=offered)) == Accept(chosen)


@given(st.lists(st.text()))
def test_what_is_selected_was_offered_and_is_known(offered: list[str]) -> None:
    chosen = choose_subprotocol(offered, ("auricle.v1",))
    assert chosen == ("auricle.v1" if "auricle.v1" in offered else None)


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/transcribe/", "/WS/transcribe", "", "/ws/transcribe%20"])
def test_another_path_is_a_404_problem(path: str) -> None:
    decision = negotiate(Offer(path=path))
    assert isinstance(decision, Reject)
    document = json.loads(decision.problem.body)
    assert (document["status"], document["code"]) == (404, "not_found")
    assert PATH in document["detail"]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://ear.example", "ear.example"),
        ("https://ear.example", "ear.example"),
        ("https://ear.example:443", "ear.example"),
        ("https://ear.example", "EAR.example:443"),
        ("http://ear.example:8765", "ear.example:8765"),
        ("http://[2001:db8::1]:8765", "[2001:db8::1]:8765"),
        ("http://localhost:3000", "ear.example"),
        ("http://127.0.0.1:5173", "ear.example"),
        ("http://[::1]:5173", "ear.example"),
        ("https://app.example", "ear.example"),
    ],
)
def test_these_pages_may_connect(origin: str, host: str) -> None:
    offer = Offer(path=PATH, host=host, origins=(origin,))
    assert negotiate(offer, allowed_origins=("https://app.example",)) == Accept(None)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "ear.example"),
        ("https://ear.example.evil.example", "ear.example"),
        ("https://ear.example:8443", "ear.example"),
        ("http://ear.example", "ear.example:8765"),
        ("http://localhost.evil.example", "localhost"),
        ("http://127.0.0.1.evil.example", "127.0.0.1"),
        ("https://app.example.", "ear.example"),
        ("https://APP.example", "ear.example"),
        ("null", "ear.example"),
        ("", ""),
        ("file://", "ear.example"),
        ("chrome-extension://abcdef", "abcdef"),
        ("http://[", "["),
        ("http://a:b", "a:b"),
    ],
)
def test_these_pages_may_not(origin: str, host: str) -> None:
    decision = negotiate(Offer(path=PATH, host=host, origins=(origin,)), allowed_origins=("https://app.example",))
    assert isinstance(decision, Reject)
    assert (decision.problem.status, decision.problem.code) == (403, "forbidden")


def test_two_origins_are_none() -> None:
    assert isinstance(negotiate(Offer(path=PATH, host="a", origins=("http://a", "http://a"))), Reject)


@given(st.text(), st.text())
def test_no_origin_and_no_host_can_raise(origin: str, host: str) -> None:
    negotiate(Offer(path=PATH, host=host, origins=(origin,)))


def test_an_offer_is_read_from_a_head_and_its_repr_tells_no_token() -> None:
    headers = [
        (b"host", b"ear.example"),
        (b"origin", b"https://ear.example"),
        (b"sec-websocket-protocol", b"chat, auricle.v1"),
        (b"sec-websocket-protocol", b",, " + TOKEN.encode()),
    ]
    offer = read_offer(f"{PATH}?key=c2VjcmV0", headers)
    assert offer == Offer(
        path=PATH,
        host="ear.example",
        origins=("https://ear.example",),
        subprotocols=("chat", "auricle.v1", TOKEN),
        query="key=c2VjcmV0",
    )
    assert "c2VjcmV0" not in repr(offer)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/a?b=/c", "/a"),
        ("http://host/a?b", "/a"),
        ("http://host", "/"),
        ("http://host?b", "/"),
        ("*", "/"),
        ("//a/b", "//a/b"),
    ],
)
def test_a_path_is_read_from_a_target(target: str, path: str) -> None:
    assert path_of(target) == path
