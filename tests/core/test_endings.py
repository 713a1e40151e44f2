"""How sessions end, told as conversations: left, lost, failed or refused."""

import json
from typing import Any

import pytest

from auricle.core import (
    ErrorMessage,
    Features,
    Final,
    InputEnded,
    LocalProtocolError,
    Ready,
    ServerInfo,
    SessionClosed,
    Start,
)
from core.link import Link, only_ending, ready


class TestLeaving:
    @pytest.mark.parametrize("state", ["connecting", "ready", "streaming", "input_ended", "draining"])
    @pytest.mark.parametrize("verb", ["cancel", "abort"])
    def test_from_every_state(self, state: str, verb: str) -> None:
        link = Link()
        link.engine.accepts = state != "connecting"
        link.settle()
        link.engine.accepts = False
        if state in ("streaming", "input_ended", "draining"):
            link.send(100)
        if state in ("input_ended", "draining"):
            link.end()
        if state == "draining":
            link.settle()
        assert link.client.state.value == state
        link.route("client", getattr(link.client, verb)(now=link.now))
        link.run_out()
        assert link.closed.reason == ("cancelled" if verb == "cancel" else "aborted")
        assert link.closed.complete is False
        assert only_ending(link.server_events).reason == "cancelled"

    def test_a_cancel_may_cross_ready(self) -> None:
        link = Link()
        link.deliver("server")
        link.engine.work()
        link.route("client", link.client.cancel(now=link.now))
        link.run_out()
        assert link.closed.reason == "cancelled"

    def test_leaving_twice_is_leaving_once(self) -> None:
        link = ready()
        for _ in range(3):
            link.route("client", link.client.abort(now=link.now))
        link.run_out()
        assert link.closed.reason == "aborted"


class TestWhenThingsGoWrong:
    @pytest.mark.parametrize("how", ["eof", "reset"])
    def test_a_connection_that_goes_is_never_a_success(self, how: str) -> None:
        link = ready()
        link.send(1_000)
        link.settle()
        link.route("client", link.client.transport_lost(how, 1000, now=link.now))  # type: ignore[arg-type]
        assert (link.closed.reason, link.closed.complete) == ("lost", False)
        assert [event.text for event in link.of(Final)], "finals that have come stay valid"

    def test_a_failed_utterance_is_named_and_the_next_works(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(500)
        link.settle()
        link.route("server", link.server.segment_failed(500, "the engine failed", now=link.now))
        link.engine.todo.clear()
        link.engine.accepts = True
        link.send(1_000)
        link.end()
        link.run_out()
        assert link.of(ErrorMessage)[0].audio == (0, 500)
        assert [event.audio for event in link.of(Final)] == [(500, 1_500)]
        assert link.closed.complete is False
        assert link.closed.accounting.dropped == 500
        assert "lost to engine failures" in link.closed.message

    def test_three_failures_in_a_row_end_the_session(self) -> None:
        link = ready()
        link.engine.accepts = False
        link.send(900)
        link.settle()
        for end in (300, 600, 900):
            link.route("server", link.server.segment_failed(end, "the engine failed", now=link.now))
        link.run_out()
        assert [event.fatal for event in link.of(ErrorMessage)] == [False, False, True]
        assert (link.closed.error, link.closed.code, link.closed.retriable) == ("engine_failed", 4500, True)

    @pytest.mark.parametrize(
        ("frame", "error", "code"),
        [
            ('{"type":"start"}', "already_started", 1002),
            ("]]", "bad_message", 1007),
            ("[]", "bad_message", 1007),
            ('{"type":"flush"}', "bad_message", 1007),
        ],
    )
    def test_a_client_that_breaks_the_protocol(self, frame: str, error: str, code: int) -> None:
        link = ready()
        link.route("server", link.server.receive(frame, now=link.now))
        ending = only_ending(link.server_events)
        assert (ending.error, ending.code, ending.complete) == (error, code, False)
        link.settle()
        assert (link.closed.reason, link.closed.error) == ("error", error)

    @pytest.mark.parametrize("frame", [b"\0\0", '{"type":"flush","id":"x"}', '{"type":"resume"}', '{"type":"x"}', "{}"])
    def test_a_first_message_that_is_not_start(self, frame: str | bytes) -> None:
        link = Link()
        link.to_server.clear()
        link.route("server", link.server.receive(frame, now=link.now))
        assert only_ending(link.server_events).error in ("config_required", "bad_message")

    @pytest.mark.parametrize(
        ("start", "error"),
        [
            ({"audio": {"encoding": "opus"}}, "unsupported_encoding"),
            ({"audio": {"framing": "rtp"}}, "unsupported_feature"),
            ({"require": ["teleport"]}, "unsupported_feature"),
            ({"audio": {"sample_rate": "fast"}}, "invalid_config"),
        ],
    )
    def test_a_start_that_is_not_understood(self, start: dict[str, Any], error: str) -> None:
        link = Link()
        link.to_server.clear()
        link.route("server", link.server.receive(json.dumps({"type": "start", **start}), now=link.now))
        assert only_ending(link.server_events).error == error

    def test_what_was_ignored_in_start_is_told_in_ready(self) -> None:
        link = Link()
        link.to_server.clear()
        link.route("server", link.server.receive('{"type":"start","mood":1,"task":"hum"}', now=link.now))
        link.engine.work()
        assert json.loads(str(link.to_client[0]))["ignored"] == ["/mood", "/task"]

    def test_nothing_is_told_that_is_not_wanted(self) -> None:
        features = Features(partials=False, speech_events=False, acks=False)
        link = ready(config=Start(features=features))
        for _ in range(5):
            link.send(700)
            link.settle()
            link.pass_time(1.0)
        link.end()
        link.run_out()
        assert {type(event) for event in link.client_events} == {Ready, Final, InputEnded, SessionClosed}
        assert link.closed.complete is True

    def test_after_closed_verbs_do_nothing_or_say_so(self) -> None:
        link = ready()
        link.end()
        link.run_out()
        with pytest.raises(LocalProtocolError, match="closed"):
            link.send(1)
        assert link.client.end_input(now=link.now) == ()
        assert link.client.receive('{"type":"final"}', now=link.now) == ()
        assert link.server.progress(5, now=link.now) == ()
        assert link.server.accept("x", ServerInfo(name="x"), now=link.now) == ()
