"""trio-websocket's connection, with the peer's offences answered: breaches of RFC 6455, and floods of small frames.

trio-websocket takes a frame that breaks the protocol for a Close frame of the peer, and hangs up without a word.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import trio
from trio_websocket import WebSocketConnection
from trio_websocket._impl import CloseReason
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from auricle.transports.trio.fair_count import FairCount
from auricle.transports.trio.frame_budget import BURST, PER_S, SMALL_BYTES, FrameBudget

FRAMES_PER_TURN: Final = 32
"""Frames that are parsed before other tasks get their turn: below a millisecond of work."""
POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009
TOO_MANY: Final = f"too many small frames: {PER_S} a second of less than {SMALL_BYTES} bytes, {BURST} at once"
_MOST_REASON_BYTES: Final = 123
"""RFC 6455 §5.5: a control frame holds at most 125 bytes, two of them the code."""


class GuardedConnection(WebSocketConnection):
    """A WebSocket connection that tells the peer, with a Close frame, why it reads no further.

    ``budget`` is for a peer that is not trusted to send only what is of use; None: frames are not counted.
    ``audio_in_text``: this peer's audio comes in text messages. Whoever owns the byte stream below closes it, and must
    leave the peer the time to read the Close frame.
    """

    def __init__(
        self, *arguments: Any, budget: FrameBudget | None = None, audio_in_text: bool = False, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.last_words: Callable[[int, str], Sequence[str]] = lambda code, reason: ()
        """Returns the text messages that come before the Close frame about an offence."""
        self.offence: tuple[int, str] | None = None
        """Close code and reason, where the connection was ended because of what the peer sent."""
        self.told = trio.Event()
        """Set when the Close frame about the offence has been sent."""
        self._count = FairCount(FRAMES_PER_TURN, budget)
        self._audio_in_text = audio_in_text
        self._audio_bytes = 0
        """Of the frame that has begun."""

    async def _handle_close_connection_event(self, event: CloseConnection) -> None:
        """Answer a Close frame; or, where wsproto made the event of a frame that it could not parse, refuse that."""
        if self._wsproto.state is ConnectionState.OPEN:
            await self._refuse(int(event.code), event.reason or "")
        else:
            await super()._handle_close_connection_event(event)

    async def _handle_message_event(self, event: BytesMessage | TextMessage) -> None:
        if isinstance(event, BytesMessage) or self._audio_in_text:
            self._audio_bytes += len(event.data)
        if event.frame_finished:
            audio_bytes, self._audio_bytes = self._audio_bytes, 0
            await self._take(audio_bytes)
        if self._close_reason is not None:
            self._message_size, self._message_parts = 0, []  # nobody wants it any more
        elif self._message_size + len(event.data) > self._max_message_size:
            await self._refuse(TOO_BIG, f"a message has at most {self._max_message_size} bytes")
        else:
            await super()._handle_message_event(event)

    async def _handle_ping_event(self, event: Ping) -> None:
        await self._take(0)
        if self._close_reason is None:
            await super()._handle_ping_event(event)

    async def _handle_pong_event(self, event: Pong) -> None:
        await self._take(0)
        if self._close_reason is None:
            await super()._handle_pong_event(event)

    async def _take(self, audio_bytes: int) -> None:
        """Count a frame, and end the connection where it is one too many.

        After a Close frame of ours what comes is read and discarded, however much of it: the peer has to get there.
        """
        if not await self._count.allows(audio_bytes) and self._close_reason is None:
            await self._refuse(POLICY_VIOLATION, TOO_MANY)

    async def _refuse(self, code: int, reason: str) -> None:
        """Send a Close frame and read no further. Raises `ConnectionClosed` where the connection is gone."""
        told = reason.encode()[:_MOST_REASON_BYTES].decode(errors="ignore")
        self.offence = code, told
        self._close_reason = CloseReason(code, told)  # before anything is sent: nobody else may send from here on
        self._reader_running = False
        try:
            for words in self.last_words(code, told):
                await self._send(TextMessage(data=words))
            await self._send(CloseConnection(code=code, reason=told))
        finally:
            self.told.set()
            await self._close_web_socket(code, told)
            self._close_handshake.set()
