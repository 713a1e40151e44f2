"""A reference server for driver tests: it processes audio at once and sends one final for each second of it."""

import json
from functools import partial
from typing import Any, Final

from auricle.core import Frame
from auricle.transports.testing.driver_harness import DriverHarness
from auricle.transports.testing.scripted_wire import Peer

LATENCY_S: Final = 0.0137012345
"""Seconds from a client's frame to the answer: a value that no sum of other times equals."""
MOST_WIRES: Final = 40
SECOND: Final = 16_000
"""Sample frames in a second."""
WINDOW: Final = 30 * SECOND


class ModelServer:
    """Serves one session on every wire of a harness, with resumption."""

    def __init__(self, harness: DriverHarness, *, resumable: bool = True) -> None:
        self.deaf = False
        """Whether it leaves client messages unanswered for now."""
        self.complete = False
        """Whether it has confirmed the end of the input."""
        self._harness = harness
        self._resumable = resumable
        self._record: list[dict[str, Any]] = []
        self._received = 0
        self._committed = 0
        self._spoken = 0
        self._segments = 0
        self._tokens = 0

    async def serve(self) -> None:
        """Answer until cancelled."""
        async with self._harness.loop.tasks() as tasks:
            answering = [tasks.start(partial(self._answer, self._harness.peer_of(n))) for n in range(MOST_WIRES)]
            for task in answering:
                await task.join()

    async def _answer(self, peer: Peer) -> None:
        wire, handled = peer.wire, 0
        while not (wire.closed and handled == len(wire.sent)):
            if handled < len(wire.sent) and not self.deaf:
                await self._harness.loop.sleep(LATENCY_S)
                if wire.loss is None:
                    self._on_frame(peer, wire.sent[handled])
                handled += 1
            else:
                await wire.changed()
        await self._harness.loop.sleep(LATENCY_S)
        peer.hang_up("eof", wire.closed[0])

    def _on_frame(self, peer: Peer, frame: Frame) -> None:
        if isinstance(frame, bytes):
            self._on_audio(peer, len(frame) // 2)
            return
        message = json.loads(frame)
        match message["type"]:
            case "start":
                self._send_durable(peer, "ready", session="s", credit=WINDOW, **self._offer())
            case "resume":
                self._on_resume(peer, message["seen"])
            case "ping":
                peer.send_message("pong", now=0.0)
            case "flush":
                self._committed = self._received
                self._send_durable(peer, "flushed", id=message["id"], upto=self._received)
            case "end_input":
                self._send_durable(peer, "input_ended", received=self._received, by="client")
                self.complete = True
                self._close(peer, "completed")
            case "cancel":
                self._close(peer, "cancelled")
            case _:
                pass

    def _on_audio(self, peer: Peer, samples: int) -> None:
        self._received += samples
        peer.send_message("partial", segment=self._segments, rev=self._received, text="wor", start=0.0, end=0.1)
        while self._received - self._committed >= SECOND:
            span = [self._committed, self._committed + SECOND]
            fields: dict[str, Any] = {"text": f"word {self._segments}", "start": 0.0, "end": 0.1, "confidence": 1.0}
            self._send_durable(peer, "final", segment=self._segments, **fields, audio=span, reason="endpoint")
            self._committed += SECOND
            self._spoken += SECOND
            self._segments += 1
        counts = {"received": self._received, "processed": self._received, "committed": self._committed}
        peer.send_message("ack", **counts, credit=self._received + WINDOW, discard_before=self._committed)

    def _on_resume(self, peer: Peer, seen: int) -> None:
        self._tokens += 1
        state = "draining" if self.complete else "streaming"
        peer.resumed(self._received, self._received + WINDOW, f"t{self._tokens}", state)
        for message in self._record[seen:]:
            peer.send(json.dumps(message))

    def _close(self, peer: Peer, reason: str) -> None:
        done = self._received if reason == "completed" else self._committed
        stats: dict[str, Any] = {"received": self._received, "processed": self._received, "committed": done}
        stats |= {"segments": self._segments, "non_speech": done - self._spoken}
        self._send_durable(peer, "closed", reason=reason, code=1000, complete=reason == "completed", stats=stats)

    def _offer(self) -> dict[str, Any]:
        return {"resume": {"token": "t0", "window_ms": 30_000, "class": "memory"}} if self._resumable else {}

    def _send_durable(self, peer: Peer, type: str, **fields: Any) -> None:
        self._record.append({"type": type, **fields, "seq": len(self._record) + 1})
        peer.send(json.dumps(self._record[-1]))
