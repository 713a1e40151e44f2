"""`auricle config`: the effective settings with their sources, and the flags of `auricle serve`, from a shell."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from auricle.server.cli.main import app


def auricle(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Result:
    nothing = {"AURICLE_ENGINE": None, "AURICLE_CONFIG": None}
    return CliRunner(env={**nothing, **(environment or {})}).invoke(app, [str(each) for each in arguments])


def test_each_value_is_printed_with_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "auricle.toml"
    file.write_text("\nsilence_s = 0.8\nport = 1\n")
    result = auricle("config", "--config", file, "--port", "9000", environment={"AURICLE_MAX_SESSIONS": "12"})
    assert result.exit_code == 0, result.stderr
    lines = {line.split(" =")[0]: " ".join(line.split()) for line in result.stdout.splitlines()}
    assert lines["port"] == "port = 9000 # --port"
    assert lines["max_sessions"] == "max_sessions = 12 # AURICLE_MAX_SESSIONS"
    assert lines["silence_s"] == f"silence_s = 0.8 # {file}:2"
    assert lines["# device"] == "# device = # default: the engine's choice"
    assert tomllib.loads(result.stdout)["port"] == 9000


def test_programs_get_an_object() -> None:
    document = json.loads(auricle("config", "--json", "--tls-self-signed", "--allow-origin", "https://a").stdout)
    assert document["tls_self_signed"] == {"value": True, "source": "flag", "where": "--tls-self-signed"}
    assert document["allow_origin"]["value"] == ["https://a"]
    assert document["audio_idle_s"] == {"value": "inf", "source": "default", "where": None}


def test_what_settings_mean_is_printed_where_that_is_asked() -> None:
    assert "# Refuse whoever comes on top of that. It is a whole number" in auricle("config", "--explain").stdout


@pytest.mark.parametrize("command", ["serve", "config"])
def test_wrong_settings_are_one_sentence_and_status_2(command: str, tmp_path: Path) -> None:
    file = tmp_path / "auricle.toml"
    file.write_text("max_sesions = 5\n")
    result = auricle(command, "--config", file)
    assert result.exit_code == 2
    assert result.stderr == f"{file}:1: there is no setting 'max_sesions'; the nearest is max_sessions.\n"
    assert auricle(command, "--port", "x").stderr == "--port takes a whole number from 0 to 65535, and not 'x'.\n"


def test_help_names_the_usual_settings_and_where_the_others_are() -> None:
    text = " ".join(auricle("serve", "--help").stdout.split())
    assert "--max-sessions NUMBER" in text
    assert "--ack-interval-s" not in text
    assert "`auricle config --explain` prints every setting" in text
