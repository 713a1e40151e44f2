"""What the public client says when a session is over, against both drivers, on virtual time."""

import json
from typing import Any, cast

import pytest

from auricle.core import LocalProtocolError
from auricle.transports.errors import SessionOver
from auricle.transports.testing.driver_harness import DrivenClient, DriverHarness, run_scenario
from transports.drivers import DRIVERS

either = pytest.mark.parametrize("driver", ["trio", "asyncio"])
SECOND = bytes(32_000)


@either
def test_sending_after_the_server_has_ended_the_input_says_that_the_session_is_over(driver: str) -> None:
    async def scenario(harness: DriverHarness) -> None:
        harness.peer.ready()
        outcomes: list[str] = []

        async def send(client: DrivenClient) -> None:
            with pytest.raises(SessionOver) as caught:
                await client.send_audio(SECOND)
            outcomes.append(caught.value.closed.reason)

        async def flush(client: DrivenClient) -> None:
            with pytest.raises(SessionOver) as caught:
                await client.flush()
            outcomes.append(caught.value.closed.reason)

        async with harness.connect() as client, harness.loop.tasks() as tasks:
            harness.peer.send_message("input_ended", received=0, by="server", code="shutdown")
            await harness.loop.settle()
            waiting = [tasks.start(lambda v=verb: v(client)) for verb in (send, flush)]  # type: ignore[misc]
            await harness.loop.settle()
            stats = {"received": 0, "processed": 0, "committed": 0}
            harness.peer.send_message("closed", reason="shutdown", code=1012, complete=False, stats=stats)
            harness.peer.hang_up()
            for task in waiting:
                await task.join()
        assert outcomes == ["shutdown"] * 2

    run_scenario(*DRIVERS[driver], scenario)


@either
def test_sending_after_our_own_end_of_input_is_our_own_mistake(driver: str) -> None:
    async def scenario(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client:
            await client.end_input()
            with pytest.raises(LocalProtocolError, match="the input has ended"):
                await client.send_audio(SECOND)
            with pytest.raises(LocalProtocolError, match="the input has ended"):
                await client.flush()
            harness.peer.hang_up()

    run_scenario(*DRIVERS[driver], scenario)


@either
def test_a_turn_is_ended_by_hand_as_a_flush_is_asked_for(driver: str) -> None:
    async def scenario(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client:
            ours = cast(Any, client).driven  # the kit asks no driver for turns
            flush_id = await ours.end_turn()
            await harness.loop.settle()
            said = json.loads(harness.peer.wire.sent[-1])
            assert (said["type"], said["id"], said["end_turn"]) == ("flush", flush_id, True)
            assert await ours.flush() != flush_id
            harness.peer.hang_up()

    run_scenario(*DRIVERS[driver], scenario)
