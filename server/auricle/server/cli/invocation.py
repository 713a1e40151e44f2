"""What running a command has in common: its settings, errors as one sentence, and the exit status."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.lazy import lazy_module
from auricle.server.cli.option_errors import OptionError
from auricle.server.settings.kinds import Value
from auricle.server.settings.sources import FILE_VARIABLE, SettingsError

if TYPE_CHECKING:
    from auricle.server.cli import running
    from auricle.server.settings import effective
else:
    effective = lazy_module("auricle.server.settings.effective")
    running = lazy_module("auricle.server.cli.running")

Argument = TypeVar("Argument")
Made = TypeVar("Made")

ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help=f"A TOML file of settings. Flags and variables win. [{FILE_VARIABLE}]"
    ),
]


def run(command: Callable[[Argument], Awaitable[Exit]], argument: Argument) -> None:
    """Run a command, and exit with its status."""
    raise typer.Exit(int(running.run(command, argument)))


def checked(make: Callable[[], Made]) -> Made:
    """Return what ``make`` makes of options; where they are wrong, exit with the sentence that says so."""
    try:
        return make()
    except (OptionError, SettingsError) as error:
        exit_with_error(str(error))


def read_settings(flags: Mapping[str, Value], file: str | None) -> "effective.Effective":
    """Return the effective settings, with the environment as it is. Raises `SettingsError`."""
    return effective.effective(flags, os.environ, file)


def effective_settings(flags: Mapping[str, Value], file: str | None) -> "effective.Effective":
    """Return the same; where a setting is wrong, exit with the sentence that says so."""
    return checked(lambda: read_settings(flags, file))


def exit_with_error(sentence: str) -> NoReturn:
    """Print a sentence, and exit."""
    print(sentence, file=sys.stderr)
    raise typer.Exit(int(Exit.BAD_INPUT))
