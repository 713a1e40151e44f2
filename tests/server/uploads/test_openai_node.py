"""The official OpenAI client for Node.js, over TLS: it takes `wss` for granted wherever it is pointed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from auricle.server.http.tls import server_context
from server.dialects.npm_packages import RUN_S, installed
from server.uploads.upload_server import TEN_NUMBERS, recording, upload_server

CLIENT = Path(__file__).parent / "clients" / "openai.mjs"


def test_recordings_over_tls(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    assert pytestconfig.cache is not None
    folder = installed(pytestconfig.cache.mkdir("npm-openai"), "openai@7.59.0")
    file = tmp_path / "numbers.wav"
    file.write_bytes(recording())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    with upload_server(tls=server_context(tmp_path / "server.pem")) as server:
        assert server.url.startswith("https://")
        result = subprocess.run(
            ["node", shutil.copy(CLIENT, folder), server.url, str(file)],
            capture_output=True, text=True, timeout=RUN_S, check=False, cwd=folder,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(tmp_path / "ca.pem")},
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["json"]["text"] == TEN_NUMBERS
    assert [word["word"] for word in told["verbose"]["words"]] == TEN_NUMBERS.split()
    assert told["srt"].startswith("1\n00:00:00,000 --> ")
    assert "".join(told["deltas"][:-1]) == told["deltas"][-1] == TEN_NUMBERS
    assert "whisper-1" in told["models"]
    assert (told["error"]["status"], told["error"]["param"]) == (400, "response_format")
