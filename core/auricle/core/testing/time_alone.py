"""What time alone does to one side of a session, from any snapshot on: it closes it within `longest_s`.

Nobody does their duty here: the engine, the model's loading and the network stand still. The peer is silent, or says
nothing but keepalives: whatever proves that it lives and that nothing has moved.
"""

from typing import Final

from auricle.core import timers
from auricle.core.limits import Limits
from auricle.core.machine import step
from auricle.core.messages import Ack, EndInput, Loading, Message, Ping, Pong, Unknown
from auricle.core.outputs import OpenTransport
from auricle.core.progress import DRAIN_FACTOR
from auricle.core.snapshot import Snapshot
from auricle.core.states import Attachment, Role, State
from auricle.core.stimuli import Hear, Local, Opened, Say, Stimulus

KEEPALIVE_S: Final = 10.0
"""The interval of the keepalives, in seconds: less than any timer that waits for a sign of life."""
MOST_STEPS: Final = 20_000


def longest_s(limits: Limits, offered_s: float, *, role: Role) -> float:
    """Return the stated bound, in seconds, for a session with ``offered_s`` seconds of audio.

    For a client it counts from its end of input, for a server from any moment. Between two deadlines a timer may wait
    for another, so it is a sum.
    """
    undecided_s = limits.drain_timeout_s + DRAIN_FACTOR * offered_s + limits.drain_silence_s
    closing_s = limits.close_timeout_s + limits.write_stall_s + limits.resume_window_s
    loading_s = limits.load_timeout_s + limits.ready_timeout_s
    if role is Role.SERVER:
        waiting_s = limits.hello_timeout_s + limits.idle_timeout_s + limits.stall_timeout_s
        return waiting_s + loading_s + limits.session_max_s + undecided_s + closing_s
    attempt_s = limits.connect_timeout_s + limits.ready_timeout_s + limits.reconnect_max_s
    return (
        limits.silence_timeout_s + limits.reconnect_timeout_s + (1 + limits.max_reconnects) * attempt_s
        + loading_s + undecided_s + closing_s
    )  # fmt: skip


def seconds_to_the_end(s: Snapshot, *, now: float, keepalives: bool) -> float | None:
    """Return how many seconds pass until the session is over, None where that takes longer than `longest_s`."""
    begun = now
    s, opening = _ended(s, now)
    limit = now + longest_s(s.limits, s.seconds(max(s.offered, s.credit) - s.origin), role=s.role)
    opening = opening or (s.role is Role.CLIENT and not s.attached and s.state is not State.CLOSED)
    for _ in range(MOST_STEPS):
        if s.state is State.CLOSED and s.attachment is Attachment.DETACHED:
            return now - begun
        deadline = timers.next_deadline(s)
        at = now + KEEPALIVE_S if keepalives else limit
        if deadline is not None and (deadline.at <= at or not keepalives):
            now = max(now, deadline.at)
            s, opens = _step(s, Local(kind=deadline.kind), now)
        elif not keepalives:
            return None
        else:
            now = at
            s, opens = _kept_alive(s, now, opening=opening)
            opening = False
        opening = opening or opens
        if now > limit:
            return None
    return None


def _ended(s: Snapshot, now: float) -> tuple[Snapshot, bool]:
    """Return a client after its application has ended the input; a server as it is."""
    if s.role is Role.SERVER or s.state is State.CLOSED:
        return s, False
    return _step(s, Say(message=EndInput()), now)


def _step(s: Snapshot, stimulus: Stimulus, now: float) -> tuple[Snapshot, bool]:
    """Return the snapshot after a step, and whether it asks for a transport."""
    after, outputs = step(s, stimulus, now=now)
    return after, any(isinstance(output, OpenTransport) for output in outputs)


def _kept_alive(s: Snapshot, now: float, *, opening: bool) -> tuple[Snapshot, bool]:
    """Return the snapshot after one round of keepalives; a transport that was asked for opens first."""
    opens = False
    if opening and s.state is not State.CLOSED and not s.attached:
        s, opens = _step(s, Opened(), now)
    if s.attached:
        for message in _keepalives(s):
            s, again = _step(s, Hear(message=message), now)
            opens = opens or again
    return s, opens


def _keepalives(s: Snapshot) -> tuple[Message, ...]:
    """Return what an idle peer may say again and again, as far as it is legal."""
    if s.role is Role.SERVER:
        return (Ping(),)
    if s.attachment is Attachment.GATED:
        return (Pong(now=0.0),)
    if s.state is State.CONNECTING:
        return (Loading(stage="loading"), Pong(now=0.0), Unknown(name="news"))
    watermarks = Ack(
        received=s.received, processed=s.processed, committed=s.committed, credit=s.credit, discard_before=0,
        moves=s.moves or None,
    )  # fmt: skip
    return (watermarks, Pong(now=0.0), Unknown(name="news"))


def check_time_ends(s: Snapshot, *, now: float) -> None:
    """Raise `AssertionError` unless time alone ends the session within `longest_s`, whatever the peer does not do."""
    for keepalives in (False, True):
        taken_s = seconds_to_the_end(s, now=now, keepalives=keepalives)
        peer = "says nothing but keepalives" if keepalives else "is silent"
        assert taken_s is not None, f"{s.role.value} in {s.state.value} never ends while its peer {peer}"
