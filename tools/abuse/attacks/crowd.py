"""Many attackers at once."""

from collections.abc import Awaitable, Callable

import trio


async def crowd(count: int, one: Callable[[int], Awaitable[None]]) -> None:
    """Run so many attackers side by side, and wait for all."""
    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(one, number)
