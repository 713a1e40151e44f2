"""How late a task of the event loop runs that is due: what every session pays when somebody blocks the loop."""

from collections.abc import Callable
from typing import Final

import trio

EVERY_S: Final = 0.25
"""Seconds between two measurements: four a second see what lasts, and cost nothing."""


async def watch_lag(observe: Callable[[float], None]) -> None:
    """Call ``observe`` with the lag in seconds, for ever."""
    while True:
        due_at = trio.current_time() + EVERY_S
        await trio.sleep_until(due_at)
        observe(max(0.0, trio.current_time() - due_at))
