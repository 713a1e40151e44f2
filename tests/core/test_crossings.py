"""What is legal at one end is never a fault at the other, whatever is on its way meanwhile."""

import pytest

from auricle.core import (
    AbortTransport,
    Ack,
    BacklogFull,
    ErrorMessage,
    Features,
    Final,
    Flushed,
    Limits,
    LocalProtocolError,
    Partial,
    Start,
    State,
    WarningMessage,
)
from core.link import Link, only_ending, ready


class TestLeavingBeforeAnybodyListens:
    @pytest.mark.parametrize("verb", ["cancel", "abort"])
    def test_before_the_transport_is_open_nothing_is_said(self, verb: str) -> None:
        link = Link(opens=False, now=1_000.0)
        link.route("client", getattr(link.client, verb)(now=link.now))
        assert (link.closed.reason, link.closed.complete) == ("aborted", False)
        assert link.client.next_deadline is None
        assert link.client.transport_opened("auricle.v1", now=link.now) == (AbortTransport(),)
        assert not [frame for frame in link.to_server if isinstance(frame, str)]

    def test_a_cancel_crosses_whatever_the_server_was_saying(self) -> None:
        link = ready()
        link.send(2_500)
        link.end()
        while link.deliver("server") or link.engine.work():
            pass
        link.route("client", link.client.cancel(now=link.now))
        link.run_out()
        assert len(link.of(Final)) == 3, "finals that were on their way are finals"
        assert (link.closed.reason, link.closed.complete) == ("completed", True)

    def test_a_cancel_crosses_the_server_ending_the_input(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(100)
        link.settle()
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.route("client", link.client.cancel(now=link.now))
        link.run_out()
        assert link.closed.reason == "cancelled"


class TestTheServerEndsTheInput:
    def test_what_waits_for_credit_is_not_sent_any_more(self) -> None:
        link = ready(limits=Limits(window_s=2.0))
        link.engine.accepts = False
        link.send(60_000)
        link.settle()
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.engine.accepts = True
        link.run_out()
        account = link.closed.accounting
        assert (account.offered, account.sent, account.committed, account.late) == (60_000, 32_000, 32_000, 0)

    def test_a_flush_that_crosses_it_does_not_cut_what_is_decided(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(900)
        link.settle()
        link.flush("f1", at=300)
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.engine.accepts = True
        link.run_out()
        assert [event.audio for event in link.of(Final)] == [(0, 900)]
        assert [event.upto for event in link.of(Flushed)] == [900]
        assert link.closed.reason == "shutdown"

    def test_a_flush_of_audio_that_came_too_late_is_refused(self) -> None:
        link = ready()
        link.send(900)
        link.flush("f1")
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.run_out()
        assert [(event.code, event.ref) for event in link.of(ErrorMessage)] == [("invalid_state", "f1")]
        assert link.closed.reason == "shutdown"


class TestFlushesAndTheirLimits:
    def test_many_flushes_before_ready_are_no_fault(self) -> None:
        link = Link()
        link.engine.accepts = False
        for number in range(link.limits.max_flushes_pending):
            link.send(10)
            link.flush(f"f{number}")
        link.settle()
        link.engine.accepts = True
        link.end()
        link.run_out()
        assert len(link.of(Flushed)) == link.limits.max_flushes_pending
        assert link.closed.complete is True

    def test_a_client_waits_with_more_than_may_be_unanswered(self) -> None:
        link = Link()
        for number in range(link.limits.max_flushes_pending):
            link.flush(f"f{number}")
        before = link.client.snapshot
        with pytest.raises(BacklogFull, match="16 flushes"):
            link.flush("one more")
        assert link.client.snapshot == before

    def test_the_id_of_a_refused_flush_has_been_used(self) -> None:
        link = ready()
        for number in range(link.limits.max_flushes_pending + 1):
            link.send(10)
            link.flush(f"f{number}")
            link.settle()
        (refusal,) = link.of(ErrorMessage)
        with pytest.raises(LocalProtocolError, match="has been used"):
            link.flush(refusal.ref)

    def test_a_flush_in_the_past_is_answered_where_the_finals_are(self) -> None:
        link = ready()
        link.send(2_500)
        link.flush("f1", at=1_500)
        link.end()
        link.run_out()
        assert link.closed.complete is True
        assert link.of(Flushed)[0].upto >= 1_500


class TestBeforeReady:
    def test_warnings_wait_for_ready(self) -> None:
        link = Link()
        link.engine.accepts = False
        link.send_bytes(201)
        link.end()
        link.settle()
        assert not link.of(WarningMessage)
        link.engine.accepts = True
        link.run_out()
        assert [event.code for event in link.of(WarningMessage)] == ["odd_bytes_dropped"]
        assert [event.seq for event in link.client_events if hasattr(event, "seq")][:2] == [1, 2]

    def test_warnings_of_a_session_that_is_never_ready_are_lost_with_it(self) -> None:
        link = Link()
        link.engine.accepts = False
        link.settle()
        link.route("server", link.server.receive('{"type":"new"}', now=0.0))
        link.route("server", link.server.fail("engine_unavailable", "there is no model", now=0.0))
        link.run_out()
        assert link.closed.error == "engine_unavailable"


class TestCredit:
    def test_a_client_without_acks_is_told_its_credit_all_the_same(self) -> None:
        link = ready(limits=Limits(window_s=2.0), config=Start(features=Features(acks=False)))
        link.send(150_000)
        link.end()
        link.run_out()
        assert link.closed.complete is True
        assert len(link.of(Ack)) <= 150_000 / (0.25 * 32_000) + 1, "no more than the credit needs"

    def test_a_final_that_comes_before_progress_gives_its_credit_back(self) -> None:
        link = ready(limits=Limits(window_s=2.0))
        link.engine.accepts = False
        link.send(32_000)
        link.settle()
        times = {"start_s": 0.0, "end_s": 2.0}
        final = link.server.final(
            "words", end_sample=32_000, confidence=1.0, reason="max_length", now=link.now, **times
        )
        link.route("server", final)
        link.route("server", link.server.progress(32_000, now=link.now))
        assert link.server.snapshot.credit == 64_000


class TestWhatIsTold:
    def test_samples_lost_with_the_last_straw_are_named_at_both_ends(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(900)
        link.settle()
        for end in (300, 600, 900):
            link.route("server", link.server.segment_failed(end, "the engine failed", now=link.now))
        link.run_out()
        assert link.closed.accounting.dropped == only_ending(link.server_events).accounting.dropped == 900

    @pytest.mark.parametrize("code", ["idle", "internal", "invalid_config"])
    def test_both_ends_agree_whether_another_try_may_help(self, code: str) -> None:
        link = ready()
        link.route("server", link.server.fail(code, "so it is", now=link.now))
        link.run_out()
        assert link.closed.retriable is only_ending(link.server_events).retriable

    def test_a_server_may_say_much_at_once(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(100)
        link.settle()
        words = "words " * 100_000
        link.route("server", link.server.partial(words, start_s=0.0, end_s=0.1, now=link.now))
        link.settle()
        assert [event.text for event in link.of(Partial)] == [words]

    def test_a_limit_that_is_none_is_not_told(self) -> None:
        link = ready(limits=Limits(idle_timeout_s=float("inf")))
        assert "idle_timeout_s" not in link.client_events[0].limits
        assert link.server.state is State.READY
