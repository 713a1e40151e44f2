"""The page of the command line, from Typer's own commands: every command and every flag, with its variable."""

from collections.abc import Iterator
from typing import Final, Protocol, cast

import typer.main

from auricle.server.cli.main import app
from auricle.server.settings.schema import SETTINGS

HELP: Final = "--help"


class Parameter(Protocol):
    """What is read of an option or an argument of Typer's."""

    opts: list[str]
    param_type_name: str
    metavar: str | None
    help: str | None
    envvar: str | None
    hidden: bool
    required: bool


class Command(Protocol):
    """What is read of a command of Typer's."""

    name: str | None
    help: str | None
    params: list[Parameter]
    hidden: bool


def commands() -> Iterator[tuple[str, Command]]:
    """Yield every command with its full name, ``auricle models list``, in the order of the help."""
    yield from _below("auricle", cast(Command, typer.main.get_command(app)))


def _below(name: str, command: Command) -> Iterator[tuple[str, Command]]:
    yield name, command
    for word, each in getattr(command, "commands", {}).items():
        yield from _below(f"{name} {word}", each)


def flags(command: Command) -> set[str]:
    """Return every way to write an option of a command, the hidden ones too."""
    return {flag for parameter in command.params for flag in parameter.opts if flag.startswith("-")} | {HELP}


def variables() -> set[str]:
    """Return the variables that flags and settings are read from."""
    of_flags = {parameter.envvar for _, command in commands() for parameter in command.params if parameter.envvar}
    return of_flags | {setting.variable for setting in SETTINGS.values()}


def render() -> str:
    """Return the page."""
    lines = [
        "# Command line",
        "",
        "<!-- Made by `python tools/render_reference.py` from the commands; a test fails where it is stale. -->",
        "",
        "Every command has `--help`. A variable is read where its flag is not given. Every setting of the server is",
        "a flag of `auricle serve`; the rarer ones are in [configuration](../configuration.md) alone. What a command",
        "ends with is in [exit codes](exit-codes.md).",
    ]
    for name, command in commands():
        lines += ["", f"## `{name}`", "", *_about(command), *_arguments(command), *_options(command)]
    return "\n".join(lines) + "\n"


def _about(command: Command) -> Iterator[str]:
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""


def _arguments(command: Command) -> list[str]:
    given = [each for each in command.params if each.param_type_name == "argument" and not each.hidden]
    if not given:
        return []
    rows = [f"| `{each.metavar or each.opts[0].upper()}` | {_cell(each.help)} |" for each in given]
    return ["| argument | |", "|---|---|", *rows, ""]


def _options(command: Command) -> list[str]:
    given = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    if not given:
        return []
    rows = [
        f"| {_code(*each.opts)} | {_code(each.envvar) if each.envvar else ''} | {_cell(each.help)} |" for each in given
    ]
    return ["| flag | variable | |", "|---|---|---|", *rows]


def _code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
