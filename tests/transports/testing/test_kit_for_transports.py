"""The kit for transports, run on every wire we have; and each of its checks killing a wire that breaks its rule."""

import asyncio

import pytest
import trio

from auricle.transports.in_memory_wire import memory_pair
from auricle.transports.testing.asyncio import AsyncioLoop
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.transport import CHECKS, TRICKLING, Check, run_check
from auricle.transports.testing.trio import Trickle, TrioLoop
from transports.testing.wire_pairs import asyncio_pair, trio_pair

LOOPS = [pytest.param(TrioLoop(), id="trio"), pytest.param(AsyncioLoop(), id="asyncio")]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_memory(loop: Loop, check: Check) -> None:
    loop.run(lambda: run_check(loop, check, lambda: memory_pair(loop.signal)))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_trio_websocket(check: Check) -> None:
    trio.run(run_check, TrioLoop(), check, trio_pair)


@pytest.mark.parametrize("check", TRICKLING, ids=lambda check: check.__name__)
def test_trio_websocket_byte_by_byte(check: Check) -> None:
    trio.run(run_check, TrioLoop(), check, lambda: trio_pair(Trickle))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_aiohttp(check: Check) -> None:
    asyncio.run(run_check(AsyncioLoop(), check, asyncio_pair))
