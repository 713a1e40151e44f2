"""A wire whose peer is controlled by the test, and that peer. It reports a driver that misuses the wire."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from auricle.core import Frame
from auricle.core.stimuli import LossKind
from auricle.transports.testing.loop import Loop
from auricle.transports.wire import WireLost

ReportViolation = Callable[[str], None]
"""Called with one sentence, the rule that was broken."""


class ScriptedWire:
    """A `Wire` whose other end is a `Peer`."""

    def __init__(self, loop: Loop, subprotocol: str | None, report_violation: ReportViolation) -> None:
        self.subprotocol = subprotocol
        self.incoming: deque[Frame | WireLost] = deque()
        self.sent: list[Frame] = []
        self.sent_at: list[float] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.clogged = False
        self.breaks_writes = False
        """Whether sends fail while there is more to receive."""
        self.abort_duration_s = 0.0
        """Seconds that an abort takes; the wire works meanwhile."""
        self.opened = False
        self.released = False
        """Whether the driver has released it."""
        self._loop = loop
        self._report_violation = report_violation
        self._changed = loop.signal()
        self._sending = False
        self._receiving = False
        self._write_cut = False

    def change(self) -> None:
        """Wake the tasks that wait in `changed`."""
        self._changed.set()
        self._changed = self._loop.signal()

    async def changed(self) -> None:
        """Wait for the next change of the wire."""
        await self._changed.wait()

    @property
    def loss(self) -> WireLost | None:
        """How the wire was lost; None while it is open."""
        last = self.incoming[-1] if self.incoming else None
        return last if isinstance(last, WireLost) else None

    async def receive(self) -> Frame:
        """Return the peer's next frame."""
        if self._receiving:
            self._report_violation("A wire has one reader (rule 4).")
        self._receiving = True
        try:
            while not self.incoming:
                await self.changed()
        finally:
            self._receiving = False
        item = self.incoming[0]
        if isinstance(item, WireLost):
            raise item
        self.incoming.popleft()
        self.change()
        return item

    async def send(self, frame: Frame) -> None:
        """Take a frame, unless the wire is clogged."""
        if self._sending:
            self._report_violation("A wire has one writer (rule 5).")
        if self._write_cut:
            self._report_violation("A write that was cut kills its transport: nothing is sent after it (rule 5).")
        if self.closed is not None:
            self._report_violation("Nothing is sent after the close (rule 10).")
        self._sending, self._write_cut = True, True
        try:
            while self.clogged and self.loss is None:
                await self.changed()
        finally:
            self._sending = False
        if self.loss is not None:
            raise self.loss
        if self.breaks_writes:
            raise WireLost("reset")
        self._write_cut = False
        self.sent.append(frame)
        self.sent_at.append(self._loop.now())
        self.change()

    async def close(self, code: int, reason: str) -> None:
        """Record the close; return when the peer has hung up."""
        if self._write_cut:
            self._report_violation(
                "A write that was cut kills its transport: it is not closed as if all were well (rule 5)."
            )
        self.closed = (code, reason)
        self.change()
        while self.loss is None:
            await self.changed()

    async def abort(self) -> None:
        """Drop the wire after `abort_duration_s`."""
        self.aborted = True
        await self._loop.sleep(self.abort_duration_s)
        self.incoming.append(WireLost("reset"))
        self.change()


class Peer:
    """The server's end of a wire, controlled by the test."""

    def __init__(self, wire: ScriptedWire) -> None:
        self.wire = wire
        self.seq = 0

    def send_message(self, type: str, **fields: Any) -> None:
        """Send a message; durable ones are numbered."""
        if type not in ("ack", "partial", "loading", "pong", "resumed"):
            self.seq += 1
            fields["seq"] = self.seq
        self.send(json.dumps({"type": type, **fields}))

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self.wire.incoming.append(frame)
        self.wire.change()

    def ready(self, credit: int = 480_000, token: str | None = None) -> None:
        """Send ``ready``; with a token it offers to resume."""
        resume = {} if token is None else {"resume": {"token": token, "window_ms": 30_000, "class": "memory"}}
        self.send_message("ready", session="s", credit=credit, **resume)

    def resumed(self, next: int, credit: int = 480_000, token: str = "another", state: str = "streaming") -> None:
        """Send ``resumed``: the session goes on from sample ``next``."""
        self.send_message("resumed", session="s", next=next, credit=credit, token=token, state=state)

    def partial(self, text: str, rev: int) -> None:
        """Send a partial of the first segment."""
        self.send_message("partial", segment=0, rev=rev, text=text, start=0.0, end=0.1)

    def final(self, text: str, segment: int, begin: int, end: int) -> None:
        """Send a final that covers the samples from ``begin`` to ``end``."""
        fields: dict[str, Any] = {"segment": segment, "text": text, "start": 0.0, "end": 0.1, "confidence": 1.0}
        self.send_message("final", **fields, audio=[begin, end], reason="endpoint")

    def input_ended(self, samples: int) -> None:
        """Send ``input_ended``."""
        self.send_message("input_ended", received=samples, by="client")

    def complete(self, samples: int, segments: int = 0, non_speech: int = 0) -> None:
        """Send ``closed`` with reason ``completed``."""
        stats = {"received": samples, "processed": samples, "committed": samples}
        stats |= {"segments": segments, "non_speech": non_speech}
        self.send_message("closed", reason="completed", code=1000, complete=True, stats=stats)

    def hang_up(self, how: LossKind = "eof", code: int = 1000) -> None:
        """Lose the wire, after the frames that are still to be received."""
        self.wire.incoming.append(WireLost(how, code))
        self.wire.change()

    def unclog(self) -> None:
        """Let sends go on."""
        self.wire.clogged = False
        self.wire.change()

    async def wait_for_message(self, type: str) -> dict[str, Any]:
        """Wait for a message of this type from the client, and return the first one."""
        while True:
            for frame in self.wire.sent:
                if isinstance(frame, str) and json.loads(frame)["type"] == type:
                    return dict(json.loads(frame))
            await self.wire.changed()

    async def wait_for_audio(self, total_bytes: int) -> bytes:
        """Wait for this many bytes of audio from the client, and return all of it."""
        while len(self.audio) < total_bytes:
            await self.wire.changed()
        return self.audio

    @property
    def audio(self) -> bytes:
        """The audio that has been received."""
        return b"".join(frame for frame in self.wire.sent if isinstance(frame, bytes))
