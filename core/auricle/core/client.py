"""`ClientSession`: the client's side of a session, as typed methods over `step`. No I/O and no clock."""

from collections.abc import Mapping

from auricle.core import framing
from auricle.core.audio_ring import AudioRing
from auricle.core.dialect import V1
from auricle.core.errors import LocalProtocolError
from auricle.core.framing import FRAMINGS
from auricle.core.legacy import LegacyServer
from auricle.core.limits import Limits
from auricle.core.messages import (
    CHANGEABLE,
    PROTOCOL,
    Audio,
    Cancel,
    Configure,
    EndInput,
    Flush,
    Gap,
    Malformed,
    Start,
)
from auricle.core.outputs import AudioSpan, RawOutput
from auricle.core.parts import SAMPLE_BYTES
from auricle.core.recovery import Recovery
from auricle.core.session import Outputs, Session
from auricle.core.snapshot import Snapshot
from auricle.core.states import Attachment, Kind, Role, State
from auricle.core.stimuli import Hear, Local, Opened, Say
from auricle.core.turn import Turn


class ClientSession(Session):
    """A session with a server.

    Every method that changes the session returns outputs; a driver executes them in order and then waits for the next
    input or for `next_deadline`. Times are seconds on one monotonic clock of the caller's choice.

    A method that is not legal in the present state raises `LocalProtocolError` and changes nothing.
    """

    def __init__(
        self,
        config: Start,
        *,
        now: float,
        limits: Limits | None = None,
        allow_legacy: bool = False,
        seed: int = 0,
    ) -> None:
        """Make a session that is not connected yet.

        ``seed`` determines the jitter of reconnect delays; give each client its own. Raises `LocalProtocolError` for an
        encoding or a framing that is not supported.
        """
        if config.audio.encoding not in SAMPLE_BYTES:
            known = ", ".join(SAMPLE_BYTES)
            raise LocalProtocolError(f"encoding {config.audio.encoding!r} is not supported, use one of {known}")
        if config.audio.framing not in FRAMINGS:
            known = ", ".join(FRAMINGS)
            raise LocalProtocolError(f"framing {config.audio.framing!r} is not supported, use one of {known}")
        limits = limits or Limits()
        # Until the server is ready, and has said whether it resumes, everything may have to be sent again.
        recovery = Recovery(seed=seed, retain_audio=True)
        origin = config.timeline_origin or 0
        snapshot = Snapshot(
            role=Role.CLIENT, limits=limits, config=config, opened_at=now, recovery=recovery,
            origin=origin, offered=origin, sent=origin, received=origin, processed=origin, committed=origin,
            ring_start=origin, speech_at=origin, segment=config.segment_origin or 0,
            turn=Turn(number=config.turn_origin or 0, first=config.segment_origin or 0, spoken_until=origin, at=origin),
        )  # fmt: skip
        super().__init__(snapshot, V1(Role.SERVER, limits))
        self._allow_legacy = allow_legacy
        self._ring = AudioRing(config.audio.frame_bytes, origin)

    @property
    def room(self) -> int:
        """Bytes of audio that may be offered now; 0: none until the server has granted more credit."""
        s = self._snapshot
        return max(0, s.samples(s.limits.backlog_s) - (s.offered - s.sent)) * self._ring.frame_bytes

    def connect(self, *, now: float) -> Outputs:
        """Ask for the first transport. Raises `LocalProtocolError` when called twice."""
        return self._step(Local(kind=Kind.CONNECT), now=now)

    def transport_opened(self, subprotocol: str | None, *, now: float) -> Outputs:
        """The transport is open; ``subprotocol`` is what the server selected, None when nothing."""
        refusal, legacy = None, False
        if subprotocol != PROTOCOL:
            audio = self._snapshot.config.audio
            begun = self._snapshot.started or self._snapshot.attachment is not Attachment.OPENING
            if not self._allow_legacy or subprotocol is not None or begun:
                refusal = f"the server does not speak {PROTOCOL}"
            elif audio.encoding != "pcm_s16le" or audio.channels != 1:
                refusal = "the server speaks the legacy dialect, which knows only mono pcm_s16le"
            else:
                legacy = True
        raw = self._advance(Opened(legacy=legacy), now=now)
        if legacy:
            self._dialect = LegacyServer(self._snapshot.limits)
        outputs = self._resolve_all(raw)
        if refusal is not None and self._snapshot.state is not State.CLOSED:
            outputs += self._step(Hear(message=Malformed(code="protocol_violation", why=refusal)), now=now)
        return outputs

    def send_audio(self, data: bytes, *, now: float) -> Outputs:
        """Offer audio in the declared format; the bytes of a call may end in the middle of a sample.

        Raises `BacklogFull` while `room` is 0: the audio already offered waits for credit.
        """
        ring = self._ring
        samples, residue = divmod(ring.residue + len(data), ring.frame_bytes)
        s = self._snapshot
        # `step` comes first: where it raises, no bytes may be added.
        span = AudioSpan(start=s.offered, end=s.offered + samples, residue=residue)
        raw = self._advance(Say(message=span), now=now)
        ring.append(data)
        return self._resolve_all(raw)

    def skip(self, samples: int, *, now: float) -> Outputs:
        """Advance the timeline by ``samples`` without audio. Raises `BacklogFull` as `send_audio` does."""
        raw = self._advance(Say(message=Gap(samples=samples)), now=now)
        self._ring.skip(samples)
        return self._resolve_all(raw)

    def flush(self, flush_id: str, *, now: float, at_sample: int | None = None) -> Outputs:
        """Ask for everything before ``at_sample`` (default: everything offered) to be decided now."""
        return self._flush(Flush(id=flush_id, at=at_sample), now=now)

    def mark(self, flush_id: str, *, now: float, at_sample: int | None = None) -> Outputs:
        """Request an answer once everything before ``at_sample`` has been decided, without forcing that decision."""
        return self._flush(Flush(id=flush_id, at=at_sample, finalise=False), now=now)

    def end_turn(self, flush_id: str, *, now: float) -> Outputs:
        """As `flush`, and the turn that is open at that point ends there, whatever the server takes it for."""
        return self._flush(Flush(id=flush_id, end_turn=True), now=now)

    def _flush(self, message: Flush, *, now: float) -> Outputs:
        s, flush_id, at_sample = self._snapshot, message.id, message.at
        if any(flush.id == flush_id for flush in s.flushes) or flush_id in s.answered:
            raise LocalProtocolError(f"flush id {flush_id!r} has been used")
        earlier = s.flushes[-1].at if s.flushes else 0
        if at_sample is not None and not earlier <= at_sample <= s.offered:
            raise LocalProtocolError(f"a flush may lie between samples {earlier} and {s.offered}, not at {at_sample}")
        return self._step(Say(message=message), now=now)

    def configure(self, change_id: str, change: Mapping[str, object], *, now: float) -> Outputs:
        """Change the configuration from here on: keys of `CHANGEABLE`, with None for the default.

        Values are as in ``start`` on the wire: plain objects, lists, strings. Raises `schema.FieldError` for a value
        that cannot be one, and `LocalProtocolError` for a key that cannot be changed.
        """
        unknown = [key for key in change if key not in CHANGEABLE]
        if unknown:
            raise LocalProtocolError(f"{unknown[0]!r} cannot be changed, only {', '.join(CHANGEABLE)}")
        s = self._snapshot
        if change_id in s.answered_changes or any(open_change.id == change_id for open_change in s.changes):
            raise LocalProtocolError(f"change id {change_id!r} has been used")
        return self._step(Say(message=Configure(id=change_id, set=change)), now=now)

    def end_input(self, *, now: float) -> Outputs:
        """End the input: no more audio will be offered. Idempotent, legal in every state."""
        return self._step(Say(message=EndInput()), now=now)

    def cancel(self, reason: str | None = None, *, now: float) -> Outputs:
        """Stop now; results that are not final are dropped. The server still answers with its accounting."""
        return self._step(Say(message=Cancel(reason=reason)), now=now)

    def abort(self, *, now: float) -> Outputs:
        """End the session at once, without the server's accounting: emits the terminal event. Idempotent."""
        return self._step(Local(kind=Kind.ABORT), now=now)

    def _audio(self, span: AudioSpan) -> Audio:
        pcm = self._ring.read(span.start, span.end, span.residue)
        has_position = self._snapshot.config.audio.framing == "offset64"
        return Audio(data=framing.pack(span.start, pcm) if has_position else pcm)

    def _resolve_all(self, raw: tuple[RawOutput, ...]) -> Outputs:
        outputs = super()._resolve_all(raw)
        s = self._snapshot
        self._ring.discard(s.ring_start if s.recovery.retain_audio else s.sent)
        return outputs
