"""Deadlines, computed from the snapshot: no timer is stored. Source: wire-protocols §3.8.

Every rule that a timer fires moves its own deadline or removes it, so after `handle_timeout(now)` the next deadline
is later than ``now``, and a driver never spins.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from auricle.core.progress import DRAIN_FACTOR, drain_budget_s, progressed_at
from auricle.core.snapshot import Snapshot
from auricle.core.states import PEER_TIMEOUTS, Attachment, Kind, Role, State

LATE_TIMER_S: Final = 1.0
"""A timer that fires this late means that our own loop was blocked, and does not count against the peer (F9)."""


class Deadline(NamedTuple):
    """When a timer expires, in seconds of the session's clock, and which one."""

    at: float
    kind: Kind


def next_deadline(s: Snapshot) -> Deadline | None:
    """Return the earliest deadline, None where no timer is armed."""
    earliest = None
    for deadline in deadlines(s):
        if earliest is None or deadline.at < earliest.at:
            earliest = deadline
    return earliest


def deadlines(s: Snapshot) -> Iterator[Deadline]:
    """Return every timer that is armed."""
    if not s.grace_until:
        return _armed(s)
    return (
        deadline._replace(at=max(deadline.at, s.grace_until)) if deadline.kind in PEER_TIMEOUTS else deadline
        for deadline in _armed(s)
    )


def _armed(s: Snapshot) -> Iterator[Deadline]:
    if s.state is State.CLOSED:
        if s.attachment is Attachment.HELD and s.recovery.lost_at is not None:
            yield Deadline(s.recovery.lost_at + s.recovery.window_s, Kind.RESUME_EXPIRED)
        if s.attached:
            yield Deadline(s.closed_at + _close_timeout_s(s), Kind.CLOSE_EXPIRED)
    elif s.role is Role.CLIENT:
        yield from _client(s)
    else:
        yield from _server(s)


def _close_timeout_s(s: Snapshot) -> float:
    """Return how long the closing handshake may take, in seconds.

    A server's last results may still be queued for a client that reads slowly: the close timeout runs from when they
    have been written, and a stalled write is detected by the driver.
    """
    if s.closed is not None and s.closed.reason == "aborted":
        return s.limits.abort_timeout_s
    waits = s.role is Role.SERVER and not s.emptied
    return s.limits.close_timeout_s + (s.limits.write_stall_s if waits else 0.0)


def _client(s: Snapshot) -> Iterator[Deadline]:
    limits, r = s.limits, s.recovery
    if not s.attached:
        if r.lost_at is not None:
            yield Deadline(r.lost_at + limits.reconnect_timeout_s, Kind.RESUME_EXPIRED)
        began = r.asked_at if r.refusal else max(s.opened_at, r.reopen_at)  # all attempts to open it have one timeout
        yield Deadline(began + limits.connect_timeout_s, Kind.OPEN_EXPIRED)
        return
    if s.state is State.CONNECTING or s.attachment is Attachment.GATED:
        yield Deadline(_ready_by(s), Kind.READY_EXPIRED)
        if s.attachment is not Attachment.GATED:
            yield Deadline(s.opened_at + limits.load_timeout_s + limits.ready_timeout_s, Kind.LOAD_EXPIRED)
        return
    if r.attempt and r.proven:
        yield Deadline(r.resumed_at + limits.reconnect_reset_s, Kind.BACKOFF_RESET_DUE)
    if s.state in (State.INPUT_ENDED, State.DRAINING):
        silence_s = limits.legacy_drain_silence_s if s.legacy else limits.drain_silence_s
        yield Deadline(max(s.heard_at, s.ended_at) + silence_s, Kind.DRAIN_EXPIRED)
    if not s.legacy:  # a legacy server sends nothing while it receives, and grants no credit
        yield from _client_of_v1(s)
    # Both directions need traffic: ours resets the server's idle timeout, its answer our silence timeout.
    yield Deadline(min(s.said_at, max(s.heard_at, s.pinged_at)) + limits.ping_interval_s, Kind.PING_DUE)
    waiting = next((flush for flush in s.flushes if flush.awaited), None)
    if waiting is not None and s.state is not State.DRAINING:
        yield Deadline(max(s.heard_at, waiting.since) + limits.flush_timeout_s, Kind.FLUSH_EXPIRED)


def _ready_by(s: Snapshot) -> float:
    """Return until when a client waits for ``resumed``, or for the next sign of life before ``ready``."""
    limits = s.limits
    if s.attachment is Attachment.GATED:
        return s.opened_at + limits.ready_timeout_s
    # A legacy server has no ``loading``: it sends nothing until it is ready.
    return s.heard_at + (limits.legacy_drain_silence_s if s.legacy else limits.ready_timeout_s)


