"""The settings of the server as options of a command: each one a flag, made from the table."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from auricle.server.settings.kinds import (
    Choice,
    Names,
    NodeName,
    Number,
    Origins,
    Secret,
    Switch,
    Text,
    Value,
    Whole,
    as_toml,
)
from auricle.server.settings.schema import SETTINGS, Setting

LARGE: Final = 1e5
"""From here on nobody asks for the bound of a number."""
_METAVARS: Final = {
    Whole: "NUMBER",
    Number: "NUMBER",
    Origins: "ORIGIN",
    Names: "NAME",
    NodeName: "NAME",
    Text: "TEXT",
    Secret: "SECRET",
}


def add_setting_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of all settings; it gets those that were given as ``flags``, by their names.

    Typer reads options from a signature, so this makes one: of the command's own parameters, and one a setting.
    """

    def run(**values: Any) -> None:
        flags = {name: _flag_value(values.pop(name)) for name in SETTINGS}
        command(flags=flags, **values)

    own = [each for each in inspect.signature(command).parameters.values() if each.name != "flags"]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_option(setting))
        for name, setting in SETTINGS.items()
    ]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {each.name: each.annotation for each in (*own, *options)}
    setattr(run, "__signature__", inspect.Signature([*own, *options]))  # noqa: B010 - functions are not typed to have one
    return run


def _flag_value(value: Any) -> Value:
    return tuple(value) if isinstance(value, list) else value


def _option(setting: Setting) -> Any:
    text = f"{setting.help} [{setting.variable}; {_default(setting)}{_bounds(setting)}]"
    hidden = not setting.common
    match setting.kind:
        case Switch():
            flags = f"{setting.flag}/--no-{setting.flag.removeprefix('--')}"
            return Annotated[bool | None, typer.Option(flags, help=text, hidden=hidden, show_default=False)]
        case Origins() | Names():
            option = typer.Option(setting.flag, help=text, hidden=hidden, metavar=_METAVARS[type(setting.kind)])
            return Annotated[list[str] | None, option]
        case Choice(words=words):
            option = typer.Option(setting.flag, help=text, hidden=hidden, metavar="|".join(words))
        case Text(what="a file"):
            option = typer.Option(setting.flag, help=text, hidden=hidden, metavar="FILE")
        case kind:
            option = typer.Option(setting.flag, help=text, hidden=hidden, metavar=_METAVARS[type(kind)])
    return Annotated[str | None, option]


def _default(setting: Setting) -> str:
    if setting.default is None:
        return f"without it: {setting.unset}"
    return f"default: {as_toml(setting.default) if setting.default != () else 'none'}".replace('"', "")


def _bounds(setting: Setting) -> str:
    kind = setting.kind
    return f"; {kind.least:g} to {kind.most:g}" if isinstance(kind, Whole | Number) and kind.most < LARGE else ""
