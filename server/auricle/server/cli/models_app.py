"""The commands of ``auricle models``."""

from typing import TYPE_CHECKING, Annotated

import typer

from auricle.server.cli.invocation import run
from auricle.server.cli.lazy import lazy_module

if TYPE_CHECKING:
    from auricle.server.cli import models as models_command
else:
    models_command = lazy_module("auricle.server.cli.models")

models_app = typer.Typer(help="List, download, check and remove models.", no_args_is_help=True, rich_markup_mode=None)


@models_app.command("list")
def models_list(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Name the models, what they are, and which of them are here."""
    models_command.list_models(as_json=as_json)


ModelName = Annotated[str, typer.Argument(help="A name of `auricle models list`, or owner/name of the hub.")]


@models_app.command("pull")
def models_pull(name: ModelName) -> None:
    """Download a model, unless it is here, and check it."""
    run(models_command.pull, name)


@models_app.command("verify")
def models_verify(
    name: Annotated[str | None, typer.Argument(help="A model; without it, all that are here.")] = None,
) -> None:
    """Check every byte of the models that are here.

    Exit status 1 where one is damaged.
    """
    run(models_command.verify, name)


@models_app.command("remove")
def models_remove(name: ModelName) -> None:
    """Delete a model that was downloaded."""
    run(models_command.remove, name)
