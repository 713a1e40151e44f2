"""Calls that are given up: nobody waits for them, and none begins behind them."""

import anyio
import pytest

from auricle.engines.protocol import EngineError
from auricle.engines.scheduling.native_calls import Calls


async def never(call):
    await anyio.sleep_forever()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_call_begins_once_they_are_given_up(backend):
    async def scenario():
        calls = Calls(never)
        failures: list[str] = []

        async def stubborn() -> None:
            """Tries again, as whoever has more windows does."""
            for _ in range(3):
                try:
                    await calls.run(lambda: None)
                except EngineError as error:
                    failures.append(str(error))

        with anyio.fail_after(20.0):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stubborn)
                while not calls._running:
                    await anyio.lowlevel.checkpoint()
                calls.give_up()
        assert failures == ["The engine did not return."] * 3
        assert calls.abandoned == 1

    anyio.run(scenario, backend=backend)
