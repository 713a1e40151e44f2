"""A whole server on virtual time: admission, conversations, the engine actor, and a model whose calls cost what is set.

No socket, no thread, no sleep: clients talk over wires in memory, and a call of the model takes virtual seconds.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import trio
import trio.testing

from auricle.core import ClientSession, Final, InputEnded, Limits, SessionClosed, Start
from auricle.engines.actor import EngineActor
from auricle.engines.protocol import Lanes, Transcript, Window
from auricle.engines.scheduling.budgets import ATTEMPTS, attempt_budget_s, longest_call_s
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.supervised import CallGivenUp, EngineTrouble
from auricle.server.app import ServerConfig, SpeechServer
from auricle.server.sessions.caller import Caller
from auricle.transports.in_memory_wire import InMemoryWire, memory_pair
from auricle.transports.trio import Client, ConnectFailed
from auricle.transports.trio.client import run_client
from auricle.transports.trio.server import serve_wire
from auricle.transports.wire import Wire

T = TypeVar("T")
Cost = Callable[[Sequence[Window]], float]
"""Returns the virtual seconds of a call, infinite for one that never returns; raises what the call is to raise."""
FRAME_S = 0.1
HOURS_S = 4 * 3600.0


def words(number: int, *, utterances: int = 1) -> Script:
    """``number`` words of 0.3 s without a pause between them, and a second behind each of the ``utterances``."""
    said, at = [], 0
    for utterance in range(utterances):
        for word in range(number):
            said.append(ScriptedWord(text=f"u{utterance}w{word}", start=at, end=at + 4_800))
            at += 4_800
        at += 16_000
    return Script(words=tuple(said))


TRY_S = 0.05
"""Virtual seconds of a call that only tries the model."""


class OnVirtualTime:
    """A model whose calls take virtual seconds."""

    owed_s = 0.0
    """Virtual seconds that the present call still takes."""

    async def run_sync(self, call: Callable[[], T], /) -> T:
        """Run a call where it stands, and let it take its virtual seconds."""
        await trio.lowlevel.checkpoint()
        self.owed_s = 0.0
        try:
            result = call()
        except Exception:
            await trio.sleep(self.owed_s)
            raise
        await trio.sleep(self.owed_s)
        return result


class StatefulModel(OnVirtualTime, ScriptedEngine):
    """Takes audio as it comes; each call takes ``call_s`` of its script."""

    def __init__(self, script: Script) -> None:
        super().__init__(script, sleep=self._owe)

    def _owe(self, seconds: float) -> None:
        self.owed_s += seconds


class FakeModel(OnVirtualTime, ScriptedWindowEngine):
    """Decodes as the script says; a call takes what ``cost`` returns for its windows."""

    def __init__(self, script: Script, cost: Cost, *, batch: int = 1, count: int = 1) -> None:
        super().__init__(script)
        self._cost = cost
        self._lanes = Lanes(count=count, batch=batch)
        self.calls: list[int] = []
        """Windows of each call."""

    @property
    def lanes(self) -> Lanes:
        return self._lanes

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        if all(window.config.tried for window in windows):
            self.owed_s = TRY_S
            return super().decode(windows)
        self.calls.append(len(windows))
        self.owed_s = self._cost(windows)
        return super().decode(windows)


class ProcessExit(Exception):
    """The process of the model exits in the middle of a call."""


class SupervisedModel(FakeModel):
    """The same in a process of its own, which ends a call that takes longer than its budget, and is started again.

    So it is where the process exits (`ProcessExit`).
    """

    RESTART_S = 3.0
    trouble: EngineTrouble | None = None

    def longest_call_s(self, budget_s: float) -> float:
        return longest_call_s(budget_s, self.RESTART_S)

    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        spent_s = 0.0
        for wedged in range(ATTEMPTS):
            try:
                transcripts = self.decode(windows)
            except ProcessExit:
                spent_s += self.RESTART_S
                continue
            most_s = attempt_budget_s(budget_s, wedged)
            if self.owed_s <= most_s:
                self.owed_s += spent_s
                return transcripts
            spent_s += most_s + self.RESTART_S
        self.owed_s = spent_s
        raise CallGivenUp(f"The engine's process died {ATTEMPTS} times over this.")


@dataclass
class Heard:
    """What a client got."""

    texts: list[str]
    closed: SessionClosed
    ended_s: float
    """From the end of its input to the terminal event, in virtual seconds."""
    deadline_s: float
    """How long the rest may take without progress, as the server said when the input ended; 0: it said nothing."""

    @property
    def words(self) -> list[str]:
        return [word for text in self.texts for word in text.split()]


class VirtualServer:
    """The server, and its clients."""

    def __init__(self, model: FakeModel | StatefulModel, **config: Any) -> None:
        self.model = model
        self.server = SpeechServer(ServerConfig(**config), lambda *_: model)
        served = self.server._models.default
        served.actor = EngineActor(model, workers=2, run_sync=model.run_sync, observer=served)
        self._ids = count()

    @asynccontextmanager
    async def client(self, config: Start | None = None, limits: Limits | None = None) -> AsyncIterator[Client]:
        """A client with a session of its own. Raises `ConnectFailed`."""
        session = ClientSession(config or Start(resume=False), now=trio.current_time(), limits=limits or Limits())
        async with memory_pair(trio.Event) as (ours, theirs), trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, theirs)
            failed: ConnectFailed | None = None
            try:
                async with run_client(Client(session, lambda: _held(ours))) as client:
                    yield client
            except ConnectFailed as error:
                failed = error
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _serve(self, wire: InMemoryWire) -> None:
        session_id = f"s{next(self._ids)}"
        async with serve_wire(wire, limits=self.server._config.limits) as connection:
            await self.server._run_session(session_id, connection, Caller(f"virtual:{session_id}"), None)

    async def talk(self, seconds: float, *, paced: bool = True, config: Start | None = None) -> Heard:
        """Hear a client that sends silence for ``seconds``, at the pace of speech or at once, and ends its input."""
        async with self.client(config) as client:
            for _ in range(round(seconds / FRAME_S)):
                await client.send_audio(bytes(round(32_000 * FRAME_S)))
                await trio.sleep(FRAME_S if paced else 0.0)
            await client.end_input()
            return await heard_of(client)


async def together(virtual: VirtualServer, sessions: int, seconds: float, **how: Any) -> list[Heard]:
    """Let so many clients talk at once, as `VirtualServer.talk` does."""
    heard: list[Heard] = []

    async def one() -> None:
        heard.append(await virtual.talk(seconds, **how))

    async with trio.open_nursery() as nursery:
        for _ in range(sessions):
            nursery.start_soon(one)
    return heard


async def heard_of(client: Client) -> Heard:
    """Return what a client gets that has ended its input."""
    begun, texts, deadline_s = trio.current_time(), [], 0.0
    async for event in client:
        match event:
            case Final(text=text):
                texts.append(text)
            case InputEnded(deadline_ms=deadline_ms):
                deadline_s = deadline_ms / 1000
            case SessionClosed():
                return Heard(texts, event, trio.current_time() - begun, deadline_s)
            case _:
                pass
    raise AssertionError("the last event of a session is SessionClosed")


@asynccontextmanager
async def _held(wire: Wire) -> AsyncIterator[Wire]:
    yield wire


def run_virtually(
    scenario: Callable[[VirtualServer], Awaitable[None]], model: FakeModel | StatefulModel, **config: Any
) -> None:
    """Run a scenario with a server, and fail where it has not ended within virtual `HOURS_S`."""

    async def bounded() -> None:
        with trio.fail_after(HOURS_S):
            virtual = VirtualServer(model, **config)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(virtual.server._models.default.run)
                await virtual.server.engine_ready()
                await scenario(virtual)
                nursery.cancel_scope.cancel()

    trio.run(bounded, clock=trio.testing.MockClock(autojump_threshold=0))


def costs(*seconds: float, then: float) -> Cost:
    """Return the cost of the first calls, one after the other, and of all others."""
    left: Iterator[float] = iter(seconds)
    return lambda windows: next(left, then)
