"""A TCP proxy that breaks connections from outside. Its moments are counted in bytes, so no clock decides anything."""

import socket
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import trio

How = Literal["reset", "eof"]
"""A reset wipes what the other end has not read yet; an end of file comes behind it."""
DRAINING = b'"type":"input_ended"'
"""What a server says in clear text when the drain begins. What a client says is masked."""
RECEIVE_BYTES = 16 * 1024
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


@dataclass(frozen=True, slots=True)
class Cut:
    """Break a connection that has carried ``after`` bytes.

    ``up`` counts the client's bytes on all connections so far, ``down`` the server's on this one, ``drain`` the
    server's on this one from the beginning of the drain on.
    """

    where: Literal["up", "down", "drain"]
    after: int
    how: How


class CuttingProxy:
    """Carries the connections of one session. The first cut is for the first connection, and so on; then none."""

    def __init__(self, port: int, cuts: Iterable[Cut] = ()) -> None:
        self.port = port
        """Of the server."""
        self.made: list[Cut] = []
        """The cuts so far."""
        self._cuts = deque(cuts)
        self._up = 0
        self._draining = False

    async def carry(self, client: trio.SocketStream) -> None:
        """Carry a connection to its end, or to the end that it is to have."""
        try:
            server = await trio.open_tcp_stream("127.0.0.1", self.port)
        except OSError:
            await _break(client, "reset")
            return
        cut = self._cuts[0] if self._cuts else None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._carry_up, client, server, cut, nursery.cancel_scope)
                nursery.start_soon(self._carry_down, server, client, cut, nursery.cancel_scope)
        finally:
            how = cut.how if cut is not None and cut in self.made else "eof"
            with trio.CancelScope(shield=True):
                await _break(client, how)
                await _break(server, how)

    async def _carry_up(
        self, source: trio.SocketStream, sink: trio.SocketStream, cut: Cut | None, scope: trio.CancelScope
    ) -> None:
        while data := await _receive(source):
            left = cut.after - self._up if cut is not None and cut.where == "up" else len(data) + 1
            self._up += min(len(data), max(0, left))
            await _send(sink, data[: max(0, left)])
            if cut is not None and left <= len(data):
                self._make(cut, scope)
        await _end(sink)

    async def _carry_down(
        self, source: trio.SocketStream, sink: trio.SocketStream, cut: Cut | None, scope: trio.CancelScope
    ) -> None:
        counts = cut is not None and (cut.where == "down" or (cut.where == "drain" and self._draining))
        carried, seen = 0, b""
        while data := await _receive(source):
            await self.delivering(data)
            seen = (seen + data)[-RECEIVE_BYTES - len(DRAINING) :]
            begins = not self._draining and DRAINING in seen
            self._draining = self._draining or begins
            if cut is not None and cut.where == "drain" and begins:
                counts, carried = True, -max(0, len(data) - (len(seen) - seen.index(DRAINING)))
            if cut is not None and counts and carried + len(data) >= cut.after:
                await _send(sink, data[: cut.after - carried])
                self._make(cut, scope)
                return
            carried += len(data)
            await _send(sink, data)
        await _end(sink)

    async def delivering(self, data: bytes) -> None:
        """The server has said this, and the client has not heard it yet. For proxies that do more."""

    def _make(self, cut: Cut, scope: trio.CancelScope) -> None:
        self._cuts.popleft()
        self.made.append(cut)
        scope.cancel()


async def _receive(stream: trio.SocketStream) -> bytes:
    try:
        return bytes(await stream.receive_some(RECEIVE_BYTES))
    except GONE:
        return b""


async def _send(stream: trio.SocketStream, data: bytes) -> None:
    with suppress(*GONE):  # whoever is gone is found out by the half that reads from it
        await stream.send_all(data)


async def _end(stream: trio.SocketStream) -> None:
    with suppress(*GONE, OSError):
        await stream.send_eof()


async def _break(stream: trio.SocketStream, how: How) -> None:
    if how == "reset":
        with suppress(OSError):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await trio.aclose_forcefully(stream)


def serving(proxies: Sequence[CuttingProxy]) -> Any:
    """What `running` runs: every proxy on a port of its own. Yields the list of ports."""

    async def serve(*, task_status: trio.TaskStatus[list[int]]) -> None:
        async with trio.open_nursery() as nursery:
            ports = []
            for proxy in proxies:
                (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
                ports.append(listener.socket.getsockname()[1])
                nursery.start_soon(trio.serve_listeners, proxy.carry, [listener])
            task_status.started(ports)

    return serve


def plan(random: Random, *, first_up: int, audio_bytes: int) -> list[Cut]:
    """Return one to five cuts, at any moment from ``first_up`` bytes of the client on, often during the drain.

    ``first_up`` lies behind the pre-buffer: a client that gets so far has heard ``ready`` and knows how to come back.
    ``down`` is short enough for every connection, also for one with only the last message to carry, and may break
    the handshake of a client that comes back.
    """
    cuts = [Cut("up", random.randrange(first_up, audio_bytes), _how(random))]
    for _ in range(random.randrange(5)):
        match random.choice(("up", "down", "down", "drain")):
            case "up":
                cuts.append(Cut("up", random.randrange(cuts[0].after, audio_bytes), _how(random)))
            case "down":
                cuts.append(Cut("down", random.randrange(400), _how(random)))
            case _:
                cuts.append(Cut("drain", random.randrange(300), _how(random)))
    up = sorted((cut for cut in cuts if cut.where == "up"), key=lambda cut: cut.after)
    down = [cut for cut in cuts if cut.where == "down"]
    drain = [cut for cut in cuts if cut.where == "drain"]
    return [up[0], *_shuffled(random, up[1:], down), *drain]


def _shuffled(random: Random, ordered: list[Cut], others: list[Cut]) -> list[Cut]:
    """Mix two lists; the first keeps its order."""
    places = [True] * len(ordered) + [False] * len(others)
    random.shuffle(places)
    first, second = iter(ordered), iter(others)
    return [next(first) if place else next(second) for place in places]


def _how(random: Random) -> How:
    return random.choice(("reset", "eof"))
