"""Sessions whose connections are cut from outside end as if nothing had happened.

The full numbers, about a minute: ``AURICLE_CUT_SESSIONS=300 pytest tests/server/test_cut_sessions.py``; other moments
with ``AURICLE_CUT_SEED=2``.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
import trio

import auricle.transports.asyncio as asyncio_transport
import auricle.transports.trio as trio_transport
from auricle.core import Features, Final, Limits, SessionClosed, Start
from auricle.core.events import Interrupted
from auricle.transports.client import BaseClient
from server.clients import BACKENDS, Backend
from server.cutting_proxy import CuttingProxy, plan, serving
from server.misbehaving_servers import running
from server.test_server import auricle

SESSIONS = int(os.environ.get("AURICLE_CUT_SESSIONS", "30"))
SEED = os.environ.get("AURICLE_CUT_SEED", "1")
PATIENCE_S = 60.0 + SESSIONS
SECOND = bytes(32_000)
SECONDS = 12
PREBUFFER_BYTES = 3 * len(SECOND)
"""More than a client can send before it has heard ``ready`` (2 s and the frames around them)."""
CONFIG = Start(features=Features(words=True))
IMPATIENT = Limits(reconnect_min_s=0.01, reconnect_max_s=0.1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be the same, cut or not, and how often the session was cut."""

    finals: tuple[Final, ...]
    closed: SessionClosed
    interruptions: int

    @property
    def said(self) -> tuple[Final, ...]:
        """The finals, whatever number the message had."""
        return tuple(replace(final, seq=1) for final in self.finals)


async def converse(client: BaseClient) -> Outcome:
    for _ in range(SECONDS):
        await client.send_audio(SECOND)
    await client.end_input()
    events: list[Any] = [event async for event in client]
    finals = tuple(event for event in events if isinstance(event, Final))
    return Outcome(finals, events[-1], sum(isinstance(event, Interrupted) for event in events))


def converse_all(backend: Backend, urls: Sequence[str]) -> list[Outcome]:
    """Hold a conversation with each URL, all at once."""
    arguments: dict[str, Any] = {"config": CONFIG, "limits": IMPATIENT}

    async def with_trio() -> list[Outcome]:
        outcomes: list[Outcome] = []

        async def one(url: str) -> None:
            async with trio_transport.connect(url, **arguments) as client:
                outcomes.append(await converse(client))

        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                for url in urls:
                    nursery.start_soon(one, url)
        return outcomes

    async def with_asyncio() -> list[Outcome]:
        async def one(url: str) -> Outcome:
            async with asyncio_transport.connect(url, **arguments) as client:
                return await converse(client)

        async with asyncio.timeout(PATIENCE_S):
            return list(await asyncio.gather(*map(one, urls)))

    return trio.run(with_trio) if backend == "trio" else asyncio.run(with_asyncio())


@pytest.mark.parametrize("backend", BACKENDS)
def test_sessions_that_are_cut_end_complete_with_exactly_what_an_uncut_one_says(backend: Backend) -> None:
    random = Random(f"{backend} {SEED}")
    plans = [plan(random, first_up=PREBUFFER_BYTES, audio_bytes=SECONDS * len(SECOND)) for _ in range(SESSIONS)]
    with auricle(limits=Limits(window_s=4.0)) as url:
        (uncut,) = converse_all(backend, [url])
        proxies = [CuttingProxy(int(url.split(":")[2].split("/")[0]), cuts) for cuts in plans]
        with running(serving(proxies)) as ports:
            outcomes = converse_all(backend, [f"ws://127.0.0.1:{port}" for port in ports])  # type: ignore[attr-defined]

    assert uncut.interruptions == 0
    assert uncut.closed.complete is True
    assert len(uncut.finals) > 3
    for outcome in outcomes:
        assert outcome.closed.complete is True, outcome.closed
        assert outcome.said == uncut.said
    made = [cut for proxy in proxies for cut in proxy.made]
    assert len(made) == sum(map(len, plans)), "every cut was made"
    assert {cut.where for cut in made} == {"up", "down", "drain"}
    assert {cut.how for cut in made} == {"reset", "eof"}
    assert all(outcome.interruptions >= 1 for outcome in outcomes)