def _client_of_v1(s: Snapshot) -> Iterator[Deadline]:
    """Yield the timers of a client against a server that answers pings, and says how far it is."""
    limits, r = s.limits, s.recovery
    if s.state is not State.DRAINING:
        # What a server says proves that we hear it; only answers prove that it hears us.
        yield Deadline(s.proven_at + limits.silence_timeout_s, Kind.SILENCE_EXPIRED)
        every_s = min(limits.ping_interval_s, limits.silence_timeout_s / 2)
        yield Deadline(max(s.proven_at, s.pinged_at) + every_s, Kind.PING_DUE)
    patience_s = _patience_s(s)
    if patience_s is not None:
        # What it has said while we were away comes first.
        stalled_at = max(progressed_at(s), s.ended_at) + patience_s
        yield Deadline(max(stalled_at, r.resumed_at + limits.progress_interval_s), Kind.STALL_EXPIRED)


def _patience_s(s: Snapshot) -> float | None:
    """Return how long a client waits for a server that makes no progress, in seconds; None where none is due.

    A server that keeps to its own deadlines ends first: ``drain_silence_s`` is for what it says to arrive.
    """
    limits = s.limits
    match s.state:
        case State.INPUT_ENDED | State.DRAINING if s.cancelled:
            return limits.drain_silence_s
        case State.STREAMING | State.INPUT_ENDED if s.sent < s.offered:
            # Nothing is sent without credit: the server does not know yet that the input has ended.
            return limits.stall_timeout_s + limits.drain_silence_s
        case State.INPUT_ENDED | State.DRAINING:
            own_s = limits.drain_timeout_s + DRAIN_FACTOR * s.seconds(s.offered - s.processed)
            return limits.drain_silence_s + (own_s if s.drain_s is None else s.drain_s)
        case _:
            return None


def _server(s: Snapshot) -> Iterator[Deadline]:
    limits = s.limits
    if not s.started:
        yield Deadline(s.opened_at + limits.hello_timeout_s, Kind.HELLO_EXPIRED)
        return
    if s.state is State.CONNECTING:
        yield Deadline(s.opened_at + limits.load_timeout_s, Kind.LOAD_EXPIRED)
    elif s.state is State.STREAMING and s.processed < s.received:
        yield Deadline(progressed_at(s) + limits.stall_timeout_s + s.engine_s, Kind.STALL_EXPIRED)
    if s.ended:
        if s.state is not State.CONNECTING:
            yield Deadline(progressed_at(s) + drain_budget_s(s), Kind.DRAIN_EXPIRED)
    elif s.state is not State.CONNECTING:  # while the model loads, the client waits for us
        yield from _open_input(s)
    if not s.attached:
        if s.recovery.lost_at is not None:
            yield Deadline(s.recovery.lost_at + s.recovery.window_s, Kind.RESUME_EXPIRED)
        return
    behind = s.state is State.STREAMING and s.processed < s.received
    if behind or s.state in (State.CONNECTING, State.INPUT_ENDED, State.DRAINING):
        yield Deadline(s.said_at + limits.progress_interval_s, Kind.PROGRESS_DUE)
    if s.state is State.CONNECTING:
        return
    if s.ack_owed and s.config.features.acks:
        yield Deadline(s.acked_at + limits.ack_interval_s, Kind.ACK_DUE)
    every_ms = s.config.features.stats_ms
    if every_ms is not None:
        yield Deadline(s.stats_at + every_ms / 1000, Kind.STATS_DUE)


def _open_input(s: Snapshot) -> Iterator[Deadline]:
    """Yield the timers of a server whose input is open: idle client, missing audio, longest session."""
    limits = s.limits
    if s.attached and not is_reading_suspended(s):
        idle_s = limits.legacy_idle_timeout_s if s.legacy else limits.idle_timeout_s
        yield Deadline(s.heard_at + idle_s, Kind.IDLE_EXPIRED)
    if limits.audio_idle_s < math.inf:
        yield Deadline(s.audio_at + limits.audio_idle_s, Kind.AUDIO_IDLE)
    if limits.session_max_s < math.inf:
        if "session_expiring" not in s.warned:
            yield Deadline(s.ready_at + limits.session_max_s - limits.session_warning_s, Kind.EXPIRY_NEAR)
        yield Deadline(s.ready_at + limits.session_max_s, Kind.SESSION_MAX_REACHED)


def is_reading_suspended(s: Snapshot) -> bool:
    """Whether a server should not read its socket for now.

    Only for a legacy client, whose dialect has no credit ("TCP backpressure only", wire-protocols §3.11); its idle
    timer is suspended meanwhile. Every other client is always read, and so is a legacy one whose input has ended: what
    it sends then is dropped, and its Close frame is awaited.
    """
    if not s.legacy or s.role is not Role.SERVER or s.ended or s.state is State.CLOSED:
        return False
    return s.received - s.processed >= s.samples(s.limits.window_s)
