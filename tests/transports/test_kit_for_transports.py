"""The kit for transports, run on every wire we have; and each of its checks killing a wire that breaks its rule."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from auricle.transports.testing.asyncio import AsyncioLoop
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.memory import memory_pair
from auricle.transports.testing.transport import CHECKS, Check, run_check
from auricle.transports.testing.trio import TrioLoop

LOOPS = [pytest.param(TrioLoop(), id="trio"), pytest.param(AsyncioLoop(), id="asyncio")]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_memory(loop: Loop, check: Check) -> None:
    loop.run(lambda: run_check(loop, check, lambda: memory_pair(loop)))
