"""Every form of address people write, and every one that cannot be one."""

import pytest

from auricle.core import AuricleError
from auricle.transports.address import parse_address, refusal_code
from auricle.transports.errors import InvalidURL


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ws://localhost:8765", "ws://localhost:8765/ws/transcribe"),
        ("ws://localhost:8765/", "ws://localhost:8765/ws/transcribe"),
        ("http://box", "ws://box:80/ws/transcribe"),
        ("https://box", "wss://box:443/ws/transcribe"),
        ("wss://box:9/own/path?x=1", "wss://box:9/own/path?x=1"),
        ("ws://[::1]:8765", "ws://[::1]:8765/ws/transcribe"),
    ],
)
def test_addresses(written: str, meant: str) -> None:
    assert parse_address(written).url == meant


@pytest.mark.parametrize(
    "written",
    ["", "localhost", "localhost:8765", "ftp://box", "ws://", "ws://box:port", "ws://box:99999", "ws://me:secret@box"],
)
def test_what_cannot_be_an_address_is_one_sentence(written: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        parse_address(written)
    assert isinstance(caught.value, AuricleError)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).endswith(".")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code"), [(401, 4401), (403, 4403), (404, 4404), (429, 1013), (503, 1013), (500, 1006)]
)
def test_a_refused_upgrade_says_whether_trying_again_helps(status: int, code: int) -> None:
    assert refusal_code(status) == code


@pytest.mark.parametrize(
    ("written", "session", "resource"),
    [
        ("ws://box", "n1.0b9f", "/ws/transcribe?node=n1"),
        ("ws://box/own?x=1", "n1.0b9f", "/own?x=1&node=n1"),
        ("ws://box", "", "/ws/transcribe"),
        ("ws://box", "0b9f", "/ws/transcribe"),
        ("ws://box", "n&x=1.0b9f", "/ws/transcribe"),
    ],
)
def test_a_connection_that_resumes_names_the_node_of_its_session(written: str, session: str, resource: str) -> None:
    assert parse_address(written).towards(session).resource == resource
