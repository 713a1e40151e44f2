"""The reference of the settings is what the table says, in both directions."""

import re
from pathlib import Path

import pytest
import render_configuration

from auricle.server.cli.main import app
from auricle.server.settings.schema import SETTINGS
from auricle.server.settings.sources import OTHER_VARIABLES


def test_what_is_in_docs_is_what_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert render_configuration.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_page_fails_the_check_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "configuration.md"
    assert render_configuration.main([], page) == 0
    assert render_configuration.main(["--check"], page) == 0
    page.write_text(page.read_text().replace("8765", "8766"))
    assert render_configuration.main(["--check"], page) == 1
    assert "configuration.md" in capsys.readouterr().err


def test_the_page_has_every_setting_and_no_other() -> None:
    page = render_configuration.PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(--[\w-]+)`<br>`(\w+)` \|", page, re.MULTILINE)
    assert rows == [(each.name, each.flag, each.variable) for each in SETTINGS.values()]
    assert set(re.findall(r"AURICLE_\w+", page)) <= {each.variable for each in SETTINGS.values()} | set(OTHER_VARIABLES)


@pytest.mark.parametrize("name", ["serve", "config"])
def test_every_setting_is_a_flag_and_every_flag_a_setting_but_its_own(name: str) -> None:
    (command,) = (each for each in app.registered_commands if (each.name or each.callback.__name__) == name)  # type: ignore[union-attr]
    assert command.callback is not None
    names = set(command.callback.__annotations__)
    own = {"serve": {"config", "verbose"}, "config": {"config", "as_json", "explains"}}[name]
    assert names == SETTINGS.keys() | own
