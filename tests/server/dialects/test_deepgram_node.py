"""Deepgram's own client for Node.js against our ``/v1/listen``, unchanged but for its addresses."""

import json
from typing import Any

import pytest

from server.dialects.dialect_server import DialectServer
from server.dialects.npm_packages import CLIENTS, cached, run_client

PACKAGES = ("@deepgram/sdk@5.13.0",)


@pytest.fixture(scope="module")
def heard(server: DialectServer, pytestconfig: pytest.Config) -> dict[str, Any]:
    """What the client heard in each of its sessions, all of which have ended."""
    told: dict[str, Any] = json.loads(
        run_client(cached(pytestconfig, "npm-deepgram", *PACKAGES), CLIENTS / "deepgram.mjs", str(server.port))
    )
    return told


def test_a_stream_with_a_finalize_in_the_middle(heard: dict[str, Any]) -> None:
    stream = heard["stream"]
    assert stream["finals"] == ["one two", "three four five", "six seven"]
    assert stream["finalized"] == [True, False, False]
    assert (stream["types"][-1], stream["code"], stream["errors"]) == ("Metadata", 1000, [])


def test_an_empty_session_ends_too(heard: dict[str, Any]) -> None:
    assert (heard["empty"]["types"], heard["empty"]["code"]) == (["Metadata"], 1000)


def test_a_finalize_with_nothing_pending_is_answered(heard: dict[str, Any]) -> None:
    asked = heard["nothingPending"]
    assert asked["finals"] == ["", "one two", ""]
    assert asked["finalized"] == [True, True, True]
    assert asked["code"] == 1000


def test_a_message_that_is_too_long_is_an_error_of_theirs_before_the_close(heard: dict[str, Any]) -> None:
    assert (heard["tooLong"]["said"], heard["tooLong"]["code"]) == (["too_large"], 1009)


def test_after_a_cut_ten_sessions_at_once(heard: dict[str, Any]) -> None:
    assert heard["cut"]["code"] == 1006
    assert [(one["finals"], one["code"]) for one in heard["ten"]] == [
        (["one two three four five", "six seven"], 1000)
    ] * 10
