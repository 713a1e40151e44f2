"""`Session`: what both sides share. It holds the snapshot and the dialect, and calls `step`."""

from typing import assert_never

from auricle.core import timers
from auricle.core.codec import Decoded
from auricle.core.dialect import Dialect
from auricle.core.events import Event, SessionClosed
from auricle.core.machine import step
from auricle.core.messages import Audio, Message
from auricle.core.outputs import (
    AbortTransport,
    AdoptTransport,
    AudioSpan,
    CloseTransport,
    Emit,
    Forget,
    Frame,
    OpenTransport,
    Output,
    RawOutput,
    Record,
    Replay,
    Send,
    Transmit,
)
from auricle.core.snapshot import Snapshot
from auricle.core.states import PEER_TIMEOUTS, Attachment, Kind, State
from auricle.core.stimuli import Hear, Local, Lose, LossKind, Stimulus

Outputs = tuple[Output, ...]


class Session:
    """The part of a session that does not depend on its role. Every method that changes it returns the outputs."""

    def __init__(self, snapshot: Snapshot, dialect: Dialect) -> None:
        self._snapshot = snapshot
        self._dialect = dialect

    @property
    def snapshot(self) -> Snapshot:
        """The whole control state: immutable and hashable."""
        return self._snapshot

    @property
    def dialect(self) -> Dialect:
        """The dialect that is spoken with the peer, as far as it is known."""
        return self._dialect

    @property
    def state(self) -> State:
        """The state of the session."""
        return self._snapshot.state

    @property
    def closed(self) -> SessionClosed | None:
        """The terminal event, once it has been emitted."""
        return self._snapshot.closed

    @property
    def finished(self) -> bool:
        """Whether the session is closed, without a transport, and not held for a resume: a driver may drop it."""
        return self._snapshot.state is State.CLOSED and self._snapshot.attachment is Attachment.DETACHED

    @property
    def reading_suspended(self) -> bool:
        """Whether the driver should not read its transport: only on a server whose legacy client has no credit."""
        return timers.is_reading_suspended(self._snapshot)

    @property
    def next_deadline(self) -> float | None:
        """When `handle_timeout` must be called, in seconds of the session's clock; None: no timer is armed."""
        deadline = timers.next_deadline(self._snapshot)
        return None if deadline is None else deadline.at

    def handle_timeout(self, *, now: float) -> Outputs:
        """Fire every timer that has expired. Called early it does nothing.

        Called more than `timers.LATE_TIMER_S` late it fires no peer timeout, as the peer may have sent something while
        our own loop was blocked: it sets a new deadline, so that the transport can be read first.
        """
        outputs: list[Output] = []
        while (deadline := timers.next_deadline(self._snapshot)) is not None and deadline.at <= now:
            overslept = deadline.kind in PEER_TIMEOUTS and now - deadline.at > timers.LATE_TIMER_S
            outputs += self._step(Local(kind=Kind.TIMER_LATE if overslept else deadline.kind), now=now)
        return tuple(outputs)

    def receive(self, frame: Frame, *, now: float) -> Outputs:
        """Take a frame that the peer sent. Never raises."""
        self._dialect, messages = self._dialect.decode(frame, self._snapshot)
        if len(messages) == 1:
            return self._hear(messages[0], now=now)
        return tuple(output for decoded in messages for output in self._hear(decoded, now=now))

    def transport_lost(self, how: LossKind, code: int, reason: str = "", *, now: float) -> Outputs:
        """Take the end of the transport: by the peer's Close frame (``eof``) or without one. Never raises."""
        lost = Lose(how=how, code=code, reason=reason)
        closed = self._dialect.conclude(lost, self._snapshot)
        outputs: list[Output] = []
        if closed is not None:
            outputs += self._step(Hear(message=closed), now=now)
        outputs += self._step(lost, now=now)
        return tuple(outputs)

    def emptied(self, *, now: float) -> Outputs:
        """Report that everything before the closing handshake has been written to the transport. Never raises."""
        return self._step(Local(kind=Kind.EMPTIED), now=now)

    def _hear(self, decoded: Decoded, *, now: float) -> Outputs:
        return self._step(Hear(message=decoded.message), now=now)

    def _step(self, stimulus: Stimulus, *, now: float) -> Outputs:
        return self._resolve_all(self._advance(stimulus, now=now))

    def _advance(self, stimulus: Stimulus, *, now: float) -> tuple[RawOutput, ...]:
        """Take the snapshot that `step` returns: nothing else replaces it. Return the outputs, still to be resolved."""
        self._snapshot, raw = step(self._snapshot, stimulus, now=now)
        return raw

    def _resolve_all(self, raw: tuple[RawOutput, ...]) -> Outputs:
        if len(raw) == 1:
            return self._resolve(raw[0])
        return tuple(output for item in raw for output in self._resolve(item))

    def _resolve(self, item: RawOutput) -> Outputs:
        """Turn an output of `step` into outputs for the driver: encode messages, and add the bytes of audio."""
        match item:
            case Send(message=said):
                return self._transmit(self._audio(said) if isinstance(said, AudioSpan) else said)
            case Emit(event=event):
                return (Emit(event=self._fill(event)),)
            case CloseTransport(code=code, reason=reason):
                told_code, told_reason = self._dialect.ending(code, reason)
                return (CloseTransport(code=told_code, reason=told_reason),)
            case OpenTransport() | AdoptTransport() | AbortTransport():
                return (item,)
            case Record() | Replay() | Forget():
                return self._keep(item)
            case _:
                assert_never(item)

    def _keep(self, item: Record | Replay | Forget) -> Outputs:
        """Update the record of durable messages (server only)."""
        raise AssertionError(f"this role keeps no record: {item}")

    def _transmit(self, message: Message) -> Outputs:
        """Return the frames of a message, nothing where this dialect has none."""
        self._dialect, frames = self._dialect.encode(message, self._snapshot)
        if len(frames) == 1:
            return (Transmit(frame=frames[0], message=message),)
        return tuple(Transmit(frame=frame, message=message) for frame in frames)

    def _audio(self, span: AudioSpan) -> Audio:
        """Return the bytes of a span that is to be sent (client only)."""
        raise AssertionError(f"this role sends no audio: {span}")

    def _fill(self, event: Event) -> Event:
        """Return an event completed with what snapshots and stimuli do not hold."""
        return event

    def __repr__(self) -> str:
        s = self._snapshot
        return (
            f"<{type(self).__name__} {s.state.name} offered={s.offered} sent={s.sent} received={s.received} "
            f"processed={s.processed} committed={s.committed} segments={s.segment} seq={s.seq}>"
        )
