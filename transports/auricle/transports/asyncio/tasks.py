"""Waiting for a task of ours whose end is certain, without losing a cancel of the waiter."""

import asyncio


async def wait_through_cancel(task: asyncio.Task[None]) -> None:
    """Wait until ``task`` has ended, and only then let a cancel of the waiter through.

    For tasks whose end the core's timers guarantee. The task's own outcome is not looked at.
    """
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def cancel_and_wait(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended."""
    if task is not None:
        task.cancel()
        await wait_through_cancel(task)
