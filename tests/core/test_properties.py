"""Any order of anything, on two real cores back to back: what holds always, and that everything ends.

Swarm testing: each run first draws which destructive rules are allowed at all, so that many runs get deep.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from auricle.core import (
    Ack,
    BacklogFull,
    Features,
    Final,
    Flushed,
    Limits,
    LocalProtocolError,
    Partial,
    Ready,
    SessionClosed,
    Start,
    State,
)
from auricle.core.states import PEER_TIMEOUTS
from auricle.core.timers import LATE_TIMER_S, deadlines
from core.link import SEGMENT, Link, only_ending

DESTRUCTIVE = ("cut", "cancel", "abort", "shutdown", "fail", "engine_failure")
HONEST = {"completed", "cancelled", "aborted", "lost", "shutdown", "error"}
"""How a session between two correct sides may end: never as a violation or a timeout."""


class Conversation(RuleBasedStateMachine):
    """One session, with everything that may happen to it."""

    @initialize(
        allowed=st.sets(st.sampled_from(DESTRUCTIVE), max_size=2),
        window_s=st.sampled_from([0.05, 2.5, 30.0]),
        backlog_s=st.sampled_from([0.2, 10.0]),
        features=st.builds(Features, acks=st.booleans(), partials=st.booleans(), speech_events=st.booleans()),
        opens=st.booleans(),
    )
    def begin(self, allowed: set[str], window_s: float, backlog_s: float, features: Features, opens: bool) -> None:
        self.allowed = allowed
        limits = Limits(window_s=window_s, backlog_s=backlog_s, prebuffer_s=0.1)
        self.link = Link(limits=limits, config=Start(features=features), opens=opens)
        self.flush_ids: list[str] = []
        self.ended = False

    @precondition(lambda self: not self.link.opened)
    @rule()
    def open(self) -> None:
        self.link.open()

    # ------------------------------------------------------------------------ the application

    @rule(count=st.integers(1, 8 * SEGMENT))
    def audio(self, count: int) -> None:
        before = self.link.client.snapshot
        try:
            self.link.send_bytes(count)
        except BacklogFull:
            assert self.link.client.room == 0
            assert self.link.client.snapshot == before
        except LocalProtocolError:
            assert before.ended or self.link.client.state is State.CLOSED
            assert self.link.client.snapshot == before

    @rule(back=st.none() | st.integers(0, SEGMENT))
    def flush(self, back: int | None) -> None:
        flush_id = f"f{len(self.flush_ids)}"
        s = self.link.client.snapshot
        earliest = s.flushes[-1].at if s.flushes else 0
        try:
            self.link.flush(flush_id, None if back is None else max(earliest, s.offered - back))
            self.flush_ids.append(flush_id)
        except BacklogFull:
            snapshot = self.link.client.snapshot
            assert len(snapshot.flushes) == snapshot.limits.max_flushes_pending
        except LocalProtocolError:
            assert self.link.client.snapshot.ended or self.link.client.state is State.CLOSED

    @rule()
    def end_input(self) -> None:
        self.link.end()
        self.ended = True

    @precondition(lambda self: "cancel" in self.allowed)
    @rule()
    def cancel(self) -> None:
        self.link.route("client", self.link.client.cancel(now=self.link.now))

    @precondition(lambda self: "abort" in self.allowed)
    @rule()
    def abort(self) -> None:
        self.link.route("client", self.link.client.abort(now=self.link.now))

    # ------------------------------------------------------------------------ the world

    @rule(frames=st.integers(1, 5))
    def deliver_to_server(self, frames: int) -> None:
        for _ in range(frames):
            self.link.deliver("server")

    @rule(frames=st.integers(1, 5))
    def deliver_to_client(self, frames: int) -> None:
        for _ in range(frames):
            self.link.deliver("client")

    @precondition(lambda self: self.link.opened)
    @rule(seconds=st.floats(0.01, 2.0))
    def time(self, seconds: float) -> None:
        self.link.pass_time(seconds)
        # Fair: a network that delivers nothing for longer than the timers allow is another test's business.
        self.link.settle_wire()

    # A server that sleeps through most of a client's patience before it has read the start is not one to wait for.
    @precondition(lambda self: self.link.opened and self.link.client.state is not State.CONNECTING)
    @rule(seconds=st.floats(1.5, 300.0))
    def oversleep(self, seconds: float) -> None:
        then = self.link.now + seconds
        due = [deadline for side in (self.link.client, self.link.server) for deadline in deadlines(side.snapshot)]
        if not any(0 <= then - deadline.at <= LATE_TIMER_S for deadline in due if deadline.kind in PEER_TIMEOUTS):
            self.link.oversleep(seconds)

    @precondition(lambda self: "cut" in self.allowed and self.link.opened)
    @rule()
    def cut(self) -> None:
        self.link.break_connection()

    # ------------------------------------------------------------------------ the server

    @rule(steps=st.integers(1, 4))
    def engine(self, steps: int) -> None:
        for _ in range(steps):
            self.link.engine.work()

    @precondition(lambda self: "shutdown" in self.allowed)
    @rule()
    def shutdown(self) -> None:
        self.link.route("server", self.link.server.shut_down(now=self.link.now))

    @precondition(lambda self: "fail" in self.allowed)
    @rule()
    def fail(self) -> None:
        self.link.route("server", self.link.server.fail("internal", "a fault", now=self.link.now))

    @precondition(lambda self: "engine_failure" in self.allowed)
    @rule()
    def engine_failure(self) -> None:
        self.link.engine.fail_utterance()

    # ------------------------------------------------------------------------ what holds always

    @invariant()
    def one_ending_and_last(self) -> None:
        if hasattr(self, "link"):
            for events in (self.link.client_events, self.link.server_events):
                if any(isinstance(event, SessionClosed) for event in events):
                    only_ending(events)

    @invariant()
    def snapshots_are_values(self) -> None:
        if hasattr(self, "link"):
            for session in (self.link.client, self.link.server):
                hash(session.snapshot)
                assert not any(isinstance(field, bytes | bytearray) for field in session.snapshot)

    @invariant()
    def watermarks_are_in_order(self) -> None:
        if hasattr(self, "link"):
            s = self.link.server.snapshot
            assert s.committed <= s.processed <= s.received <= max(s.credit, s.received if s.legacy else s.credit)
            c = self.link.client.snapshot
            assert c.sent <= c.offered
            assert c.sent <= max(c.credit, 0)

    def teardown(self) -> None:
        if hasattr(self, "link"):
            self.link.opens = True
            if not self.link.opened:
                self.link.open()
            self.check()

    def check(self) -> None:
        """What must be true in the end, however it came about."""
        check_ending(self.link, ended=self.ended)


def check_ending(link: Link, *, ended: bool) -> None:
    """Fair delivery and time: both ends close, honestly, and the client's verdict is the truth."""
    if not ended and link.client.state is not State.CLOSED:
        link.end()
    link.run_out()
    closed = only_ending(link.client_events)
    assert closed.reason in HONEST, closed
    assert only_ending(link.server_events).reason in HONEST
    check_finals(link)
    check_credit(link)
    account = closed.accounting
    if closed.complete:
        assert account.offered == account.sent == account.received == account.committed
        assert account.dropped == account.late == 0
        assert not link.client.snapshot.flushes
        covered = sum(final.audio[1] - final.audio[0] for final in link.of(Final))
        assert covered + account.non_speech == account.offered
        assert covered == account.offered, "our engine hears words everywhere"
    elif closed.reason == "completed":
        assert account.dropped or account.sent < account.offered, closed


