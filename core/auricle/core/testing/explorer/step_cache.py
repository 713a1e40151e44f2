"""`StepCache`: every step of either side is computed once, as the same state and stimulus give the same result."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, Final, NamedTuple

from auricle.core.errors import LocalProtocolError
from auricle.core.outputs import AbortTransport, AdoptTransport, CloseTransport, Emit, OpenTransport, Output
from auricle.core.session import Outputs
from auricle.core.snapshot import Snapshot
from auricle.core.states import Kind
from auricle.core.testing.explorer import checks
from auricle.core.testing.explorer.checks import InvariantBroken, Observed
from auricle.core.testing.explorer.endpoints import Client, Close, Item, Server, ServerState, armed, items
from auricle.core.testing.explorer.interning import InternTable


class Op(IntEnum):
    """How the driver executes an output."""

    SEND = 0
    OPEN = 1
    CLOSE = 2
    ABORT = 3
    ADOPT = 4


class StepResult(NamedTuple):
    """The result of one step."""

    state: int
    """Number of the state after it."""
    ops: tuple[tuple[Op, int], ...]
    """What the driver does, with the number of an item where there is one."""
    events: int
    """Number of the tuple of emitted events."""


NO_EVENTS: Final = 0


class StepCache:
    """Intern tables and results of one exploration."""

    def __init__(self) -> None:
        self.clients: InternTable[Snapshot] = InternTable()
        self.servers: InternTable[ServerState] = InternTable()
        self.items: InternTable[Item] = InternTable()
        self.events: InternTable[tuple[Any, ...]] = InternTable()
        self.seen: InternTable[Observed] = InternTable()
        self.events.number(())
        self.steps = 0
        self._client_steps: dict[tuple[int, Any], StepResult | None] = {}
        self._server_steps: dict[tuple[int, Any], StepResult | None] = {}
        self._seen_after: dict[tuple[int, int, int], int] = {}
        self._client_timers: dict[int, tuple[Kind, ...]] = {}
        self._server_timers: dict[int, tuple[Kind, ...]] = {}
        self._lists: dict[Any, Any] = {}

    def client(self, number: int, key: Any, verb: Callable[[Client], Outputs]) -> StepResult | None:
        """Return what a client does at a stimulus ``key``; None where its own side may not do that."""
        try:
            return self._client_steps[number, key]
        except KeyError:
            before = self.clients[number]
            session = Client(before)
            outputs = self._run(before, session, verb)
            result = None
            if outputs is not None:
                checks.step_of_client(before, session.snapshot, outputs)
                produced = items(outputs, session.snapshot.sent)
                result = self._result(self.clients.number(session.normal_state()), produced)
            self._client_steps[number, key] = result
            return result

    def server(self, number: int, key: Any, verb: Callable[[Server], Outputs]) -> StepResult | None:
        """Return what a server session does at a stimulus ``key``; None where its own side may not do that."""
        try:
            return self._server_steps[number, key]
        except KeyError:
            state = self.servers[number]
            session = Server(state)
            outputs = self._run(state.snapshot, session, verb)
            result = None
            if outputs is not None:
                checks.step_of_server(state.snapshot, session.snapshot, outputs)
                if key[0] == "hear":
                    checks.only_the_engine_decides(state.snapshot, session.snapshot)
                result = self._result(
                    self.servers.number(session.normal_state()), items(outputs, session.snapshot.sent)
                )
            self._server_steps[number, key] = result
            return result

    def _run(self, before: Snapshot, session: Any, verb: Callable[[Any], Outputs]) -> Outputs | None:
        self.steps += 1
        try:
            return verb(session)
        except LocalProtocolError as refusal:
            if session.snapshot is not before:
                raise InvariantBroken("I2", f"a refused verb has left traces: {refusal}") from None
            return None
        except Exception as escaped:
            raise InvariantBroken("I1", f"{type(escaped).__name__}: {escaped}") from escaped

    def _result(self, state: int, produced: Iterable[Output | Item]) -> StepResult:
        ops: list[tuple[Op, int]] = []
        events: list[Any] = []
        for output in produced:
            match output:
                case Emit(event=event):
                    events.append(event)
                case OpenTransport():
                    ops.append((Op.OPEN, 0))
                case CloseTransport(code=code):
                    ops.append((Op.CLOSE, self.items.number(Close(code))))
                case AbortTransport():
                    ops.append((Op.ABORT, 0))
                case AdoptTransport():
                    ops.append((Op.ADOPT, 0))
                case _:
                    ops.append((Op.SEND, self.items.number(output)))  # type: ignore[arg-type]  # what is left is a message
        return StepResult(state, tuple(ops), self.events.number(tuple(events)))

    def observe(self, seen: int, events: int, client: int) -> int:
        """Return the number of the observations after these events, with the client at ``client`` now."""
        key = (seen, events, client)
        known = self._seen_after.get(key)
        if known is None:
            after = checks.observe(self.seen[seen], self.events[events], self.clients[client])
            known = self._seen_after[key] = self.seen.number(after)
        return known

    def client_timers(self, number: int) -> tuple[Kind, ...]:
        """Return the timers of a client that run."""
        known = self._client_timers.get(number)
        if known is None:
            checks.timers_are_not_hot(self.clients[number])
            known = self._client_timers[number] = armed(self.clients[number])
        return known

    def server_timers(self, number: int) -> tuple[Kind, ...]:
        """Return the timers of a server session that run."""
        known = self._server_timers.get(number)
        if known is None:
            checks.timers_are_not_hot(self.servers[number].snapshot)
            known = self._server_timers[number] = armed(self.servers[number].snapshot)
        return known

    def listed(self, key: Any, build: Callable[[], Any]) -> Any:
        """Return something that depends on ``key`` alone."""
        try:
            return self._lists[key]
        except KeyError:
            built = self._lists[key] = build()
            return built
