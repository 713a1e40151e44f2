"""A queue that moves is progress for all who wait in it; one that stands still, or moves for ever, is not."""

import pytest

from auricle.core import Ack, Features, InputEnded, Limits, LocalProtocolError, Start, State
from auricle.core.progress import LONGEST_QUEUE_S
from core.link import Link, ready

STEP_S = 6.0
NO_OPTIONS = Start()


def live(link: Link, seconds: float) -> None:
    """Let time pass with everything delivered; the session's own engine does nothing."""
    until = link.now + seconds
    while link.now < until and link.client.closed is None:
        link.pass_time(1.0)
        link.settle_wire()


def waiting(config: Start = NO_OPTIONS) -> Link:
    """A session whose last second of audio waits for an engine that is busy with others."""
    link = ready(config=config)
    link.engine.accepts = False
    link.send(16_000)
    link.settle_wire()
    return link


def move(link: Link, engine_s: float = 0.0) -> None:
    link.route("server", link.server.queue_moved(engine_s, now=link.now))
    link.settle_wire()


class TestAQueueThatMoves:
    @pytest.mark.parametrize("steps", [10, 100])
    def test_a_drain_waits_as_long_as_others_are_served(self, steps: int) -> None:
        link = waiting()
        link.end()
        for _ in range(steps):
            live(link, STEP_S)
            move(link)
        assert link.client.state is State.DRAINING
        link.engine.accepts = True
        link.run_out()
        assert link.closed.complete is True

    def test_so_does_a_client_that_has_no_credit_left(self) -> None:
        link = ready(limits=Limits(window_s=1.0))
        link.engine.accepts = False
        link.send(64_000)
        link.settle_wire()
        link.end()
        for _ in range(100):
            live(link, STEP_S)
            move(link)
        assert link.client.closed is None
        link.engine.accepts = True
        link.run_out()
        assert link.closed.complete is True

    @pytest.mark.parametrize("acks", [True, False])
    def test_its_client_is_told_whatever_else_is_said(self, *, acks: bool) -> None:
        """With ``stats`` every second no keepalive of the server's is ever due."""
        link = waiting(config=Start(features=Features(acks=acks, stats_ms=1_000)))
        link.end()
        live(link, 6.0)
        said = len(link.of(Ack))
        for _ in range(60):
            live(link, 1.0)
            move(link)
        assert len(link.of(Ack)) >= said + 10
        assert link.of(Ack)[-1].moves >= 55
        assert link.client.closed is None


class TestAQueueThatStandsStill:
    def test_ends_the_drain_in_the_time_that_was_told(self) -> None:
        link = waiting()
        link.end()
        live(link, STEP_S)
        move(link)
        moved_at = link.now
        live(link, 300.0)
        (ended,) = link.of(InputEnded)
        assert link.closed.error == "drain_timeout"
        assert link.now - moved_at == pytest.approx(ended.deadline_ms / 1000, abs=2.0)

    def test_an_acknowledgement_that_repeats_itself_is_no_move(self) -> None:
        link = waiting()
        link.end()
        link.settle_wire()
        move(link)
        begun = link.now
        s = link.client.snapshot
        for _ in range(600):
            if link.client.closed is not None:
                break
            link.now += 1.0
            link.client.handle_timeout(now=link.now)
            link.client.receive(
                f'{{"type":"ack","received":{s.received},"processed":0,"committed":0,"credit":{s.credit},'
                f'"discard_before":0,"moves":{s.moves}}}',
                now=link.now,
            )
        assert link.client.closed is not None
        assert link.client.closed.error == "drain_timeout"
        assert link.now - begun < 60.0

    def test_a_queue_that_moves_for_ever_without_coming_to_a_session_ends_it(self) -> None:
        link = waiting()
        link.end()
        begun = link.now
        while link.client.closed is None and link.now < begun + 2 * LONGEST_QUEUE_S:
            live(link, 20.0)
            if link.client.closed is None:
                move(link)
        assert link.client.closed is not None
        assert link.now - begun <= LONGEST_QUEUE_S + 60.0

    def test_nothing_that_a_server_counts_keeps_its_client_for_ever(self) -> None:
        link = waiting()
        link.end()
        link.settle_wire()
        begun, moves = link.now, 0
        s = link.client.snapshot
        while link.client.closed is None and link.now < begun + 2 * LONGEST_QUEUE_S:
            link.now += 10.0
            moves += 1
            link.client.handle_timeout(now=link.now)
            link.client.receive(
                f'{{"type":"ack","received":{s.received},"processed":0,"committed":0,"credit":{s.credit},'
                f'"discard_before":0,"moves":{moves}}}',
                now=link.now,
            )
        assert link.client.closed is not None
        assert link.now - begun <= LONGEST_QUEUE_S + 60.0


class TestWhatTheEnginePredicts:
    def test_the_deadline_comes_from_the_predicted_queue(self) -> None:
        link = waiting()
        link.route("server", link.server.expect(70.0, now=link.now))
        link.end()
        link.settle_wire()
        (ended,) = link.of(InputEnded)
        assert ended.deadline_ms == 1000 * (30 + 1.5 + 70)
        live(link, 100.0)
        assert link.client.closed is None
        live(link, 5.0)
        assert link.closed.error == "drain_timeout"

    def test_a_later_prediction_holds_from_then_on(self) -> None:
        link = waiting()
        link.end()
        link.settle_wire()
        link.route("server", link.server.expect(1_000.0, now=link.now))
        assert link.server.next_deadline is not None
        live(link, 40.0)
        assert link.server.closed is None

    @pytest.mark.parametrize("engine_s", [float("nan"), float("inf"), -1.0])
    def test_what_is_no_time_is_refused_and_changes_nothing(self, engine_s: float) -> None:
        link = waiting()
        before = link.server.snapshot
        with pytest.raises(LocalProtocolError):
            link.server.expect(engine_s, now=link.now)
        assert link.server.snapshot == before

    def test_no_prediction_is_longer_than_an_hour(self) -> None:
        link = waiting()
        link.route("server", link.server.expect(1e9, now=link.now))
        link.end()
        link.settle_wire()
        (ended,) = link.of(InputEnded)
        assert ended.deadline_ms == 1000 * (30 + 1.5 + 3600)
