"""The cancellation sweep: a story is run once per step, and the application is cancelled at that step."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from auricle.core import Limits
from auricle.transports.errors import ConnectFailed, SessionOver
from auricle.transports.testing.driver_harness import Drive, DrivenClient, DriverHarness, read_all, run_scenario
from auricle.transports.testing.loop import Loop, Task, require
from auricle.transports.testing.model_server import ModelServer

SECOND: Final = bytes(32_000)
LONGEST_LEAVE_S: Final = max(Limits().close_timeout_s, Limits().abort_timeout_s) + 0.1
Story = Callable[[DriverHarness, DrivenClient], Awaitable[None]]
"""The calls of an application on its client, before it reads all events."""


async def from_start_to_end(harness: DriverHarness, client: DrivenClient) -> None:
    """Audio, a flush, the end."""
    await client.send_audio(SECOND)
    await client.flush()
    await client.send_audio(SECOND)
    await client.end_input()


async def through_a_lost_wire(harness: DriverHarness, client: DrivenClient) -> None:
    """The wire breaks half way, and the session goes on over another one."""
    await client.send_audio(SECOND)
    await harness.peer.wait_for_audio(len(SECOND))
    harness.peer.hang_up("reset", 1006)
    await client.send_audio(SECOND)
    await client.end_input()


async def against_a_clogged_wire(harness: DriverHarness, client: DrivenClient) -> None:
    """The peer stops reading; there is no room for more; then it reads again."""
    harness.wire.clogged = True
    async with harness.loop.tasks() as tasks:
        sender = tasks.start(lambda: client.send_audio(SECOND * 45))
        await harness.loop.sleep(2.0)
        harness.peer.unclog()
        await sender.join()
    await client.end_input()


async def leaving_early(harness: DriverHarness, client: DrivenClient) -> None:
    """The application closes in the middle of the session."""
    await client.send_audio(SECOND)
    await client.aclose()


STORIES: Final[tuple[Story, ...]] = (
    from_start_to_end,
    through_a_lost_wire,
    against_a_clogged_wire,
    leaving_early,
)


class _Cut:
    """Cancels a task at the k-th step of the loop after it was started, and again some steps later."""

    def __init__(self, loop: Loop, at: int, again_after: int) -> None:
        self.at = at
        self.again_after = again_after
        self.task: Task | None = None
        self.made_at: float | None = None
        self._loop = loop
        self._steps = 0

    def step(self) -> None:
        """Count a step of the loop, and cancel the task where it is due."""
        if self.task is None:
            return
        self._steps += 1
        if self._steps in (self.at, self.at + self.again_after) and not self.task.done:
            self.made_at = self._loop.now()
            self.task.cancel()


class Sweep:
    """A scenario: one story, cancelled at one step."""

    def __init__(self, story: Story, cut: _Cut) -> None:
        self._story = story
        self._cut = cut
        self._clients: list[DrivenClient] = []
        self._whole = False
        again = f" and again {cut.again_after} later" if cut.again_after else ""
        self.__name__ = f"{story.__name__}, cut at step {cut.at}{again}"

    async def __call__(self, harness: DriverHarness) -> None:
        """Run the story, and check the invariants of every cancellation point."""
        server = ModelServer(harness)
        async with harness.loop.tasks() as tasks:
            tasks.start(server.serve)
            self._cut.task = application = tasks.start(lambda: self._live(harness))
            async with harness.loop.within(1000.0, "A cancelled application ends."):
                await application.join()
            if self._cut.made_at is not None:
                waited = harness.loop.now() - self._cut.made_at
                require(waited <= LONGEST_LEAVE_S, f"A cancelled application is let go of, not in {waited:.1f} s.")
            for client in () if self._whole else self._clients:
                async with harness.loop.within(1.0, "A cancelled session still has its terminal event to be read."):
                    await read_all(client)
        require(self._whole or self._cut.made_at is not None, "A story that is not cut comes to its end.")
        for session in harness.sessions:
            if session.closed is not None and session.closed.complete:
                require(server.complete, "A session that is cut is complete only where the server has said so.")

    async def _live(self, harness: DriverHarness) -> None:
        async with self._leaving(harness), harness.connect() as client:
            self._clients.append(client)
            await self._story(harness, client)
            await read_all(client)
            self._whole = True

    @asynccontextmanager
    async def _leaving(self, harness: DriverHarness) -> AsyncIterator[None]:
        try:
            yield
        except (ConnectFailed, SessionOver):
            require(self._cut.made_at is not None, "Nobody is told that a session is over that is not.")


def sweep(loop: Loop, drive: Drive, story: Story, *, again_after: int = 0) -> int:
    """Run a story once for each step at which it can be cancelled; return the number of these steps.

    ``again_after`` that many steps the application is cancelled a second time. Raises `AssertionError`.
    """
    cuts = 0
    while True:
        cut = _Cut(loop, cuts + 1, again_after)
        run_scenario(loop, drive, Sweep(story, cut), before_step=cut.step)
        if cut.made_at is None:
            return cuts
        cuts += 1
