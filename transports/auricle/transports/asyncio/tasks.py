"""Waiting for tasks, without losing a cancel of the waiting task."""

import asyncio


async def cancel_and_wait(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended; a cancel of the caller is raised only after that.

    For tasks that end at once when cancelled. Their result or exception is ignored. ``task`` None does nothing.
    """
    if task is not None:
        task.cancel()
        await wait_shielded(task)


async def wait_shielded(task: asyncio.Task[None]) -> None:
    """Wait until a task has ended; a cancel of the caller leaves the task alone, and is raised only after that.

    Its result or exception is ignored.
    """
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
