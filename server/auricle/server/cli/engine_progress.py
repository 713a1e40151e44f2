"""Waiting for the engine with a progress bar: a model may have to be downloaded first."""

from collections.abc import Awaitable, Callable
from typing import Final

import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from auricle.server.app import SpeechServer

PROGRESS_AFTER_S: Final = 0.5
"""Seconds of waiting after which the progress bar is shown."""
REFRESH_S: Final = 0.1


async def wait_for_engine(server: SpeechServer, console: Console, wait: Callable[[], Awaitable[str]]) -> str:
    """Wait for the engine, as ``wait`` says for how long, and return its name and model. Raises `EngineUnavailable`.

    On a terminal a bar shows the loading stage; elsewhere nothing is written.
    """
    with trio.move_on_after(PROGRESS_AFTER_S):
        return await wait()
    if not console.is_terminal:
        return await wait()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    async with trio.open_nursery() as nursery:
        with Progress(*columns, console=console, transient=True) as progress:
            nursery.start_soon(_follow, server, progress)
            engine = await wait()
        nursery.cancel_scope.cancel()
    return engine


async def _follow(server: SpeechServer, progress: Progress) -> None:
    task = progress.add_task("", total=None)
    while True:
        loading = server.loading
        total = None if loading.fraction is None else 1.0
        progress.update(task, description=loading.stage, total=total, completed=loading.fraction or 0.0)
        await trio.sleep(REFRESH_S)
