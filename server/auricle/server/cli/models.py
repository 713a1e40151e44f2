"""``auricle models``: list, download, check and remove models."""

import json
import sys
from functools import partial
from typing import Final

import trio
from huggingface_hub import scan_cache_dir
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from auricle.engines.whisper.models.pinned import PINNED_MODELS
from auricle.engines.whisper.models.resolution import OWN_MODEL_PACKAGE, resolve_model
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.local_models import Model, Place, damaged_files, known_models
from auricle.server.cli.option_errors import OptionError
from auricle.server.printable import printable

MEGABYTE: Final = 10**6


def list_models(*, as_json: bool) -> None:
    """Print every model, and which are here."""
    models = known_models()
    if as_json:
        print(json.dumps([_document(model) for model in models], indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "languages", "size", "where"):
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=True)
    for model in models:
        table.add_row(printable(model.name), model.languages, _megabytes(model), model.place.value)
    Console(highlight=False, soft_wrap=True).print(table)


async def pull(name: str) -> Exit:
    """Download a model unless it is here. Raises `EngineUnavailable`, one sentence, where it cannot be had."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"Looking for {printable(name)}", total=None)

        def progress(stage: str, fraction: float | None) -> None:
            bar.update(task, description=stage, total=None if fraction is None else 1.0, completed=fraction or 0.0)

        folder = await trio.to_thread.run_sync(partial(resolve_model, name, progress), abandon_on_cancel=True)
    print(f"{printable(name)} is in {printable(str(folder))}")
    return Exit.GOOD


async def verify(name: str | None) -> Exit:
    """Read every byte of one model, or of all that are here; `Exit.INCOMPLETE` where one is damaged."""
    models = [model for model in known_models() if model.place is not Place.ABSENT] if name is None else [_here(name)]
    damaged = False
    for model in models:
        wrong = await trio.to_thread.run_sync(list, damaged_files(model), abandon_on_cancel=True)
        damaged = damaged or bool(wrong)
        verdict = f"damaged ({', '.join(wrong)}); {_cure(model)}" if wrong else "good"
        print(f"{printable(model.name)}: {verdict}", flush=True)
    return Exit.INCOMPLETE if damaged else Exit.GOOD


async def remove(name: str) -> Exit:
    """Delete what was downloaded of a model."""
    model = _here(name)
    if model.place is Place.OWN:
        raise OptionError(
            f"{printable(name)} was not downloaded: a checkout has it, and otherwise `pip uninstall "
            f"{OWN_MODEL_PACKAGE}` removes it."
        )
    if model.place is Place.INSTALLED:
        packages = " ".join(PINNED_MODELS[model.name].versions)
        raise OptionError(f"{printable(name)} was installed with pip: run `pip uninstall {packages}`.")
    cache = scan_cache_dir()
    commits = [
        revision.commit_hash for each in cache.repos if each.repo_id == model.repository for revision in each.revisions
    ]
    strategy = cache.delete_revisions(*commits)
    await trio.to_thread.run_sync(strategy.execute)
    print(f"{printable(name)} is removed: {strategy.expected_freed_size_str} are free again", file=sys.stdout)
    return Exit.GOOD


def _here(name: str) -> Model:
    """Return the model that is on this machine. Raises `OptionError` where it is not."""
    for model in known_models():
        if name in (model.name, model.repository) and model.place is not Place.ABSENT:
            return model
    raise OptionError(f"The model {printable(name)} is not here: `auricle models list` names those that are.")


def _cure(model: Model) -> str:
    if model.place is Place.DOWNLOADED:
        return f"run `auricle models remove {model.name}`, then `auricle models pull {model.name}`"
    return "install the package again"


def _megabytes(model: Model) -> str:
    return "" if model.size_bytes is None else f"{model.size_bytes / MEGABYTE:,.0f} MB"


def _document(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "languages": model.languages,
        "size_bytes": model.size_bytes,
        "where": model.place.value,
        "folder": None if model.folder is None else str(model.folder),
        "repository": model.repository,
    }
