"""The probe client: one connection to the server under test, traced, and checked by a real client core.

Conforming messages go through a `ClientSession`, which then checks everything the server answers: a broken ordering
guarantee (O1-O12) ends it as a violation, and fails the check. Messages of a misbehaving client are sent raw.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import trio

from auricle.core import ClientSession, Emit, Start, Transmit
from auricle.core import Final as FinalMessage
from auricle.core.messages import Audio, WarningMessage
from auricle.core.session import Outputs
from auricle.transports.testing.conformance.failures import Failed, Gone
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import WireLost

MAX_SHOWN: Final = 160
"""Characters of a frame that a trace shows."""
PIECE_BYTES: Final = 6_400
"""Audio is sent in frames of 200 ms."""


class ProbeClient:
    """Made by `ServerUnderTest.connect`. Messages are the JSON objects as they came."""

    def __init__(self, wire: WebSocketWire, config: Start, *, number: int) -> None:
        self.session = ClientSession(config, now=trio.current_time())
        self.received: list[dict[str, Any]] = []
        """Every message received, in order."""
        self.close_code: int | None = None
        """The code of the server's Close frame, 1006 where the connection ended without one."""
        self.lines = [f"{number} -- connected, speaking {wire.subprotocol or 'no subprotocol'} --"]
        """The trace."""
        self.judged = True
        """Whether the client core checks what is received: not once raw messages have been sent."""
        self.dropped = False
        """Whether this end has dropped the connection, so that there is no closing handshake."""
        self._wire = wire
        self._seq: int | None = None
        """The last ``seq`` received on this connection."""
        self._warned: set[object] = set()
        self._number = number

    @property
    def subprotocol(self) -> str | None:
        """What the server selected."""
        return self._wire.subprotocol

    def replace_wire(self, wrap: Callable[[WebSocketWire], WebSocketWire]) -> None:
        """Replace the wire by ``wrap(wire)``."""
        self._wire = wrap(self._wire)

    # ------------------------------------------------------------------------ sending

    async def open(self) -> None:
        """Send ``start`` through the client core."""
        self.session.connect(now=trio.current_time())
        await self.do(self.session.transport_opened(self.subprotocol, now=trio.current_time()))

    async def do(self, outputs: Outputs) -> None:
        """Send what the client core transmits. Raises `Failed` where it found a violation."""
        for output in outputs:
            if isinstance(output, Transmit):
                await self._send(output.frame)
            elif isinstance(output, Emit):
                self._raise_on_violation()

    async def send_raw(self, body: dict[str, Any] | str) -> None:
        """Send a message past the client core, which checks no more from here on."""
        self.judged = False
        await self._send(body if isinstance(body, str) else json.dumps(body))

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame past the client core, which checks no more from here on."""
        self.judged = False
        await self._send(data)

    async def audio(self, pcm: bytes) -> None:
        """Send audio, waiting for credit where there is none."""
        rest = memoryview(pcm)
        while rest:
            room = self.session.room
            if not room or self.session.snapshot.sent + PIECE_BYTES > self.session.snapshot.credit > 0:
                await self.receive()
            piece = bytes(rest[: min(PIECE_BYTES, self.session.room or PIECE_BYTES)])
            await self.do(self.session.send_audio(piece, now=trio.current_time()))
            rest = rest[len(piece) :]

    async def flush(self, flush_id: str) -> None:
        """Send a flush."""
        await self.do(self.session.flush(flush_id, now=trio.current_time()))

    async def end_turn(self, flush_id: str) -> None:
        """Send a flush that ends the turn."""
        await self.do(self.session.end_turn(flush_id, now=trio.current_time()))

    async def end(self) -> None:
        """Send ``end_input``."""
        await self.do(self.session.end_input(now=trio.current_time()))

    async def _send(self, frame: str | bytes) -> None:
        self.lines.append(f"{self._number} C> {_shortened(frame)}")
        try:
            await self._wire.send(frame)
        except WireLost as lost:
            self._record_close(lost)

    # ------------------------------------------------------------------------ receiving

    async def receive(self) -> dict[str, Any]:
        """Return the next message. Raises `Gone` once the connection has ended, `Failed` where a rule is broken."""
        try:
            frame = await self._wire.receive()
        except WireLost as lost:
            self._record_close(lost)
            raise Gone(f"the server closed the connection (code {self.close_code})") from None
        self.lines.append(f"{self._number} S> {_shortened(frame)}")
        message = _object(frame)
        if self.messages("closed"):
            raise Failed(f"O2: closed is the last message, and {message['type']} came after it")
        self.received.append(message)
        if self.judged:
            await self.do(self.session.receive(frame, now=trio.current_time()))
        self._check_order(message)
        return message

    def _check_order(self, message: dict[str, Any]) -> None:
        """Check the order of ``seq`` and warnings, also where the client core does not check."""
        seq = message.get("seq")
        if isinstance(seq, int):
            if self._seq is not None and seq != self._seq + 1:
                raise Failed(f"O1: after seq {self._seq} comes {self._seq + 1}, not {seq}")
            self._seq = seq
        if message["type"] == WarningMessage.type:
            if message.get("code") in self._warned:
                raise Failed(f"a warning is said once in a session: {message.get('code')}")
            self._warned.add(message.get("code"))

    async def receive_until(self, *types: str) -> dict[str, Any]:
        """Return the next message of one of these types; others are received on the way. Raises as `receive`."""
        while True:
            try:
                message = await self.receive()
            except Gone as ended:
                raise Gone(f"{' or '.join(types)} never came: {ended}") from None
            if message["type"] in types:
                return message

    async def receive_until_closed(self) -> dict[str, Any]:
        """Receive everything up to the Close frame; return ``closed``, which has to be the last message."""
        while True:
            try:
                await self.receive()
            except Gone:
                break
        if not self.received or self.received[-1]["type"] != "closed":
            last = self.received[-1]["type"] if self.received else "nothing"
            raise Failed(f"O2: the last message has to be closed, not {last} (Close frame {self.close_code})")
        closed = self.received[-1]
        if self.close_code != closed.get("code"):
            raise Failed(f"O2: closed said code {closed.get('code')}, the Close frame {self.close_code}")
        return closed

    def messages(self, *types: str) -> list[dict[str, Any]]:
        """Return the messages received of these types."""
        return [message for message in self.received if message["type"] in types]

    @property
    def finals(self) -> list[tuple[str, list[int]]]:
        """Text and covered samples of every final received."""
        return [(message["text"], message["audio"]) for message in self.messages(FinalMessage.type)]

    async def drop_connection(self) -> None:
        """Drop the connection without a closing handshake."""
        self.lines.append(f"{self._number} -- the connection breaks --")
        self.dropped = True
        await self._wire.abort()

    def _record_close(self, lost: WireLost) -> None:
        if self.close_code is None:
            self.close_code = lost.code
            self.lines.append(f"{self._number} S> Close({self.close_code})")

    def _raise_on_violation(self) -> None:
        closed = self.session.closed
        if self.judged and closed is not None and closed.reason == "violation":
            raise Failed(closed.message)


def _object(frame: str | bytes) -> dict[str, Any]:
    """Return the message in a frame. Raises `Failed` for a frame that is none."""
    try:
        body = json.loads(frame) if isinstance(frame, str) else {"type": "binary"}
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise Failed("a text frame is one JSON object with a string type")
    return body


def _shortened(frame: str | bytes) -> str:
    if isinstance(frame, bytes):
        return f"{Audio.type} ({len(frame)} bytes)"
    return frame if len(frame) <= MAX_SHOWN else f"{frame[: MAX_SHOWN - 1]}…"
