"""``auricle conform`` as a user types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from auricle.core import server_receive
from auricle.core.messages import Pong
from auricle.server.cli.main import app
from auricle.transports.testing.conformance import CHECKS
from server.test_server import auricle

HELLO = Path(__file__).parents[3] / "examples" / "audio" / "hello.flac"


def conform(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["conform", *map(str, arguments)])


def test_a_few_checks_of_our_server() -> None:
    with auricle() as url:
        result = conform(url, "--only", "ping", "--only", "legacy-ready", "--audio", HELLO)
    assert result.exit_code == 0, result.output
    first, second, total = result.stdout.splitlines()
    assert first.split()[:2] == ["passed", "ping"]
    assert second.split()[:2] == ["passed", "legacy-ready"]
    assert total == "2 passed, 0 failed, 0 not applicable."


def test_as_json() -> None:
    with auricle() as url:
        result = conform(url, "--only", "accounting", "--json")
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["outcome"] == "passed"


def test_a_server_that_fails_is_status_1_and_shows_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_receive, "Pong", lambda **fields: Pong(**{**fields, "id": "another"}))
    with auricle() as url:
        result = conform(url, "--only", "ping")
    assert result.exit_code == 1
    assert result.stdout.startswith("failed")
    assert "S> " in result.stdout
    assert result.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 not applicable."


def test_the_list_names_every_check() -> None:
    result = conform("--list")
    assert [line.split()[0] for line in result.stdout.splitlines()] == [check.id for check in CHECKS]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ftp://here",), "is not the URL of a server"),
        (("ws://127.0.0.1:9",), "No WebSocket can be opened at ws://127.0.0.1:9"),
        (("ws://127.0.0.1:9", "--only", "pnig"), "There is no check 'pnig'"),
        (("ws://127.0.0.1:9", "--audio", "none.wav"), "Cannot read none.wav"),
    ],
)
def test_what_a_user_can_get_wrong_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = conform(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_without_a_url_it_says_what_to_do() -> None:
    result = conform()
    assert result.exit_code == 2
    assert "name the server" in result.stderr
