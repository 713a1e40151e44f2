"""Gaps, positions in frames, markers, changes, and the ends that a server puts to an input by itself."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import (
    AudioReceived,
    AudioSkipped,
    BacklogFull,
    ClientSession,
    Configured,
    ErrorMessage,
    Final,
    Flushed,
    InputEnded,
    Limits,
    LocalProtocolError,
    Start,
    State,
    Stats,
    WarningMessage,
)
from auricle.core import framing as placing
from auricle.core.parts import AudioFormat, Features
from auricle.core.schema import FieldError
from core.link import Link, audio, only_ending, ready

PLACED = Start(audio=AudioFormat(framing="offset64"))


def hear(link: Link, frame: Any) -> None:
    frame = frame if isinstance(frame, bytes) else json.dumps(frame)
    link.route("server", link.server.receive(frame, now=link.now))


def codes(link: Link) -> list[str]:
    return [event.code for event in link.of(WarningMessage)]


class TestGaps:
    def test_a_gap_moves_the_timeline(self) -> None:
        link = ready()
        link.send(300)
        link.route("client", link.client.skip(500, now=link.now))
        link.send(200)
        link.end()
        link.run_out()
        assert link.closed.complete is True
        assert (link.closed.accounting.received, link.closed.accounting.gap) == (1_000, 500)

    def test_it_waits_for_credit_like_audio(self) -> None:
        link = Link(limits=Limits(window_s=0.1, prebuffer_s=0.01))
        link.settle()
        link.engine.accepts = False
        link.route("client", link.client.skip(10_000, now=link.now))
        link.settle_wire()
        assert link.server.snapshot.received == 1_600
        link.engine.accepts = True
        link.end()
        link.run_out()
        assert link.closed.accounting.gap == 10_000

    def test_it_may_not_begin_in_the_middle_of_a_sample(self) -> None:
        link = ready()
        link.send_bytes(3)
        before = link.client.snapshot
        with pytest.raises(LocalProtocolError, match="middle of a sample"):
            link.client.skip(10, now=link.now)
        assert link.client.snapshot == before

    @pytest.mark.parametrize("samples", [0, -1])
    def test_it_has_a_length(self, samples: int) -> None:
        with pytest.raises(FieldError):
            ready().client.skip(samples, now=0.0)

    def test_a_raw_gap_in_the_middle_of_a_sample_drops_the_half_and_says_so(self) -> None:
        link = ready()
        link.engine.accepts = False
        hear(link, b"\0\0\0")
        hear(link, {"type": "gap", "samples": 10})
        hear(link, b"\1\2")
        link.settle()
        assert codes(link) == ["odd_bytes_dropped"]
        heard = [event for event in link.server_events if isinstance(event, AudioReceived)]
        assert (heard[-1].start_sample, heard[-1].pcm) == (11, b"\1\2")

    def test_after_the_end_it_is_late(self) -> None:
        link = ready()
        link.engine.accepts = False
        hear(link, {"type": "end_input"})
        hear(link, {"type": "gap", "samples": 10})
        assert link.server.snapshot.late == 10

    def test_beyond_credit_it_is_too_much(self) -> None:
        link = ready()
        hear(link, {"type": "gap", "samples": 10**9})
        assert only_ending(link.server_events).error == "backlog_exceeded"


class TestPlacedFrames:
    def test_our_two_ends(self) -> None:
        link = ready(config=PLACED)
        link.send(700)
        link.route("client", link.client.skip(100, now=link.now))
        link.send(700)
        link.end()
        link.run_out()
        assert link.closed.complete is True
        assert link.closed.accounting.gap == 100

    def frame(self, start: int, end: int) -> bytes:
        return placing.pack(start, audio(start, end))

    def test_the_longest_frame_has_room_for_its_position(self) -> None:
        link = ready(config=PLACED, limits=Limits(max_audio_bytes=1_000))
        link.send(3_000)
        link.end()
        link.run_out()
        assert link.closed.complete is True

    def test_a_position_beyond_what_has_come_is_a_gap(self) -> None:
        link = ready(config=PLACED)
        hear(link, self.frame(0, 10))
        hear(link, self.frame(15, 20))
        heard = [event for event in link.server_events if isinstance(event, AudioReceived | AudioSkipped)]
        spans = [(type(event).__name__, event.start_sample, event.end_sample) for event in heard]
        assert spans == [("AudioReceived", 0, 10), ("AudioSkipped", 10, 15), ("AudioReceived", 15, 20)]

    def test_what_has_come_already_is_dropped(self) -> None:
        link = ready(config=PLACED)
        hear(link, self.frame(0, 10))
        hear(link, self.frame(4, 16))
        hear(link, self.frame(2, 8))
        (first, second) = [event for event in link.server_events if isinstance(event, AudioReceived)]
        assert (second.start_sample, second.end_sample, second.pcm) == (10, 16, audio(10, 16))
        assert first.end_sample == 10

    @pytest.mark.parametrize("frame", [b"\0", b"1234567"])
    def test_without_a_position_it_is_a_bad_message(self, frame: bytes) -> None:
        link = ready(config=PLACED)
        hear(link, frame)
        assert only_ending(link.server_events).error == "bad_message"

    def test_a_position_that_nobody_could_mean(self) -> None:
        link = ready(config=PLACED)
        hear(link, b"\xff" * 10)
        assert only_ending(link.server_events).error == "backlog_exceeded"

    def test_half_a_sample_is_dropped_and_said_to_be(self) -> None:
        link = ready(config=PLACED)
        hear(link, self.frame(0, 5) + b"\0")
        hear(link, self.frame(5, 9))
        link.settle()
        assert codes(link) == ["odd_bytes_dropped"]
        assert link.server.snapshot.received == 9

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=20))
    def test_every_position_is_heard_at_most_once(self, frames: list[tuple[int, int]]) -> None:
        link = ready(config=PLACED)
        for start, length in frames:
            hear(link, self.frame(start, start + length))
        heard = [event for event in link.server_events if isinstance(event, AudioReceived | AudioSkipped)]
        position = 0
        for event in heard:
            assert event.start_sample == position
            position = event.end_sample
            if isinstance(event, AudioReceived):
                assert event.pcm == audio(event.start_sample, event.end_sample)
        assert link.server.snapshot.received == position


class TestMarkers:
    def test_a_marker_forces_nothing_and_is_answered_when_passed(self) -> None:
        link = ready()
        link.send(600)
        link.route("client", link.client.mark("m1", now=link.now))
        link.settle()
        assert not link.of(Flushed)
        link.send(600)
        link.settle()
        (answer,) = link.of(Flushed)
        assert (answer.id, answer.upto) == ("m1", 1_000)
        assert [final.audio for final in link.of(Final)] == [(0, 1_000)], "nothing was cut for it"

    def test_a_flush_behind_it_answers_it_first(self) -> None:
        link = ready()
        link.send(600)
        link.route("client", link.client.mark("m1", now=link.now))
        link.send(100)
        link.flush("f1")
        link.settle()
        assert [answer.id for answer in link.of(Flushed)] == ["m1", "f1"]

    def test_the_end_answers_it(self) -> None:
        link = ready()
        link.send(600)
        link.route("client", link.client.mark("m1", now=link.now))
        link.end()
        link.run_out()
        assert [answer.id for answer in link.of(Flushed)] == ["m1"]
        assert link.closed.complete is True


class TestChanges:
    def test_the_audio_is_cut_exactly_there(self) -> None:
        link = ready()
        link.send(600)
        link.route("client", link.client.configure("c1", {"language": "fr"}, now=link.now))
        link.send(600)
        link.end()
        link.run_out()
        (answer,) = link.of(Configured)
        assert answer.from_ == 600
        finals = link.of(Final)
        assert [final.audio for final in finals] == [(0, 600), (600, 1_200)]
        assert finals[0].reason == "configure"
        assert link.client_events.index(finals[0]) < link.client_events.index(answer)
        assert link.client.snapshot.config.language == "fr"

    def test_an_engine_that_does_not_cut_is_stopped(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(600)
        link.route("client", link.client.configure("c1", {"language": "fr"}, now=link.now))
        link.send(600)
        link.settle_wire()
        with pytest.raises(LocalProtocolError, match="O7"):
            link.engine.final(900, "endpoint")

    def test_nothing_is_decided_across_an_unanswered_change_at_the_very_beginning(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.route("client", link.client.configure("c1", {"language": "fr"}, now=link.now))
        link.send(600)
        link.settle_wire()
        with pytest.raises(LocalProtocolError, match="O7"):
            link.engine.final(600, "endpoint")
        with pytest.raises(LocalProtocolError, match="O7"):
            link.server.segment_failed(600, "a fault", now=link.now)

    def test_null_means_the_default(self) -> None:
        link = Link(config=Start(language="de", features=Features(words=True)))
        link.settle()
        link.route("client", link.client.configure("c1", {"language": None}, now=link.now))
        link.settle()
        (answer,) = link.of(Configured)
        assert "language" not in answer.effective
        assert answer.effective["features"]["words"] is True

    @pytest.mark.parametrize("change", [{"model": "x"}, {"audio": {}}, {"langage": "de"}])
    def test_only_some_things_can_be_changed(self, change: dict[str, Any]) -> None:
        with pytest.raises(LocalProtocolError, match="cannot be changed, only language"):
            ready().client.configure("c1", change, now=0.0)

    @pytest.mark.parametrize("change", [{"language": 5}, {"endpointing": {"silence_ms": 1}}, {"bias": []}])
    def test_a_wrong_value_is_refused_at_home(self, change: dict[str, Any]) -> None:
        with pytest.raises(FieldError):
            ready().client.configure("c1", change, now=0.0)

    @pytest.mark.parametrize("change", [{"language": 5}, {"endpointing": {"silence_ms": 1}}, 7])
    def test_and_by_a_server_without_ending_anything(self, change: Any) -> None:
        link = ready()
        hear(link, {"type": "configure", "id": "c1", "set": change})
        link.settle()
        (refusal,) = link.of(ErrorMessage)
        assert (refusal.ref, refusal.fatal, refusal.code) == ("c1", False, "invalid_config")
        assert link.server.state is State.READY

    def test_unknown_keys_are_listed(self) -> None:
        link = ready()
        link.client._snapshot = link.client.snapshot  # the client would not say this
        hear(link, {"type": "configure", "id": "c1", "set": {"tempo": 1}})
        link.engine.work()
        said = [json.loads(frame) for frame in link.to_client if isinstance(frame, str)]
        assert [answer["ignored"] for answer in said if answer["type"] == "configured"] == [["/set/tempo"]]

    def test_after_the_end_it_comes_too_late(self) -> None:
        link = ready()
        link.engine.accepts = False
        hear(link, {"type": "end_input"})
        hear(link, {"type": "configure", "id": "c1", "set": {}})
        said = [json.loads(frame) for frame in link.to_client if isinstance(frame, str)]
        assert [answer["code"] for answer in said if answer["type"] == "error"] == ["invalid_state"]

    def test_the_same_id_again_is_the_same_change(self) -> None:
        link = ready()
        for _ in range(2):
            hear(link, {"type": "configure", "id": "c1", "set": {"language": "de"}})
        while link.engine.work():
            pass
        said = [json.loads(frame)["type"] for frame in link.to_client if isinstance(frame, str)]
        assert said.count("configured") == 1

    def test_too_many_at_once_are_refused_at_home(self) -> None:
        link = ready()
        link.engine.accepts = False
        for number in range(4):
            link.route("client", link.client.configure(f"c{number}", {}, now=link.now))
        with pytest.raises(BacklogFull):
            link.client.configure("c9", {}, now=link.now)

    def test_a_refused_change_is_answered(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.route("client", link.client.configure("c1", {"language": "tlh"}, now=link.now))
        link.settle_wire()
        refusal = link.server.refuse_change("c1", "unsupported_language", "nobody speaks it", now=link.now)
        link.route("server", refusal)
        link.engine.todo.clear()
        link.engine.accepts = True
        link.end()
        link.run_out()
        assert link.closed.complete is True


class TestServerSideEnds:
    def run_down(self, limits: Limits, *, live: bool) -> Link:
        link = ready(limits=limits)
        for _ in range(40):
            if (live and link.client.state is State.STREAMING) or link.client.state is State.READY:
                link.send(100)
            link.settle()
            link.pass_time(1.0)
        return link

    def test_a_session_that_has_lasted_long_is_warned_and_ended(self) -> None:
        link = self.run_down(Limits(session_max_s=20.0, session_warning_s=5.0), live=True)
        assert codes(link)[0] == "session_expiring"
        (ended,) = link.of(InputEnded)
        assert (ended.by, ended.code) == ("server", "session_limit")
        assert (link.closed.reason, link.closed.code) == ("session_limit", 1000)

    def test_without_audio_the_input_is_ended(self) -> None:
        link = self.run_down(Limits(audio_idle_s=10.0), live=False)
        (ended,) = link.of(InputEnded)
        assert (ended.by, ended.code) == ("server", "idle")
        assert link.closed.reason == "idle"

    def test_with_audio_it_is_not(self) -> None:
        link = self.run_down(Limits(audio_idle_s=10.0, session_max_s=math.inf), live=True)
        assert not link.of(InputEnded)


def test_a_live_source_is_told_that_the_server_falls_behind() -> None:
    link = ready(limits=Limits(window_s=10.0, backlog_s=20.0))
    link.engine.accepts = False
    for _ in range(60):
        link.send(1_600)
        link.settle_wire()
        link.pass_time(0.1)
    link.settle_wire()
    (warning,) = link.of(WarningMessage)
    assert warning.code == "falling_behind"
    assert warning.backlog_ms is not None
    assert warning.backlog_ms >= 5_000


def test_a_file_is_not() -> None:
    link = ready(limits=Limits(window_s=10.0, backlog_s=20.0))
    link.engine.accepts = False
    link.send(160_000)
    link.settle_wire()
    assert not link.of(WarningMessage)


def test_stats_come_when_they_are_due_and_say_how_late_they_are() -> None:
    link = Link(config=Start(features=Features(stats_ms=500)))
    link.settle()
    link.send(800)
    link.settle()
    link.pass_time(2.1)
    link.settle_wire()
    assert len(link.of(Stats)) == 4
    link.now += 0.9
    link.route("server", link.server.handle_timeout(now=link.now))
    link.settle_wire()
    assert link.of(Stats)[-1].loop_lag_ms == 500


def test_a_client_keeps_to_what_the_server_tells_of_its_limits() -> None:
    link = Link()
    link.server = type(link.server)(link.subprotocol, now=0.0, limits=Limits(max_audio_s=0.1, max_flushes_pending=2))
    link.settle()
    link.send(8_000)
    sizes = [len(frame) for frame in link.to_server if isinstance(frame, bytes)]
    assert max(sizes) == 3_200
    link.engine.accepts = False
    link.flush("f1")
    link.flush("f2")
    with pytest.raises(BacklogFull):
        link.flush("f3")


def test_a_framing_that_nobody_knows_is_refused_at_home() -> None:
    with pytest.raises(LocalProtocolError, match="framing 'rtp' is not supported"):
        ClientSession(Start(audio=AudioFormat(framing="rtp")), now=0.0)
