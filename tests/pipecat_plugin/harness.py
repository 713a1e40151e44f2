"""Runs a pipeline with the service against a simulated server, on virtual time: the base of every scenario."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from livekit_plugin.fake_engine import BLOCK, RATE, frame_of
from livekit_plugin.simulated_server import SimulatedServer
from pipecat.frames.frames import CancelFrame

from auricle.transports.asyncio import client as asyncio_client
from auricle.transports.testing.asyncio import AsyncioLoop
from pipecat_auricle import AuricleSTTService
from pipecat_plugin.running_pipeline import RunningPipeline, now

EPOCH_S = 1_800_000_000.0
"""Wall-clock time at which virtual time begins."""
KEY = "a-secret-key"


class Harness(RunningPipeline):
    """One server, and a pipeline with our service."""

    stt: AuricleSTTService

    def __init__(self, server: SimulatedServer, **options: Any) -> None:
        super().__init__(AuricleSTTService(url="ws://sim.invalid/?token=query-secret", api_key=KEY, **options))
        self.server = server

    async def say(self, *values: int, blocks: int = 10) -> None:
        """Push audio in real time: each value for so many blocks of 10 ms."""
        for value in values:
            for _ in range(blocks):
                await asyncio.sleep(BLOCK / RATE)
                await self.hear(frame_of(value))


async def call_here(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return function(*arguments, **named)


def run_scenario(
    monkeypatch: pytest.MonkeyPatch,
    scenario: Callable[[Harness], Awaitable[Any]],
    server: SimulatedServer | None = None,
    **options: Any,
) -> Any:
    """Run a scenario on virtual time, in a pipeline that has started. Fails where it does not end, or leaves a task."""

    async def main() -> Any:
        with monkeypatch.context() as patch:
            there = server or SimulatedServer()
            patch.setattr(asyncio_client, "open_websocket", there.open_websocket)
            patch.setattr(asyncio_client, "getrandbits", lambda bits: 0)  # the same jitter at every run
            patch.setattr(time, "time", lambda: EPOCH_S + now())
            patch.setattr(time, "monotonic", now)
            patch.setattr(asyncio, "to_thread", call_here)  # a thread's time is real
            harness = Harness(there, **options)
            await harness.begin()
            try:
                return await scenario(harness)
            finally:
                await harness.end(CancelFrame())
                await there.aclose()

    return AsyncioLoop().run(main)
