"""The official OpenAI client for Node.js, over TLS: it takes `wss` for granted wherever it is pointed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from auricle.server.http.tls import server_context
from server.dialects.npm_packages import cached, run_client
from server.uploads.upload_server import TEN_NUMBERS, recording, upload_server

CLIENT = Path(__file__).parent / "clients" / "openai.mjs"


@pytest.fixture(scope="module")
def told(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the client was told, by the names that its program has for its requests."""
    folder = cached(pytestconfig, "npm-openai", "openai@7.59.0")
    files = tmp_path_factory.mktemp("node")
    (files / "numbers.wav").write_bytes(recording())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(files / "ca.pem"))
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_and_cert_chain_pem.write_to_path(str(files / "server.pem"))
    with upload_server(tls=server_context(files / "server.pem"), max_upload_bytes=2**20) as server:
        assert server.url.startswith("https://")
        arguments = (server.url, str(files / "numbers.wav"))
        yield json.loads(run_client(folder, CLIENT, *arguments, NODE_EXTRA_CA_CERTS=str(files / "ca.pem")))


def test_recordings_over_tls(told: dict[str, Any]) -> None:
    assert told["json"]["text"] == TEN_NUMBERS
    assert [word["word"] for word in told["verbose"]["words"]] == TEN_NUMBERS.split()
    assert told["srt"].startswith("1\n00:00:00,000 --> ")
    assert "".join(told["deltas"][:-1]) == told["deltas"][-1] == TEN_NUMBERS
    assert "whisper-1" in told["models"]
    assert (told["error"]["status"], told["error"]["param"]) == (400, "response_format")


def test_an_empty_recording_and_one_that_is_too_large_are_errors_of_theirs(told: dict[str, Any]) -> None:
    assert told["empty"] == {"name": "BadRequestError", "status": 400, "param": "file"}
    assert (told["tooLarge"]["status"], told["tooLarge"]["param"]) == (413, "file")


def test_one_that_is_left_and_ten_at_once(told: dict[str, Any]) -> None:
    """That the one has left nothing behind is checked by `upload_server`."""
    assert told["left"]["name"] == "APIUserAbortError"
    assert told["ten"] == [TEN_NUMBERS] * 10
