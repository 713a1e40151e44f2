"""The most memory that the server and its processes have during an attack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from abuse.fates import Fates
from abuse.target import Target

MIB: Final = 1 << 20
MOST_BYTES: Final = 1 << 30
"""More than this, of all processes together, is a fault."""
LOOK_S: Final = 0.05


@asynccontextmanager
async def memory_watched(target: Target, fates: Fates) -> AsyncIterator[None]:
    """Watch it for the length of the block, and note it."""
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, target.family_bytes())
            await trio.sleep(LOOK_S)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        yield
        nursery.cancel_scope.cancel()
    fates.notes.append(f"at most {most / MIB:.0f} MiB")
    if most > MOST_BYTES:
        fates.faults.append(f"It took {most / MIB:.0f} MiB.")
