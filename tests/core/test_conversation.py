"""The protocol, told as conversations between a client and a server."""

import json

import pytest

from auricle.core import (
    BacklogFull,
    ErrorMessage,
    Final,
    Flushed,
    InputEnded,
    Limits,
    LocalProtocolError,
    Partial,
    Ready,
    SpeechEnd,
    SpeechStart,
    Start,
    State,
    WarningMessage,
)
from auricle.core.parts import AudioFormat
from core.link import Link, audio, only_ending, ready


class TestTheWholeWay:
    def test_every_sample_is_accounted_for(self) -> None:
        link = ready()
        link.send(2_500)
        link.settle()
        link.end()
        link.run_out()
        assert [event.audio for event in link.of(Final)] == [(0, 1_000), (1_000, 2_000), (2_000, 2_500)]
        assert link.closed.complete is True
        assert link.closed.accounting.committed == link.closed.accounting.offered == 2_500
        assert only_ending(link.server_events).complete is True

    def test_both_ends_see_the_same_states(self) -> None:
        link = Link()
        seen = [(link.client.state, link.server.state)]
        for act in (link.settle, lambda: link.send(10), link.settle, link.end, link.run_out):
            act()
            seen.append((link.client.state, link.server.state))
        assert [client.name for client, _ in seen] == [
            "CONNECTING", "READY", "STREAMING", "STREAMING", "INPUT_ENDED", "CLOSED",
        ]  # fmt: skip
        assert seen[1][1] is State.READY
        assert seen[3][1] is State.STREAMING

    def test_no_audio_at_all(self) -> None:
        link = ready()
        link.end()
        link.run_out()
        assert (link.closed.complete, link.of(Final)) == (True, [])

    def test_speech_alternates_and_partials_keep_their_promise(self) -> None:
        link = ready()
        for _ in range(7):
            link.send(500)
            link.settle()
        link.end()
        link.run_out()
        speech = [type(event) for event in link.client_events if isinstance(event, SpeechStart | SpeechEnd)]
        assert speech == [SpeechStart, SpeechEnd] * (len(speech) // 2)
        for partial in link.of(Partial):
            final = next(event for event in link.of(Final) if event.segment == partial.segment)
            assert final.text.startswith(partial.text[: partial.stable])

    def test_silence_at_the_end_is_recorded_as_non_speech(self) -> None:
        link = ready()
        link.send(1_300)
        link.settle()
        link.engine.accepts = False
        link.end()
        link.settle()
        link.route("server", link.server.finish(now=link.now))
        link.run_out()
        assert link.closed.complete is True
        assert link.closed.accounting.non_speech == 300


class TestBeforeReady:
    def test_audio_may_be_sent_at_once_up_to_the_prebuffer(self) -> None:
        link = Link()
        link.engine.accepts = False
        link.send(40_000)
        link.settle()
        assert link.server.snapshot.received == 32_000, "two seconds on credit"
        assert link.client.state is State.CONNECTING
        link.engine.accepts = True
        link.settle()
        assert link.client.state is link.server.state is State.STREAMING
        link.end()
        link.run_out()
        assert link.closed.complete is True

    def test_the_end_of_input_may_come_before_ready(self) -> None:
        link = Link()
        link.engine.accepts = False
        link.send(100)
        link.end()
        link.settle()
        assert link.server.snapshot.ended
        link.engine.accepts = True
        link.run_out()
        assert link.closed.complete is True
        assert [event.audio for event in link.of(Final)] == [(0, 100)]

    def test_a_flush_before_ready_is_answered_after_it(self) -> None:
        link = Link()
        link.flush("nothing")
        link.send(100)
        link.flush("something")
        link.settle()
        kinds = [type(event) for event in link.client_events if isinstance(event, Ready | Flushed | Final)]
        assert kinds == [Ready, Flushed, Final, Flushed]

    def test_loading_is_told_until_it_is_over(self) -> None:
        link = Link()
        link.engine.accepts = False
        link.settle()
        for _ in range(60):
            link.pass_time(1.0)
            link.settle()
        assert link.client.state is State.CONNECTING, "every loading restarts the client's patience"
        link.engine.accepts = True
        link.settle()
        assert link.client.state is State.READY

    def test_a_start_that_cannot_be_served(self) -> None:
        link = Link()
        link.engine.accepts = False
        link.settle()
        link.route("server", link.server.fail("unsupported_model", "there is no such model", "/model", now=0.0))
        link.run_out()
        assert (link.closed.reason, link.closed.error, link.closed.code) == ("error", "unsupported_model", 4400)
        assert not link.closed.retriable
        assert link.of(ErrorMessage)[0].param == "/model"


class TestFlush:
    def test_a_flush_cuts_exactly_where_it_was_asked(self) -> None:
        link = ready()
        link.send(1_234)
        link.flush("f1")
        link.send(500)
        link.settle()
        assert [event.audio for event in link.of(Final)] == [(0, 1_000), (1_000, 1_234)]
        assert link.of(Final)[-1].flush == "f1"
        assert [(event.id, event.upto, event.empty) for event in link.of(Flushed)] == [("f1", 1_234, False)]

    def test_a_flush_with_nothing_to_decide_is_answered_at_once(self) -> None:
        link = ready()
        link.flush("f1")
        link.settle()
        assert link.of(Flushed)[0].empty
        link.send(1_000)
        link.settle()
        link.flush("f2")
        link.settle()
        assert (link.of(Flushed)[1].upto, link.of(Flushed)[1].empty) == (1_000, True)

    def test_flush_and_end_back_to_back_give_no_second_final(self) -> None:
        link = ready()
        link.send(700)
        link.flush("f1")
        link.end()
        link.run_out()
        assert len(link.of(Final)) == 1
        assert link.closed.complete is True

    def test_a_flush_never_overtakes_audio_that_waits_for_credit(self) -> None:
        link = ready(limits=Limits(window_s=0.05))
        link.engine.accepts = False
        link.send(40_000)
        link.flush("f1")
        link.settle()
        assert link.server.snapshot.received == 32_000, "the pre-buffer's credit stands"
        assert not link.server.snapshot.flushes
        link.engine.accepts = True
        for _ in range(200):
            link.settle()
            link.pass_time(0.3)
        assert [event.upto for event in link.of(Flushed)] == [40_000]

    def test_the_same_id_is_answered_once(self) -> None:
        link = ready()
        link.send(100)
        link.flush("f1")
        link.settle()
        with pytest.raises(LocalProtocolError, match="has been used"):
            link.flush("f1")
        link.route("server", link.server.receive('{"type":"flush","id":"f1"}', now=link.now))
        link.settle()
        assert len(link.of(Flushed)) == 1

    def test_a_flush_after_the_end_is_answered_before_closed(self) -> None:
        link = ready()
        link.send(100)
        link.end()
        while link.deliver("server"):
            pass
        link.route("server", link.server.receive('{"type":"flush","id":"late"}', now=link.now))
        link.engine.todo.clear()
        link.route("server", link.server.progress(100, now=link.now))
        link.route("server", link.server.finish(now=link.now))
        said = [json.loads(frame) for frame in link.to_client if isinstance(frame, str)]
        assert [message["type"] for message in said][-3:] == ["input_ended", "flushed", "closed"]
        assert (said[-2]["id"], said[-2]["upto"], said[-1]["complete"]) == ("late", 100, True)

    @pytest.mark.parametrize(("at", "code"), [(5_000, "invalid_param"), (50, "invalid_param")])
    def test_a_flush_where_it_cannot_be_is_an_error_and_the_session_stays(self, at: int, code: str) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(1_000)
        link.flush("f1")
        link.settle()
        link.route("server", link.server.receive(json.dumps({"type": "flush", "id": "bad", "at": at}), now=link.now))
        link.settle()
        assert [(event.code, event.fatal, event.ref) for event in link.of(ErrorMessage)] == [(code, False, "bad")]
        link.engine.accepts = True
        link.end()
        link.run_out()
        assert link.closed.complete is True

    def test_too_many_flushes_are_refused_and_the_refusal_is_the_answer(self) -> None:
        link = ready()
        for number in range(link.limits.max_flushes_pending + 2):
            link.send(10)
            link.flush(f"f{number}")
            link.settle()
        assert [event.code for event in link.of(ErrorMessage)] == ["rate_limited"] * 2
        link.end()
        link.run_out()
        assert link.closed.complete is True

    def test_a_flush_that_is_not_answered_times_out_and_the_session_stays(self) -> None:
        link = ready(limits=Limits(flush_timeout_s=3.0, progress_interval_s=1e6, ack_interval_s=1e6))
        link.send(100)
        link.settle()
        link.engine.accepts = False
        link.flush("f1")
        link.settle()
        link.pass_time(10.0)
        assert [event.id for event in link.client_events if type(event).__name__ == "FlushTimedOut"] == ["f1"]
        assert link.client.state is State.STREAMING


class TestTheEndOfInput:
    def test_ten_times_is_once(self) -> None:
        link = ready()
        link.send(100)
        for _ in range(10):
            link.end()
        link.run_out()
        link.end()
        assert len(link.of(InputEnded)) == 1
        assert link.closed.complete is True

    def test_audio_and_flushes_after_it_are_refused_and_change_nothing(self) -> None:
        link = ready()
        link.end()
        before = link.client.snapshot
        with pytest.raises(LocalProtocolError, match="the input has ended"):
            link.send(1)
        with pytest.raises(LocalProtocolError, match="the input has ended"):
            link.flush("f1")
        assert link.client.snapshot == before

    def test_late_audio_of_a_rude_client_is_counted_and_told_once(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.end()
        link.settle()
        for _ in range(3):
            link.route("server", link.server.receive(bytes(200), now=link.now))
        link.settle()
        assert [event.code for event in link.of(WarningMessage)] == ["late_audio"]
        assert link.server.snapshot.late == 300

    def test_half_a_sample_is_told(self) -> None:
        link = ready()
        link.route("client", link.client.send_audio(audio(0, 100) + b"?", now=link.now))
        link.settle()
        link.end()
        link.settle()
        assert [event.code for event in link.of(WarningMessage)] == ["odd_bytes_dropped"]

    def test_a_wrong_total_is_told(self) -> None:
        link = ready()
        link.route("server", link.server.receive('{"type":"end_input","total":7}', now=link.now))
        while link.deliver("client"):
            pass
        assert [event.code for event in link.of(WarningMessage)] == ["audio_count_mismatch"]

    def test_the_server_may_end_it(self) -> None:
        link = ready()
        link.send(1_500)
        link.settle()
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.run_out()
        assert [event.audio for event in link.of(Final)] == [(0, 1_000), (1_000, 1_500)]
        assert (link.closed.reason, link.closed.code, link.closed.complete) == ("shutdown", 1012, False)
        assert link.closed.retriable

    def test_both_ends_may_end_it_at_once(self) -> None:
        link = ready()
        link.send(500)
        link.end()
        link.route("server", link.server.stop_input("shutdown", now=link.now))
        link.run_out()
        assert link.closed.reason == "shutdown"
        assert link.closed.accounting.late == 500, "it was on its way when the server stopped"


class TestCredit:
    def test_no_more_is_sent_than_was_granted(self) -> None:
        link = ready(limits=Limits(window_s=2.5))
        link.engine.accepts = False
        link.send(60_000)
        link.settle()
        assert link.server.snapshot.received == 40_000
        link.engine.accepts = True
        link.settle()
        link.pass_time(1.0)
        link.settle()
        assert link.server.snapshot.received == 60_000

    def test_a_full_backlog_refuses_more_and_changes_nothing(self) -> None:
        link = ready(limits=Limits(window_s=2.0, backlog_s=1.0))
        link.engine.accepts = False
        link.send(32_000 + 16_000)
        assert link.client.room == 0
        before = link.client.snapshot
        with pytest.raises(BacklogFull):
            link.send(1)
        assert link.client.snapshot == before
        link.engine.accepts = True
        link.settle()
        link.pass_time(1.0)
        link.settle()
        assert link.client.room == 32_000
        link.end()
        link.run_out()
        assert link.closed.complete is True

    def test_a_client_that_overruns_it_has_broken_the_protocol(self) -> None:
        link = ready(limits=Limits(window_s=2.0))
        link.engine.accepts = False
        for _ in range(3):
            link.route("server", link.server.receive(bytes(32_000), now=link.now))
        ending = only_ending(link.server_events)
        assert (ending.error, ending.code) == ("backlog_exceeded", 4413)

    def test_a_frame_may_hold_ten_seconds(self) -> None:
        link = ready(config=Start(audio=AudioFormat(sample_rate=4_000)))
        link.route("server", link.server.receive(bytes(80_002), now=link.now))
        assert only_ending(link.server_events).error == "too_large"
