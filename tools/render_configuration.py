"""Render the reference of the settings into ``docs/configuration.md``, or check that it is what the table says.

``python tools/render_configuration.py`` writes, ``python tools/render_configuration.py --check`` compares.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from auricle.server.settings.kinds import as_toml
from auricle.server.settings.schema import SETTINGS, Group, Setting

PAGE: Final = Path(__file__).parents[1] / "docs" / "configuration.md"
TEMPLATE: Final = Path(__file__).parent / "spec" / "configuration.template.md"
PLACE: Final = "{{settings}}"


def render() -> str:
    """Return the page."""
    tables = "\n".join(_table(group) for group in Group)
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACE, tables.rstrip("\n"))


def _table(group: Group) -> str:
    rows = [_row(setting) for setting in SETTINGS.values() if setting.group is group]
    head = "| key | flag, variable | default | meaning |\n|---|---|---|---|\n"
    return f"### {group}\n\n{head}{''.join(rows)}"


def _row(setting: Setting) -> str:
    default = f"*{setting.unset}*" if setting.default is None else f"`{as_toml(setting.default)}`"
    takes = setting.kind.takes.removeprefix("a ")
    meaning = f"{setting.help} Takes: {takes}.{' Read again at SIGHUP.' if setting.reloads else ''}"
    names = f"`{setting.flag}`<br>`{setting.variable}`"
    return f"| `{setting.name}` | {names} | {default} | {meaning.replace('|', chr(92) + '|')} |\n"


def main(arguments: Sequence[str], page: Path = PAGE) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description="Render the reference of the settings.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is stale")
    if not parser.parse_args(arguments).check:
        page.write_text(render(), encoding="utf-8")
        return 0
    if page.exists() and page.read_text(encoding="utf-8") == render():
        return 0
    print(
        f"Not what the table says any more: {page.name}; run 'python tools/render_configuration.py'.", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