def check_finals(link: Link) -> None:
    """Finals are a gapless prefix; no partial of a segment follows its final; flushes are answered once, in order."""
    finals = link.of(Final)
    assert [final.segment for final in finals] == list(range(len(finals)))
    for one, other in pairwise(finals):
        assert one.audio[1] <= other.audio[0]
    said: set[int] = set()
    for event in link.client_events:
        if isinstance(event, Final):
            assert event.segment not in said
            said.add(event.segment)
        elif isinstance(event, Partial):
            assert event.segment not in said
    answers = [event.id for event in link.of(Flushed)]
    assert len(answers) == len(set(answers))
    uptos = [event.upto for event in link.of(Flushed)]
    assert uptos == sorted(uptos)


def check_credit(link: Link) -> None:
    """What the engine has heard comes back as credit: absolute, so nothing can leak."""
    s = link.server.snapshot
    if s.started and s.closed is not None and s.closed.reason == "completed":
        window = s.samples(s.limits.window_s)
        assert s.credit >= min(s.processed + window, s.received + window) or s.received == 0


def run_machine(
    machine: type[RuleBasedStateMachine] = Conversation,
    *,
    examples: int = 400,
    steps: int = 50,
    phases: Sequence[Phase] = tuple(Phase),
) -> None:
    """Run a state machine; the mutants use it too, without the phases that make a failure small."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_order_of_anything() -> None:
    run_machine()


CHUNKS = st.lists(st.integers(1, 3_000), min_size=1, max_size=12)


def durable(sizes: list[int], flushes: dict[int, str], *, eager: bool, total: int) -> list[Any]:
    """The durable events of a session whose audio comes in these sizes, with flushes at these positions."""
    link = Link()
    if eager:
        link.settle()
    cuts = sorted({total, *flushes, *(sum(sizes[: n + 1]) for n in range(len(sizes)))})
    position = 0
    for cut in (cut for cut in cuts if cut <= total):
        if cut > position:
            link.send(cut - position)
            position = cut
        if cut in flushes:
            link.flush(flushes[cut])
        if eager:
            link.settle()
            link.pass_time(0.3)
    link.end()
    link.run_out()
    assert link.closed.complete is True
    return [event for event in link.client_events if not isinstance(event, Ack | Partial | Ready)]


@settings(max_examples=60, deadline=None)
@given(CHUNKS, CHUNKS, st.sets(st.integers(1, 8_000), max_size=3), st.booleans())
def test_what_is_durable_does_not_depend_on_chunking_or_delay(
    one: list[int], other: list[int], flushes: set[int], eager: bool
) -> None:
    total = 8_000
    asked = {position: f"at{position}" for position in flushes}
    first, second = durable(one, asked, eager=True, total=total), durable(other, asked, eager=eager, total=total)

    def words(events: list[Any]) -> list[tuple[Any, ...]]:
        return [
            (event.audio, event.text, event.reason) if isinstance(event, Final) else (event.id, event.upto)
            for event in events
            if isinstance(event, Final | Flushed)
        ]

    assert words(first) == words(second)


@pytest.mark.parametrize("frame", ['{"type":"final"}', "]]", b"\0\0\0", '{"type":"closed"}', "{}"])
def test_nothing_heard_ever_raises(frame: str | bytes) -> None:
    for settle in (False, True):
        link = Link()
        if settle:
            link.settle()
        for session in (link.client, link.server):
            for _ in range(3):
                session.receive(frame, now=0.0)
