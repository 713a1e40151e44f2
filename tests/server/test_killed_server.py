"""A server process is killed in the middle of its sessions and started again: clients go on, and tell the truth.

The full number: ``AURICLE_KILLED_SESSIONS=50 pytest tests/server/test_killed_server.py``
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trio

from auricle.core import Ack, Final, Limits, SessionClosed
from auricle.core.events import Interrupted, Restarted
from auricle.engines.scripted.script import COUNTING
from auricle.transports.trio import Client, connect
from server.processes import server_process

SESSIONS = int(os.environ.get("AURICLE_KILLED_SESSIONS", "12"))
PATIENCE_S = 60.0 + 2 * SESSIONS
RATE = 16_000
SECOND = bytes(2 * RATE)
FIRST_S, ALL_S = 7, 14
"""Seconds of audio before the kill (the first final comes at three), and in all."""
IMPATIENT = Limits(reconnect_min_s=0.05, reconnect_max_s=0.5, reconnect_timeout_s=PATIENCE_S, max_reconnects=10_000)
"""It tries often, and until a server is back that a busy machine starts slowly."""


@pytest.fixture
def slow_script(tmp_path: Path) -> Path:
    """The counting script with calls that take long enough for a drain to be interrupted."""
    words = [{"text": word.text, "start": word.start / RATE, "end": word.end / RATE} for word in COUNTING.words]
    assert COUNTING.period is not None
    path = tmp_path / "slow.json"
    path.write_text(json.dumps({"words": words, "period": COUNTING.period / RATE, "call_s": 0.001}))
    return path


@dataclass
class Witness:
    """One session: what its client was told, and what it had given."""

    ends_early: bool
    """The input ends before the kill, which then meets the drain."""
    limits: Limits = IMPATIENT
    marks: Callable[[Any], bool] = lambda event: isinstance(event, Final)
    """Whether an event is what the kill waits for."""
    given: int = 0
    events: list[Any] = field(default_factory=list)
    is_under_way: trio.Event = field(default_factory=trio.Event)
    """What the kill waits for has been heard."""

    async def stream(self, url: str, killed: trio.Event) -> None:
        async with connect(url, limits=self.limits) as client, trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, client)
            await self.give(client, ALL_S if self.ends_early else FIRST_S)
            if not self.ends_early:
                await killed.wait()
                await self.give(client, ALL_S - FIRST_S)
            await client.end_input()

    async def give(self, client: Client, seconds: int) -> None:
        for _ in range(seconds):
            await client.send_audio(SECOND)
            self.given += RATE

    async def _listen(self, client: Client) -> None:
        async for event in client:
            self.events.append(event)
            if self.marks(event):
                self.is_under_way.set()

    @property
    def closed(self) -> SessionClosed:
        assert isinstance(self.events[-1], SessionClosed)
        return self.events[-1]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def tell_the_truth(witness: Witness) -> None:
    """Whatever a client says of its session follows from what it was told, and nothing is told twice."""
    committed, segment, origin = 0, 0, 0
    for event in witness.events:
        match event:
            case Final(audio=(begin, end)):
                assert begin >= committed, "no sample is decided twice"
                assert event.segment == segment, "segments go on"
                assert event.start >= origin / RATE, "times go on"
                assert event.end <= end / RATE + 0.001
                committed, segment = end, segment + 1
            case Restarted(origin_sample=origin, lost_samples=lost):
                assert origin - lost == committed, "a new session goes on where the old one was committed"
                committed = origin
            case _:
                pass
    restarts = witness.of(Restarted)
    lost = sum(restart.lost_samples for restart in restarts)
    accounting = witness.closed.accounting
    assert accounting.offered == witness.given == ALL_S * RATE
    assert accounting.dropped == lost
    covered = sum(final.audio[1] - final.audio[0] for final in witness.of(Final))
    accounted = covered + accounting.non_speech + accounting.dropped == accounting.committed == witness.given
    assert accounted
    assert witness.closed.complete is (lost == 0)


def kill_in_the_middle(witnesses: Sequence[Witness], script: Path) -> None:
    """Hold all sessions at once; kill the server when every one is under way; start it again."""

    async def scenario() -> None:
        killed = trio.Event()
        with trio.fail_after(PATIENCE_S):
            async with AsyncExitStack() as servers:
                process, port = await servers.enter_async_context(server_process("--model", str(script)))
                async with trio.open_nursery() as nursery:
                    for witness in witnesses:
                        nursery.start_soon(witness.stream, f"ws://127.0.0.1:{port}", killed)
                    for witness in witnesses:
                        await witness.is_under_way.wait()
                    process.kill()
                    await process.wait()
                    killed.set()
                    await servers.enter_async_context(server_process("--model", str(script), port=port))

    trio.run(scenario)


def test_a_killed_server_costs_no_client_a_word_or_the_truth(slow_script: Path) -> None:
    witnesses = [Witness(ends_early=number % 3 == 0) for number in range(SESSIONS)]
    kill_in_the_middle(witnesses, slow_script)
    for witness in witnesses:
        tell_the_truth(witness)
        assert witness.closed.complete is True, "the audio that was not decided was still held, and was sent again"
    streaming = [witness for witness in witnesses if not witness.ends_early]
    assert all(len(witness.of(Interrupted)) >= 1 for witness in streaming)
    assert all(len(witness.of(Restarted)) == 1 for witness in streaming)
    draining = [witness for witness in witnesses if witness.ends_early]
    assert any(witness.of(Restarted) for witness in draining), "the kill met a drain"


def test_a_client_that_kept_too_little_says_what_is_lost(slow_script: Path) -> None:
    def has_everything(event: Any) -> bool:
        return isinstance(event, Ack) and event.received == FIRST_S * RATE

    forgetful = replace(IMPATIENT, ring_s=0.5)
    witnesses = [Witness(ends_early=False, limits=forgetful, marks=has_everything) for _ in range(3)]
    kill_in_the_middle(witnesses, slow_script)
    for witness in witnesses:
        tell_the_truth(witness)
        assert witness.closed.accounting.dropped > 0


def test_a_server_that_stays_away_is_a_loss_and_nothing_else(slow_script: Path) -> None:
    witness = Witness(ends_early=False)
    patience = Limits(reconnect_min_s=0.01, reconnect_max_s=0.02, max_reconnects=5)

    async def scenario() -> None:
        with trio.fail_after(PATIENCE_S):
            async with (
                server_process("--model", str(slow_script)) as (process, port),
                connect(f"ws://127.0.0.1:{port}", limits=patience) as client,
            ):
                await witness.give(client, FIRST_S)
                async for event in client:
                    witness.events.append(event)
                    if isinstance(event, Final):
                        process.kill()

    trio.run(scenario)
    assert (witness.closed.reason, witness.closed.complete) == ("lost", False)
    assert witness.closed.accounting.committed == max(final.audio[1] for final in witness.of(Final)) < witness.given
    assert witness.of(Restarted) == []
