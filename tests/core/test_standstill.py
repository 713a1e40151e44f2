"""An engine, a peer or one direction of a connection stands still and gives signs of life: it ends in time."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import (
    Interrupted,
    Limits,
    LocalProtocolError,
    ServerSession,
    Start,
    State,
)
from auricle.core.client import ClientSession
from auricle.core.messages import Ack
from auricle.core.session import Session
from auricle.core.states import Attachment
from auricle.core.testing import strategies
from auricle.core.testing.time_alone import check_time_ends
from core.link import Link, ready

LIMITS = Limits()


def live(link: Link, seconds: float) -> None:
    """Let time pass with everything delivered, and nothing done by the engine."""
    until = link.now + seconds
    while link.now < until:
        link.pass_time(1.0)
        link.settle_wire()


def live_without_uplink(link: Link, seconds: float) -> None:
    """The same, but nothing that the client says arrives."""
    until = link.now + seconds
    while link.now < until and link.client.closed is None and not link.of(Interrupted):
        link.pass_time(0.25)
        link.to_server.clear()
        while link.deliver("client"):
            pass


def seconds_to_the_end(link: Link, most_s: float) -> float:
    begun = link.now
    while link.client.closed is None and link.now < begun + most_s:
        live(link, 1.0)
    assert link.client.closed is not None, f"not over after {most_s} s"
    return link.now - begun


class TestAnEngineThatStandsStill:
    def test_credit_is_used_up_and_then_the_input_ends(self) -> None:
        """``end_input`` waits behind audio that waits for credit: it never reaches the server."""
        link = ready(limits=Limits(window_s=1.0))
        link.engine.accepts = False
        link.send(64_000)
        live(link, 10.0)
        link.end()
        assert link.client.state is State.INPUT_ENDED
        assert link.client.snapshot.sent < link.client.snapshot.offered
        taken_s = seconds_to_the_end(link, 300.0)
        assert taken_s <= LIMITS.stall_timeout_s + 1.0
        assert (link.closed.error, link.closed.complete) == ("engine_failed", False)

    def test_the_server_ends_a_session_whose_audio_nobody_processes(self) -> None:
        link = ready()
        link.engine.accepts = False
        live(link, 500.0)
        link.send(16_000)
        live(link, LIMITS.stall_timeout_s - 2.0)
        assert link.server.closed is None, "the engine's time begins with its work"
        live(link, 3.0)
        assert (link.closed.reason, link.closed.error, link.closed.retriable) == ("error", "engine_failed", True)

    def test_an_engine_that_moves_is_waited_for(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(16_000)
        for processed in range(0, 16_000, 1_000):
            link.settle_wire()
            link.route("server", link.server.progress(processed, now=link.now))
            live(link, LIMITS.stall_timeout_s - 10.0)
        assert link.client.closed is None

    def test_a_final_is_progress_on_either_side(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(3_000)
        link.end()
        link.settle_wire()
        link.route("server", link.server.progress(3_000, now=link.now))
        for end in (1_000, 2_000, 3_000):
            live(link, LIMITS.drain_timeout_s - 2.0)
            link.engine.final(end, "endpoint")
        live(link, LIMITS.drain_timeout_s - 2.0)
        link.route("server", link.server.finish(now=link.now))
        live(link, 1.0)
        assert link.closed.complete is True


class TestAServerThatSaysNothingNew:
    def draining(self, **ended: Any) -> ClientSession:
        client = ClientSession(Start(), now=0.0)
        client.connect(now=0.0)
        client.transport_opened("auricle.v1", now=0.0)
        client.receive('{"type":"ready","seq":1,"session":"s","credit":480000}', now=0.0)
        client.send_audio(bytes(32_000), now=0.0)
        client.end_input(now=0.0)
        deadline = "".join(f',"{name}":{value}' for name, value in ended.items())
        client.receive(f'{{"type":"input_ended","seq":2,"received":16000,"by":"client"{deadline}}}', now=0.0)
        assert client.state is State.DRAINING
        return client

    def closed_after(self, client: ClientSession, keepalive: str, most_s: float) -> float:
        now = 0.0
        while client.closed is None and now < most_s:
            now += 1.0
            client.handle_timeout(now=now)
            client.receive(keepalive, now=now)
        assert client.closed is not None, f"kept alive for {most_s} s"
        assert (client.closed.reason, client.closed.error) == ("timeout", "drain_timeout")
        return now

    @pytest.mark.parametrize(
        "keepalive",
        [
            '{"type":"ack","received":16000,"processed":0,"committed":0,"credit":480000,"discard_before":0}',
            '{"type":"pong","now":1.0}',
            '{"type":"news"}',
        ],
    )
    @pytest.mark.parametrize("deadline_ms", [5_000, 40_000])
    def test_the_deadline_that_it_told_binds_its_client(self, keepalive: str, deadline_ms: int) -> None:
        taken_s = self.closed_after(self.draining(deadline_ms=deadline_ms), keepalive, 300.0)
        assert taken_s == pytest.approx(deadline_ms / 1000 + LIMITS.drain_silence_s, abs=1.0)

    def test_without_a_deadline_the_clients_own_binds(self) -> None:
        taken_s = self.closed_after(self.draining(), '{"type":"pong","now":1.0}', 300.0)
        assert taken_s == pytest.approx(LIMITS.drain_timeout_s + 1.5 + LIMITS.drain_silence_s, abs=1.0)

    def test_no_deadline_is_longer_than_an_hour(self) -> None:
        taken_s = self.closed_after(self.draining(deadline_ms=2**53 - 1), '{"type":"pong","now":1.0}', 4_000.0)
        assert taken_s == pytest.approx(3_600.0 + LIMITS.drain_silence_s, abs=1.0)

    def test_after_a_cancel_nothing_is_waited_for_but_closed(self) -> None:
        client = self.draining(deadline_ms=600_000)
        client.cancel(now=0.0)
        taken_s = self.closed_after(client, '{"type":"pong","now":1.0}', 300.0)
        assert taken_s == pytest.approx(LIMITS.drain_silence_s, abs=1.0)

    def test_a_resume_that_is_never_answered_is_tried_again(self) -> None:
        link = Link(resumable=True)
        link.settle()
        link.opens = False
        link.break_connection()
        link.settle()
        link.opens = True
        link.pass_time(1.0)
        assert link.client.snapshot.attachment is Attachment.GATED
        attempts = link.client.snapshot.recovery.attempt
        for _ in range(int(LIMITS.ready_timeout_s) + 1):
            link.to_server.clear()
            link.client.receive('{"type":"pong","now":1.0}', now=link.now)
            link.pass_time(1.0)
        assert link.client.snapshot.recovery.attempt > attempts


class TestAPathThatCarriesOneWayOnly:
    @pytest.mark.parametrize("silence_timeout_s", [3.0, 20.0, 60.0])
    @pytest.mark.parametrize("behind", [True, False])
    def test_a_dead_uplink_is_noticed_within_the_silence_timeout(
        self, silence_timeout_s: float, *, behind: bool
    ) -> None:
        """A server that is behind says ``ack`` all the time, and every one of them arrives."""
        link = Link(resumable=True, limits=Limits(silence_timeout_s=silence_timeout_s, idle_timeout_s=500.0))
        link.settle()
        if behind:
            link.engine.accepts = False
            link.send(16_000)
            live(link, 1.0)
        died_at = link.now
        live_without_uplink(link, 200.0)
        assert link.of(Interrupted)
        assert link.now - died_at <= silence_timeout_s + 0.5

    def test_an_end_of_input_that_never_arrived_is_noticed_too(self) -> None:
        link = Link(resumable=True, limits=Limits(silence_timeout_s=5.0))
        link.settle()
        link.engine.accepts = False
        link.send(16_000)
        live(link, 1.0)
        link.end()
        begun = link.now
        live_without_uplink(link, 100.0)
        assert link.of(Interrupted)
        assert link.now - begun <= 5.5
        link.engine.accepts = True
        link.run_out()
        assert link.closed.complete is True

    def test_a_healthy_path_with_a_slow_engine_is_left_alone(self) -> None:
        link = Link(resumable=True, limits=Limits(silence_timeout_s=3.0))
        link.settle()
        link.engine.accepts = False
        link.send(16_000)
        live(link, 60.0)
        assert not link.of(Interrupted)
        assert link.of(Ack)


def drawn(session: Session, moves: list[tuple[float, Any]]) -> float:
    now = 0.0
    for pause, move in moves:
        now += pause
        session.handle_timeout(now=now)
        try:
            if callable(move):
                move(session, now)
            elif move is not None:
                session.receive(move, now=now)
        except LocalProtocolError:
            continue
    return now


@settings(deadline=None, max_examples=60)
@given(strategies.orderings(st.one_of(strategies.any_frames(strategies.Role.SERVER), strategies.client_verbs())))
def test_time_alone_ends_any_client(moves: list[tuple[float, Any]]) -> None:
    session = ClientSession(Start(), now=0.0)
    session.connect(now=0.0)
    session.transport_opened("auricle.v1", now=0.0)
    now = drawn(session, moves)
    session.handle_timeout(now=now)
    check_time_ends(session.snapshot, now=now)


@settings(deadline=None, max_examples=40)
@given(strategies.orderings(strategies.any_frames(strategies.Role.CLIENT)))
def test_time_alone_ends_any_server(moves: list[tuple[float, Any]]) -> None:
    session = ServerSession("auricle.v1", now=0.0, limits=Limits(session_max_s=600.0))
    session.receive('{"type":"start"}', now=0.0)
    now = drawn(session, moves)
    check_time_ends(session.snapshot, now=now)


def test_a_server_is_given_up_where_nothing_moves_although_it_answers() -> None:
    """Without credit, and with audio that waits: before the end of input too."""
    link = ready(limits=Limits(window_s=1.0, stall_timeout_s=50.0))
    link.engine.accepts = False
    link.send(64_000)
    link.settle_wire()
    s = link.server.snapshot
    for _ in range(200):
        if link.client.closed is not None:
            break
        link.client.receive(
            f'{{"type":"ack","received":{s.received},"processed":0,"committed":0,"credit":{s.credit},"discard_before":0}}',
            now=link.now,
        )
        link.client.receive('{"type":"pong","now":1.0}', now=link.now)
        link.now += 1.0
        link.client.handle_timeout(now=link.now)
    assert link.client.closed is not None
    assert (link.client.closed.reason, link.client.closed.error) == ("timeout", "drain_timeout")
    assert 50.0 < link.now < 80.0
