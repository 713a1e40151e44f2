"""The units of systemd, as its own tools read them."""

import configparser
import re
import sys
from pathlib import Path

import pytest
from reference import commands

from auricle.server.app import ServerConfig
from deploy.linters import DEPLOY, DRAIN_S, lint

UNITS = DEPLOY / "systemd"
SYSTEMD = "apt-get install systemd"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with a program that is here."""
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8").replace("/opt/auricle/bin/auricle", sys.executable)
        place = tmp_path / ("auricle.service.d" if unit.suffix == ".conf" else "")
        place.mkdir(exist_ok=True)
        (place / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


def read(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((UNITS / name).read_text(encoding="utf-8"))
    return unit


def test_systemd_reads_them_without_a_complaint(installed: Path) -> None:
    assert (
        lint("systemd-analyze", "verify", installed / "auricle.service", installed / "auricle.socket", where=SYSTEMD)
        == ""
    )


def test_a_directive_that_it_does_not_know_is_told(installed: Path) -> None:
    with (installed / "auricle.service").open("a", encoding="utf-8") as unit:
        unit.write("NoSuchThing=yes\n")
    assert "NoSuchThing" in lint("systemd-analyze", "verify", installed / "auricle.service", where=SYSTEMD)


def test_the_service_may_do_little(installed: Path) -> None:
    (installed / "auricle.service.d" / "gpu.conf").unlink()
    said = lint(
        "systemd-analyze", "security", "--offline=true", "--threshold=20", installed / "auricle.service", where=SYSTEMD
    )
    assert re.search(r"Overall exposure level for auricle\.service: 1\.\d", said)


def test_it_gets_the_time_for_its_drain_and_the_model_lives_until_its_end() -> None:
    service = read("auricle.service")["Service"]
    assert ServerConfig().drain_timeout_s == DRAIN_S
    assert float(service["TimeoutStopSec"]) > DRAIN_S
    assert service["KillMode"] == "mixed"
    assert service["Type"] == "notify"


def test_what_is_counted_is_kept_where_it_may_write() -> None:
    text = (UNITS / "auricle.service").read_text(encoding="utf-8")
    (folder,) = re.findall(r"^StateDirectory=(.+)$", text, re.MULTILINE)
    assert f"Environment=AURICLE_USAGE_FILE=%S/{folder}/" in text


def test_it_runs_a_command_that_there_is() -> None:
    program, *words = read("auricle.service")["Service"]["ExecStart"].split()
    assert program.endswith("/bin/auricle")
    assert f"auricle {words[0]}" in dict(commands.commands())
