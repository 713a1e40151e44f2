"""Ending a task of ours without losing a cancel of our own."""

import asyncio


async def cancel_and_wait(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended; a cancel of the waiter is let through only then.

    For tasks that end at once when cancelled. Their own outcome is not looked at.
    """
    if task is None:
        return
    task.cancel()
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
