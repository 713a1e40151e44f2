"""OpenAI's own client for Node.js against our ``/v1/realtime``, over TLS: it speaks nothing but ``wss``."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from auricle.server.cli.self_signed import self_signed
from auricle.server.http.tls import server_context
from server.dialects.dialect_server import dialect_server
from server.dialects.npm_packages import CLIENTS, cached, run_client

PACKAGES = ("openai@7.59.0", "ws@8.23.0")
COUNTED = "one two three four five"


@pytest.fixture(scope="module")
def heard(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the client heard in each of its sessions, all of which have ended.

    The server has the certificate of ``--tls-self-signed``.
    """
    folder = cached(pytestconfig, "npm-openai-realtime", *PACKAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("certificate")))
        made = self_signed("127.0.0.1")
    with dialect_server(tls=server_context(made.certificate)) as server:
        address = f"https://127.0.0.1:{server.port}/v1"
        yield json.loads(
            run_client(folder, CLIENTS / "openai_realtime.mjs", address, NODE_EXTRA_CA_CERTS=str(made.authority))
        )


def texts(session: dict[str, Any]) -> list[str]:
    """The transcripts of the items that are complete; each of them is what its deltas add up to."""
    assert all(session["deltas"].get(item, "") == text for item, text in session["transcripts"])
    return [text for _, text in session["transcripts"]]


def test_the_client_commits(heard: dict[str, Any]) -> None:
    session = heard["commits"]
    assert session["url"].startswith("wss://127.0.0.1:")
    assert texts(session) == [f"{COUNTED} six seven"]
    assert session["types"][:2] == ["session.created", "session.updated"]
    assert session["errors"] == []


def test_the_server_commits_at_pauses(heard: dict[str, Any]) -> None:
    assert texts(heard["turns"]) == [COUNTED, "six seven eight nine ten"]


def test_a_final_commit_is_the_end_and_the_server_closes(heard: dict[str, Any]) -> None:
    assert (texts(heard["end"]), heard["end"]["code"]) == (["one two"], 1000)


def test_an_empty_session_ends_too(heard: dict[str, Any]) -> None:
    assert (heard["empty"]["types"], heard["empty"]["errors"]) == (["session.created"], [])


def test_a_commit_with_nothing_pending_is_answered(heard: dict[str, Any]) -> None:
    assert texts(heard["nothingPending"]) == ["", ""]


def test_a_message_that_is_too_long_is_an_error_of_theirs_before_the_close(heard: dict[str, Any]) -> None:
    assert (heard["tooLong"]["errors"][0], heard["tooLong"]["code"]) == ("too_large", 1009)


def test_after_a_cut_ten_sessions_at_once(heard: dict[str, Any]) -> None:
    assert heard["cut"]["code"] == 1006
    assert [texts(one) for one in heard["ten"]] == [[f"{COUNTED} six seven"]] * 10
