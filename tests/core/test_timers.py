"""Every timer of wire-protocols §3.8 that exists here, by virtual time. `Link.pass_time` also forbids hot loops."""

import pytest

from auricle.core import PROTOCOL, Ack, AudioReceived, Limits, Loading, ServerInfo, ServerSession, Start, State, codec
from auricle.core.messages import Ping, Pong
from auricle.core.outputs import Transmit
from auricle.core.parts import Features
from auricle.core.states import Attachment
from core.link import Link, only_ending, ready

LIMITS = Limits()


def live(link: Link, seconds: float, every_s: float = 1.0) -> None:
    """Let time pass with everything delivered."""
    until = link.now + seconds
    while link.now < until:
        link.pass_time(every_s)
        link.settle()


def test_a_call_before_the_deadline_does_nothing() -> None:
    link = ready()
    before = link.client.snapshot
    assert link.client.handle_timeout(now=link.now) == ()
    assert link.client.snapshot == before


def test_no_start() -> None:
    link = Link()
    link.to_server.clear()
    link.pass_time(LIMITS.hello_timeout_s + 0.1)
    ending = only_ending(link.server_events)
    assert (ending.error, ending.code) == ("hello_timeout", 4408)


def test_no_ready() -> None:
    link = Link()
    link.to_server.clear()
    link.pass_time(LIMITS.ready_timeout_s + 0.1)
    assert (link.closed.reason, link.closed.error, link.closed.retriable) == ("timeout", "ready_timeout", True)


def test_loading_for_many_minutes_is_fine() -> None:
    link = Link()
    link.engine.accepts = False
    live(link, LIMITS.load_timeout_s - 1.0)
    assert link.client.state is State.CONNECTING
    assert len(link.of(Loading)) >= LIMITS.load_timeout_s / LIMITS.progress_interval_s - 2


def test_a_model_that_never_loads_is_given_up_by_the_server() -> None:
    link = Link()
    link.engine.accepts = False
    live(link, LIMITS.load_timeout_s + 1.0)
    assert (link.closed.reason, link.closed.error, link.closed.retriable) == ("error", "engine_unavailable", True)


def test_a_server_that_says_loading_for_ever_is_given_up() -> None:
    link = Link()
    link.to_server.clear()
    for _ in range(int(LIMITS.load_timeout_s + LIMITS.ready_timeout_s) + 1):
        if link.client.closed is None:
            link.route("client", link.client.receive('{"type":"loading","stage":"again"}', now=link.now))
        link.to_server.clear()
        link.pass_time(1.0)
    assert (link.closed.reason, link.closed.error, link.closed.retriable) == ("timeout", "ready_timeout", True)


@pytest.mark.parametrize("samples", [0, 500])
def test_a_silent_application_is_kept_alive_for_hours(samples: int) -> None:
    link = ready()
    if samples:
        link.send(samples)
    live(link, 3.9 * 3_600, every_s=5.0)
    assert link.client.state is (State.STREAMING if samples else State.READY)
    link.end()
    link.run_out()
    assert link.closed.complete is True


def test_a_client_that_wants_to_be_told_nothing_is_kept_alive_while_it_streams() -> None:
    link = Link(config=Start(features=Features(partials=False, speech_events=False, acks=False)))
    link.settle()
    for _ in range(600):
        link.send(16)
        live(link, 1.0)
    assert link.client.state is State.STREAMING


def test_a_client_that_vanished_is_idle() -> None:
    link = ready()
    link.client.transport_lost("reset", 1006, now=0.0)
    link.pass_time(LIMITS.idle_timeout_s + 0.1)
    ending = only_ending(link.server_events)
    assert (ending.reason, ending.error, ending.code) == ("idle", "idle", 4408)


def test_a_server_that_vanished_is_lost() -> None:
    link = ready()
    link.send(100)
    for _ in range(70):
        link.pass_time(1.0)
        link.to_client.clear()
        link.to_server.clear()
    assert (link.closed.reason, link.closed.error) == ("timeout", "silence")


def test_a_slow_engine_may_take_an_hour_to_drain_as_long_as_it_moves() -> None:
    link = ready()
    link.send(16_000)
    link.settle()
    link.engine.accepts = False
    link.send(3_600)
    link.end()
    link.settle()
    for position in range(16_000, 19_600, 20):
        link.route("server", link.server.progress(position, now=link.now))
        live(link, 20.0)
    assert link.client.state is State.DRAINING
    link.engine.accepts = True
    link.run_out()
    assert link.closed.complete is True


def test_an_engine_that_stands_still_is_given_up_and_partials_do_not_help_it() -> None:
    link = ready()
    link.engine.accepts = False
    link.send(16_000)
    link.end()
    link.settle()
    budget_s = LIMITS.drain_timeout_s + 1.5
    for number in range(int(budget_s) - 1):
        if link.server.state is State.DRAINING:
            link.route("server", link.server.partial(f"word {number}", start_s=0.0, end_s=1.0, now=link.now))
        live(link, 1.0)
    assert link.client.state is State.DRAINING
    live(link, 3.0)
    ending = only_ending(link.server_events)
    assert (ending.error, ending.code) == ("drain_timeout", 4504)
    assert link.closed.error == "drain_timeout"
    assert link.closed.complete is False


