"""Deepgram's own client for Node.js against our ``/v1/listen``, unchanged but for its addresses."""

import json

import pytest

from server.dialects.dialect_server import DialectServer
from server.dialects.npm_packages import installed, run_client


def test_a_stream_with_a_finalize_in_the_middle(server: DialectServer, pytestconfig: pytest.Config) -> None:
    cache = pytestconfig.cache
    assert cache is not None
    folder = installed(cache.mkdir("npm-deepgram"), "@deepgram/sdk@5.13.0")
    heard = json.loads(run_client(folder, "deepgram.mjs", str(server.port)))
    assert heard["finals"] == ["one two", "three four five", "six seven"]
    assert heard["finalized"] == [True, False, False]
    assert (heard["types"][-1], heard["code"], heard["errors"]) == ("Metadata", 1000, [])
