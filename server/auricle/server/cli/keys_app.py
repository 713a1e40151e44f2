"""The commands of ``auricle keys``."""

from typing import TYPE_CHECKING, Annotated

import typer

from auricle.server.cli.invocation import ConfigFile, checked, effective_settings, exit_with_error, run
from auricle.server.cli.lazy import lazy_module
from auricle.server.cli.option_values import AUDIO_MINUTES, REQUESTS, SCOPE, SESSIONS
from auricle.server.keys.scopes import Scope

if TYPE_CHECKING:
    from auricle.server.cli import keys as keys_command
else:
    keys_command = lazy_module("auricle.server.cli.keys")

keys_app = typer.Typer(help="Make, list and revoke the keys of a server.", no_args_is_help=True, rich_markup_mode=None)

KeysFile = Annotated[
    str | None, typer.Option("--keys-file", metavar="FILE", help="The file of keys. [AURICLE_KEYS_FILE]")
]


@keys_app.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(help="Whose key it is, for the log and for `auricle keys revoke`.")],
    keys_file: KeysFile = None,
    config: ConfigFile = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="|".join(SCOPE.words),
            autocompletion=SCOPE.complete,
            help="operator is for /status and /metrics; may be given again.",
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="A date, as in 2027-12-31, or a time from now, as in 90d.")
    ] = None,
    sessions: Annotated[str | None, typer.Option("--sessions", metavar="NUMBER", help="Most sessions at once.")] = None,
    requests_per_minute: Annotated[
        str | None,
        typer.Option("--requests-per-minute", metavar="NUMBER", help="Most sessions and uploads begun in a minute."),
    ] = None,
    audio_minutes_per_day: Annotated[
        str | None, typer.Option("--audio-minutes-per-day", metavar="MINUTES", help="Most audio in a day of UTC.")
    ] = None,
) -> None:
    """Make a key, and print it this once."""
    chosen = checked(lambda: [SCOPE.read_given(scope) for scope in scopes or ()])
    most, requests = checked(lambda: (SESSIONS.read(sessions), REQUESTS.read(requests_per_minute)))
    minutes = checked(lambda: AUDIO_MINUTES.read(audio_minutes_per_day))
    wanted = keys_command.NewKey(
        file=_keys_file(keys_file, config),
        name=name,
        expires=expires,
        scopes=tuple(Scope(scope) for scope in chosen),
        sessions=most,
        requests_per_minute=requests,
        audio_minutes_per_day=minutes,
    )
    run(keys_command.add, wanted)


@keys_app.command("list")
def keys_list(
    keys_file: KeysFile = None,
    config: ConfigFile = None,
    usage_file: Annotated[
        str | None,
        typer.Option("--usage-file", metavar="FILE", help="The audio that keys have had today. [AURICLE_USAGE_FILE]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Name the keys, what they are good for, and what they have had today."""
    file = _keys_file(keys_file, config)
    usage = effective_settings({"usage_file": usage_file}, config).value("usage_file")
    checked(lambda: keys_command.print_keys(file, None if usage is None else str(usage), as_json=as_json))


@keys_app.command("revoke")
@keys_app.command("remove", hidden=True)
def keys_revoke(
    name: Annotated[str, typer.Argument(help="As `auricle keys list` has it.")],
    keys_file: KeysFile = None,
    config: ConfigFile = None,
) -> None:
    """Take a key away; a running server ends its sessions at SIGHUP."""
    run(keys_command.revoke, keys_command.Named(file=_keys_file(keys_file, config), name=name))


def _keys_file(file: str | None, config: str | None) -> str:
    """Return the path of the file of keys, by its flag, its variable, or the file of settings."""
    named = effective_settings({"keys_file": file}, config).value("keys_file")
    if named is None:
        exit_with_error("Name the file of keys: --keys-file FILE, or AURICLE_KEYS_FILE.")
    return str(named)
