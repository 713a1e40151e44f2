"""A server written from docs/protocol.md alone: nothing of ours is imported, and all that is optional is left out.

It insists on the subprotocol, speaks no legacy dialect, cannot resume, change or place frames, says no partials, and
hears as fast as the wire: it finds a word in every three seconds that are not silent.
"""

import json
import time
from typing import Any, Final

from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest

Message = dict[str, Any]
SUBPROTOCOL: Final = "auricle.v1"
WINDOW_S: Final = 12
WORD_S: Final = 3
KNOWN: Final = {
    "type", "audio", "language", "languages", "task", "model", "features", "endpointing", "bias", "resume", "require",
    "t0", "timeline_origin", "segment_origin", "client",
}  # fmt: skip
CLOSE_CODES: Final = {
    "config_required": 1002, "already_started": 1002, "protocol_violation": 1002, "bad_message": 1007,
    "invalid_config": 4400, "unsupported_encoding": 4400, "unsupported_feature": 4400, "session_gone": 4410,
    "backlog_exceeded": 4413,
}  # fmt: skip


class Refused(Exception):
    """A fatal error: its code, and the field that is wrong."""

    def __init__(self, code: str, param: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.param = param


class Closed(Exception):
    """The session is over."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve(request: WebSocketRequest) -> None:
    if SUBPROTOCOL not in request.proposed_subprotocols:
        await request.reject(400, body=b'{"code":"protocol_violation"}')
        return
    connection = await request.accept(subprotocol=SUBPROTOCOL)
    session = Session(connection)
    try:
        while True:
            frame = await connection.get_message()
            try:
                await session.hear(frame)
            except Refused as refusal:
                await session.refuse(refusal)
    except Closed as closed:
        await connection.aclose(closed.code, closed.reason)
    except ConnectionClosed:
        pass


class Session:
    """One session: all it has heard, and what it has said of that."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self.connection = connection
        self.started = False
        self.seq = 0
        self.rate = 16_000
        self.origin = self.received = self.committed = self.acked = 0
        self.segment = 0
        self.covered = self.gaps = 0
        self.open = bytearray()  # the audio from `committed` on
        self.half = b""
        self.flushes: set[str] = set()
        self.changes: set[str] = set()
        self.markers: list[tuple[str, int]] = []
        self.warned: set[str] = set()

    # ------------------------------------------------------------------------ saying

    async def say(self, type_: str, **fields: Any) -> None:
        await self.connection.send_message(json.dumps({"type": type_, **fields}))

    async def record(self, type_: str, **fields: Any) -> None:
        self.seq += 1
        await self.say(type_, seq=self.seq, **fields)

    async def warn(self, code: str, ref: str | None = None) -> None:
        if code not in self.warned:
            self.warned.add(code)
            await self.record("warning", code=code, message=f"This is a warning: {code}.", ref=ref)

    async def refuse(self, refusal: Refused) -> None:
        fields = {} if refusal.param is None else {"param": refusal.param}
        await self.record("error", code=refusal.code, message="No.", fatal=True, **fields)
        await self.close("error", CLOSE_CODES[refusal.code], complete=False, told=refusal.code)

    async def close(self, reason: str, code: int, *, complete: bool, told: str | None = None) -> None:
        stats = {
            "received": self.received,
            "processed": self.received,
            "committed": self.committed,
            "non_speech": self.committed - self.origin - self.covered,
            "gap": self.gaps,
            "segments": self.segment,
        }
        await self.record("closed", reason=reason, code=code, complete=complete, stats=stats)
        raise Closed(code, told or reason)

    @property
    def credit(self) -> int:
        return self.received + WINDOW_S * self.rate

    # ------------------------------------------------------------------------ hearing

    async def hear(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            if not self.started:
                raise Refused("config_required")
            await self.hear_audio(frame)
            return
        try:
            message = json.loads(frame)
        except ValueError:
            raise Refused("bad_message") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Refused("bad_message")
        match message["type"]:
            case "resume":
                raise Refused("protocol_violation" if self.started else "session_gone")
            case "start":
                await self.hear_start(message)
            case "ping":
                await self.say("pong", now=time.monotonic(), id=message.get("id"), t=message.get("t"))
            case "cancel":
                await self.close("cancelled", 1000, complete=False)
            case _ if not self.started:
                raise Refused("config_required")
            case "gap":
                await self.hear_gap(message)
            case "flush":
                await self.hear_flush(message)
            case "configure":
                await self.hear_configure(message)
            case "end_input":
                await self.hear_end(message)
            case other:
                await self.warn("unknown_type", other)

    async def hear_start(self, start: Message) -> None:
        if self.started:
            raise Refused("already_started")
        audio = start.get("audio", {})
        rate = audio.get("sample_rate", 16_000)
        if not isinstance(rate, int) or not 4_000 <= rate <= 192_000:
            raise Refused("invalid_config", "/audio/sample_rate")
        if audio.get("encoding", "pcm_s16le") != "pcm_s16le":
            raise Refused("unsupported_encoding", "/audio/encoding")
        if audio.get("channels", 1) != 1 or audio.get("framing", "raw") != "raw" or start.get("require"):
            raise Refused("unsupported_feature")
        self.started = True
        self.rate = rate
        self.origin = self.received = self.committed = start.get("timeline_origin") or 0
        self.segment = start.get("segment_origin") or 0
        self.acked = self.credit
        ignored = [f"/{name}" for name in start if name not in KNOWN]
        await self.record("ready", session="the-only-one", credit=self.credit, ignored=ignored)

    async def hear_audio(self, frame: bytes) -> None:
        data = self.half + frame
        whole = len(data) // 2 * 2
        self.half = data[whole:]
        await self.take(data[:whole])

    async def hear_gap(self, gap: Message) -> None:
        samples = gap.get("samples")
        if not isinstance(samples, int) or samples < 1:
            raise Refused("bad_message")
        if self.received + samples > self.credit:
            raise Refused("backlog_exceeded")
        await self.drop_half()
        self.gaps += samples
        await self.take(bytes(2 * samples))

    async def drop_half(self) -> None:
        if self.half:
            self.half = b""
            await self.warn("odd_bytes_dropped")

    async def take(self, pcm: bytes) -> None:
        if self.received + len(pcm) // 2 > self.credit:
            raise Refused("backlog_exceeded")
        word = 2 * WORD_S * self.rate
        for at in range(0, len(pcm), word):
            self.open += pcm[at : at + word]
            self.received += len(pcm[at : at + word]) // 2
            while len(self.open) >= word and any(self.open[:word]):
                await self.final(word // 2, "max_length")
        if self.credit - self.acked > WINDOW_S * self.rate // 4:
            self.acked = self.credit
            await self.say(
                "ack",
                received=self.received,
                processed=self.received,
                committed=self.committed,
                credit=self.credit,
                discard_before=self.committed,
            )

    async def final(self, samples: int, reason: str) -> None:
        begin, end = self.committed, self.committed + samples
        del self.open[: 2 * samples]
        await self.record(
            "final",
            segment=self.segment,
            text=f"word {self.segment}",
            start=begin / self.rate,
            end=end / self.rate,
            confidence=0.5,
            audio=[begin, end],
            reason=reason,
        )
        self.segment += 1
        self.covered += samples
        self.committed = end
        await self.answer_markers()

    async def decide(self, reason: str) -> None:
        """Decide everything that has come."""
        if any(self.open):
            await self.final(len(self.open) // 2, reason)
        self.open.clear()
        self.committed = self.received
        await self.answer_markers()

    async def answer_markers(self) -> None:
        while self.markers and self.markers[0][1] <= self.committed:
            id_, _ = self.markers.pop(0)
            await self.record("flushed", id=id_, upto=self.committed)

    async def hear_flush(self, flush: Message) -> None:
        id_, at = flush["id"], flush.get("at")
        if id_ in self.flushes:
            return
        self.flushes.add(id_)
        at = self.received if at is None else at
        if at > self.received:
            await self.record("error", code="invalid_param", message="Not yet.", fatal=False, ref=id_)
        elif flush.get("finalise", True):
            await self.decide("flush")
            await self.record("flushed", id=id_, upto=self.committed)
        else:
            self.markers.append((id_, at))
            await self.answer_markers()

    async def hear_configure(self, change: Message) -> None:
        if change["id"] not in self.changes:
            self.changes.add(change["id"])
            await self.record("error", code="unsupported_feature", message="Never.", fatal=False, ref=change["id"])

    async def hear_end(self, end: Message) -> None:
        await self.drop_half()
        if end.get("total") not in (None, self.received):
            await self.warn("audio_count_mismatch")
        if self.markers:
            await self.decide("flush")
        await self.record("input_ended", received=self.received, by="client")
        await self.decide("end_input")
        await self.close("completed", 1000, complete=True)