def test_a_server_that_falls_silent_while_draining_is_lost() -> None:
    link = ready()
    link.engine.accepts = False
    link.send(100)
    link.end()
    link.settle()
    link.to_client.clear()
    for _ in range(20):
        link.pass_time(1.0)
        link.to_client.clear()
    assert (link.closed.reason, link.closed.error, link.closed.complete) == ("timeout", "drain_timeout", False)


def test_acks_are_conflated() -> None:
    link = ready()
    for _ in range(100):
        link.send(160)
        live(link, 0.01, every_s=0.01)
    assert 3 <= len(link.of(Ack)) <= 6, "one second at four a second"


def test_a_little_progress_is_told_after_the_interval() -> None:
    link = ready()
    link.engine.accepts = False
    link.send(1_000)
    live(link, 2.0)
    acks = len(link.of(Ack))
    link.route("server", link.server.progress(10, now=link.now))
    live(link, LIMITS.ack_interval_s + 0.1, every_s=0.1)
    assert [ack.processed for ack in link.of(Ack)[acks:]] == [10]


def test_a_quarter_of_the_window_does_not_wait() -> None:
    link = ready(limits=Limits(window_s=4.0))
    link.send(16_000)
    link.settle()
    assert link.of(Ack), "time has not passed"


def test_the_last_results_may_take_their_time_to_leave() -> None:
    """A server's goodbye begins when what it has said is out: a slow reader is not hung up on."""
    link = ready()
    link.send(500)
    link.end()
    link.settle_wire()
    while link.engine.work():
        pass
    assert link.server.state is State.CLOSED
    link.to_client.clear()  # still in the socket
    link.pass_time(LIMITS.close_timeout_s + 1.0)
    assert not link.server.finished
    link.route("server", link.server.emptied(now=link.now))
    link.pass_time(LIMITS.close_timeout_s - 0.1)
    assert not link.server.finished
    link.pass_time(0.2)
    assert link.server.finished


def test_a_close_that_is_not_answered_ends_in_time() -> None:
    link = ready()
    link.end()
    link.settle()
    link.server._snapshot = link.server.snapshot._replace(attachment=Attachment.ATTACHED)
    link.route("server", link.server.emptied(now=link.now))
    link.pass_time(LIMITS.close_timeout_s + 0.1)
    assert link.server.finished


def test_a_ping_is_answered_with_what_it_brought() -> None:
    link = ready()
    outputs = link.server.receive('{"type":"ping","id":"p","t":1.5}', now=3.0)
    said = [output.message for output in outputs if isinstance(output, Transmit)]
    assert said == [Pong(now=3.0, id="p", t=1.5)]


def test_a_client_pings_only_when_it_must() -> None:
    link = ready()
    pings = 0
    for _ in range(60):
        link.pass_time(1.0)
        pings += sum('"ping"' in str(frame) for frame in link.to_server)
        link.settle()
    assert Ping.type == "ping"
    assert pings == 60 // LIMITS.ping_interval_s


class TestOurOwnLoopSlept:
    """Wire-protocols §3.8: a timer that fires late says nothing about the peer (failure mode F9)."""

    def test_what_waits_on_the_wire_is_heard_before_a_verdict(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(100)
        link.end()
        link.settle()
        link.oversleep(40.0)
        assert link.client.state is link.server.state is State.DRAINING
        link.engine.accepts = True
        link.run_out()
        assert link.closed.complete is True

    @pytest.mark.parametrize("late_s", [0.0, 0.9])
    def test_a_little_late_is_in_time(self, late_s: float) -> None:
        link = ready()
        link.client.handle_timeout(now=LIMITS.ping_interval_s)
        link.route("client", link.client.handle_timeout(now=LIMITS.silence_timeout_s + late_s))
        assert link.closed.error == "silence"

    def test_a_peer_that_is_really_gone_is_given_up_a_little_later(self) -> None:
        link = ready()
        link.route("client", link.client.handle_timeout(now=300.0))
        assert link.client.closed is None
        deadline = link.client.next_deadline
        while link.client.closed is None:
            deadline = link.client.next_deadline
            assert deadline is not None
            link.route("client", link.client.handle_timeout(now=deadline))
        assert link.closed.error == "silence"
        assert deadline is not None
        assert 300.0 < deadline < 315.0

    def test_the_close_of_a_session_is_waited_for_too(self) -> None:
        link = ready()
        link.end()
        while link.deliver("server") or link.engine.work():
            pass
        link.now = 60.0
        link.route("server", link.server.handle_timeout(now=link.now))
        assert not link.server.finished, "its finals may not have been read yet"
        link.run_out()
        assert link.closed.complete is True


def test_reading_is_suspended_for_a_legacy_client_only() -> None:
    link = ready(limits=Limits(window_s=1.0))
    link.engine.accepts = False
    link.send(32_000)
    link.settle()
    assert not link.server.reading_suspended
    assert any(isinstance(event, AudioReceived) for event in link.server_events)


def test_audio_of_a_client_without_acks_makes_no_timer_due() -> None:
    """One that is due with every frame would cost as much as the frame."""
    session = ServerSession(PROTOCOL, now=0.0)
    session.receive(codec.encode(Start(features=Features(acks=False))), now=0.0)
    session.accept("s", ServerInfo(name="scripted"), now=0.0)
    for frame in range(1, 101):
        now = frame * 0.02
        session.receive(bytes(640), now=now)
        deadline = session.next_deadline
        assert deadline is not None
        assert deadline > now + 1.0
