"""A proxy that carries the connections of one session, and makes its faults."""

import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Final

import trio

from fault_injection.faults import Fault, Kind
from fault_injection.nodes import Nodes
from fault_injection.server_frames import CLOSE_GOING_AWAY, HEAD_END, NO_FRAME, ServerFrames

RECEIVE_BYTES: Final = 16 * 1024
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
INPUT_ENDED: Final = b'"type":"input_ended"'
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset."""
UNAVAILABLE: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
PAUSE_S: Final = 0.5
DELAY_S: Final = 0.02
DELAYED: Final = 40
"""Pieces that arrive late."""
DRIPPED_BYTES: Final = 4_000
"""Bytes, of both directions, that arrive in drops."""
LARGEST_DROP: Final = 16


class Link:
    """One connection: the client's half and the server's."""

    def __init__(self, node: int, client: trio.SocketStream, server: trio.SocketStream) -> None:
        self.node = node
        self.client = client
        self.server = server
        self.scope = trio.CancelScope()
        self.resets = False
        """Whether it ends with a reset."""
        self.said = bytearray()
        """What the client has said on it."""
        self.dead_up = False
        self.dead_down = False
        self.held_until = 0.0
        self.delayed = 0
        self.dripping = 0
        self.at_next_frame: list[Kind] = []
        """What happens before the next frame of the server."""
        self.draining_frames: int | None = None
        """Frames of the server since ``input_ended``; None before it."""

    def cut(self, *, reset: bool) -> None:
        """End both halves."""
        self.resets = reset
        self.scope.cancel()


class FaultyProxy:
    """Carries the connections of one session, one after the other, to one of the nodes."""

    def __init__(self, nodes: Nodes, faults: Sequence[Fault], *, seed: str, node: int = 0) -> None:
        self.made: list[tuple[Fault, float]] = []
        """The faults so far, and when they came, in seconds of `time.monotonic`."""
        self._nodes = nodes
        self._faults = deque(faults)
        self._random = Random(seed)
        self._node = node
        self._up = 0
        self._draining = False
        self._meeting: deque[Kind] = deque()
        """What the next connections meet."""

    async def serve(self, *, task_status: trio.TaskStatus[str]) -> None:
        """Listen on a free port of this machine; started with the URL."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        async with listeners[0], trio.open_nursery() as self._nursery:
            await trio.serve_listeners(self.carry, listeners)

    async def carry(self, client: trio.SocketStream) -> None:
        """Carry one connection to its end, or to the end that it is to have."""
        meets = self._meeting.popleft() if self._meeting else None
        if meets is Kind.REFUSED:
            await _close(client, reset=True)
            return
        if meets is Kind.UNAVAILABLE:
            await _answer_unavailable(client)
            return
        connected = await self._nodes.connect(self._node)
        if connected is None:
            await _close(client, reset=True)
            return
        self._node, server = connected
        link = Link(self._node, client, server)
        if meets is Kind.CUT_AFTER_UPGRADE:
            link.at_next_frame.append(meets)
        if self._draining:
            link.draining_frames = 0
        try:
            with link.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._carry_up, link)
                    nursery.start_soon(self._carry_down, link)
        finally:
            with trio.CancelScope(shield=True):
                await _close(client, reset=link.resets)
                await _close(server, reset=link.resets)

    # ------------------------------------------------------------------------ what the client says

    async def _carry_up(self, link: Link) -> None:
        while data := await _receive(link.client):
            while (fault := self._due_up(len(data))) is not None:
                before = max(0, fault.after - self._up)
                await self._pass_up(link, data[:before])
                data = data[before:]
                self._make(fault, link)
                await trio.lowlevel.checkpoint()  # where the fault cuts, it is here
            await self._pass_up(link, data)
        if link.dead_up:
            await trio.sleep_forever()  # the server never learns of it
        await _end(link.server)

    def _due_up(self, length: int) -> Fault | None:
        """Remove the next fault if it comes within the next ``length`` bytes of the client, and return it."""
        fault = self._faults[0] if self._faults else None
        if fault is None or fault.where != "up" or fault.after >= self._up + length:
            return None
        return self._faults.popleft()

    async def _pass_up(self, link: Link, data: bytes) -> None:
        self._up += len(data)
        link.said += data
        if not link.dead_up:
            await self._pass(link, link.server, data)

    # ------------------------------------------------------------------------ what the server says

    async def _carry_down(self, link: Link) -> None:
        frames, heads = ServerFrames(), True
        while data := await _receive(link.server):
            for frame in frames.feed(data):
                if heads:  # the answer to the upgrade
                    heads = False
                    await self._pass_down(link, frame)
                else:
                    await self._carry_frame(link, frame)
        await self._pass_down(link, frames.rest())
        if link.dead_down:
            await trio.sleep_forever()
        await _end(link.client)

    async def _carry_frame(self, link: Link, frame: bytes) -> None:
        if INPUT_ENDED in frame and link.draining_frames is None:
            self._draining, link.draining_frames = True, 0
        while (fault := self._due_down(link)) is not None:
            self._make(fault, link)
        for kind in link.at_next_frame:
            await self._meet_frame(kind, link, frame)
        link.at_next_frame.clear()
        await trio.lowlevel.checkpoint()
        if link.draining_frames is not None:
            link.draining_frames += 1
        await self._pass_down(link, frame)

    def _due_down(self, link: Link) -> Fault | None:
        """Remove the next fault if it comes before this frame of the server, and return it."""
        fault = self._faults[0] if self._faults else None
        if fault is None or fault.where != "drain" or link.draining_frames is None:
            return None
        return self._faults.popleft() if link.draining_frames >= fault.after else None

    async def _meet_frame(self, kind: Kind, link: Link, frame: bytes) -> None:
        match kind:
            case Kind.CLOSE:
                await self._pass_down(link, CLOSE_GOING_AWAY)
                link.cut(reset=False)
            case Kind.TRUNCATED:
                await self._pass_down(link, frame[: len(frame) // 2])
                link.cut(reset=False)
            case Kind.GARBAGE:
                await self._pass_down(link, NO_FRAME)
            case _:
                link.cut(reset=False)

    async def _pass_down(self, link: Link, data: bytes) -> None:
        if not link.dead_down:
            await self._pass(link, link.client, data)

    # ------------------------------------------------------------------------ the faults

    def _make(self, fault: Fault, link: Link) -> None:
        """Make a fault on the present connection."""
        self.made.append((fault, time.monotonic()))
        self._meeting.extend([fault.kind] * fault.repeats)
        match fault.kind:
            case Kind.CLOSE | Kind.TRUNCATED | Kind.GARBAGE:
                link.at_next_frame.append(fault.kind)
            case Kind.END | Kind.CUT_AFTER_UPGRADE | Kind.UNAVAILABLE:
                link.cut(reset=False)
            case Kind.RESET | Kind.REFUSED:
                link.cut(reset=True)
            case Kind.DEAD_UPLINK:
                link.dead_up = True
            case Kind.DEAD_DOWNLINK:
                link.dead_down = True
            case Kind.SILENCE:
                link.dead_up = link.dead_down = True
            case Kind.PAUSE:
                link.held_until = trio.current_time() + PAUSE_S
            case Kind.DELAY:
                link.delayed = DELAYED
            case Kind.DRIP:
                link.dripping = DRIPPED_BYTES
            case Kind.DUPLICATE:
                self._nursery.start_soon(self._duplicate, link.node, bytes(link.said))
            case Kind.KILLED:
                self._nodes.nodes[link.node].kill()
            case Kind.DRAINED:
                self._nodes.nodes[link.node].drain()

    async def _duplicate(self, node: int, said: bytes) -> None:
        """Say on another connection what a client has said, and hear nothing of the answers."""
        with suppress(OSError, *GONE):
            async with await trio.open_tcp_stream("127.0.0.1", self._nodes.nodes[node].port) as server:
                await server.send_all(said)
                async for _ in server:
                    pass

    async def _pass(self, link: Link, sink: trio.SocketStream, data: bytes) -> None:
        while data:
            await trio.sleep_until(link.held_until)
            piece = data
            if link.delayed:
                link.delayed -= 1
                await trio.sleep(DELAY_S)
            if link.dripping > 0:
                piece = data[: self._random.randint(1, LARGEST_DROP)]
                link.dripping -= len(piece)
            with suppress(*GONE):  # whoever is gone is found out by the half that reads from it
                await sink.send_all(piece)
            data = data[len(piece) :]


async def _receive(stream: trio.SocketStream) -> bytes:
    try:
        return bytes(await stream.receive_some(RECEIVE_BYTES))
    except GONE:
        return b""


async def _end(stream: trio.SocketStream) -> None:
    with suppress(*GONE, OSError):
        await stream.send_eof()


async def _answer_unavailable(client: trio.SocketStream) -> None:
    head = b""
    while HEAD_END not in head and (more := await _receive(client)):
        head += more
    with suppress(*GONE):
        await client.send_all(UNAVAILABLE)
    await _close(client, reset=False)


async def _close(stream: trio.SocketStream, *, reset: bool) -> None:
    if reset:
        with suppress(OSError):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    await trio.aclose_forcefully(stream)
