"""Numbers that are legal one by one: no sum of them raises, and none of them makes an ending impossible."""

import json
import math
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import ClientSession, Limits, LocalProtocolError, ServerSession, Start, State
from auricle.core.codec import Decoded
from auricle.core.framing import pack
from auricle.core.messages import Configure, Final, Ready
from auricle.core.parts import AudioFormat, ServerInfo
from auricle.core.schema import LAST_POSITION, MAX_INTEGER, FieldError
from auricle.core.stimuli import Say
from auricle.core.testing.endable import check_can_end
from core.link import Link, only_ending, ready

HUGE = MAX_INTEGER
ENGINE = ServerInfo(name="numbers")


def hear(link: Link, **message: Any) -> None:
    link.route("server", link.server.receive(json.dumps(message), now=link.now))


class TestAPeerThatCountsHigh:
    def test_gaps_after_the_end_of_input(self) -> None:
        link = ready()
        hear(link, type="end_input")
        for _ in range(3):
            hear(link, type="gap", samples=HUGE)
            check_can_end(link.server.snapshot, now=link.now)
        hear(link, type="cancel")
        ending = only_ending(link.server_events)
        assert ending.reason == "cancelled"
        assert ending.accounting.late == HUGE, "what is only counted stays at the highest number"

    @pytest.mark.parametrize("origin", ["timeline_origin", "segment_origin"])
    @pytest.mark.parametrize("value", [LAST_POSITION + 1, HUGE - 1, HUGE])
    def test_an_origin_near_the_end_of_all_numbers(self, origin: str, value: int) -> None:
        link = Link()
        link.to_server.clear()
        hear(link, type="start", **{origin: value})
        assert only_ending(link.server_events).error == "invalid_config"

    @pytest.mark.parametrize("origin", ["timeline_origin", "segment_origin"])
    def test_the_highest_origin_is_a_session_like_any_other(self, origin: str) -> None:
        link = ready(config=Start(**{origin: LAST_POSITION - 5_000}))
        link.send(3_000)
        link.end()
        link.run_out()
        assert link.closed.complete is True

    @pytest.mark.parametrize("position", [2**63, 2**64 - 1, HUGE, LAST_POSITION])
    @pytest.mark.parametrize("ended", [False, True])
    def test_a_frame_at_the_end_of_all_positions(self, position: int, *, ended: bool) -> None:
        link = ready(config=Start(audio=AudioFormat(framing="offset64")))
        if ended:
            hear(link, type="end_input")
        for _ in range(2):
            link.route("server", link.server.receive(pack(position, b"\0\0"), now=link.now))
            check_can_end(link.server.snapshot, now=link.now)
        if not ended:
            assert only_ending(link.server_events).error == "backlog_exceeded"

    def test_the_timeline_ends_where_its_positions_do(self) -> None:
        link = ready(config=Start(timeline_origin=LAST_POSITION - 100))
        assert link.server.snapshot.credit == LAST_POSITION
        hear(link, type="gap", samples=100)
        link.route("server", link.server.progress(LAST_POSITION, now=link.now))
        hear(link, type="gap", samples=1)
        assert only_ending(link.server_events).error == "backlog_exceeded"


class TestAnApplicationThatCountsHigh:
    def test_gaps_beyond_the_last_position_are_refused_and_change_nothing(self) -> None:
        link = ready()
        link.route("client", link.client.skip(LAST_POSITION, now=link.now))
        before = link.client.snapshot
        with pytest.raises(LocalProtocolError, match="last position"):
            link.client.skip(1, now=link.now)
        assert link.client.snapshot == before

    def test_audio_beyond_the_last_position_is_refused(self) -> None:
        link = ready(config=Start(timeline_origin=LAST_POSITION - 1))
        link.send(1)
        with pytest.raises(LocalProtocolError, match="last position"):
            link.client.send_audio(b"\0\0", now=link.now)
        link.end()
        link.run_out()
        assert link.closed.complete is True

    def test_a_segment_beyond_the_last_number_is_refused_by_both_sides(self) -> None:
        link = ready(config=Start(segment_origin=LAST_POSITION))
        link.engine.accepts = False
        link.send(1_000)
        link.settle()
        final = Final(
            seq=link.client.snapshot.seq + 1, segment=LAST_POSITION, text="a", start=0.0, end=0.0, confidence=1.0,
            audio=(0, 1_000), reason="endpoint",
        )  # fmt: skip
        with pytest.raises(LocalProtocolError, match="last that can be numbered"):
            link.server._step(Say(message=replace(final, seq=link.server.snapshot.seq + 1)), now=link.now)
        link.route("client", link.client._hear(Decoded(final), now=link.now))
        assert link.closed.reason == "violation"


class TestText:
    @pytest.mark.parametrize("change", [{"\ud800": 1}, {"features": {"\udfff": 1}}, {"bias": {"terms": ["\ud800"]}}])
    def test_half_a_surrogate_pair_in_a_change_is_refused_by_both_sides(self, change: dict[str, object]) -> None:
        link = ready()
        hear(link, type="configure", id="c1", set=change)
        assert link.server.closed is None, "the configuration stays, and so does the session"
        assert '"ref":"c1"' in str(list(link.to_client))
        with pytest.raises(LocalProtocolError):
            link.client.configure("c2", change, now=link.now)

    def test_a_change_nested_without_end_is_no_exception(self) -> None:
        deep = '{"type":"configure","id":"c","set":{"x":' + "[" * 900 + "]" * 900 + "}}"
        link = ready()
        link.route("server", link.server.receive(deep, now=link.now))
        check_can_end(link.server.snapshot, now=link.now)

    def test_an_unknown_key_is_ignored_and_told(self) -> None:
        change = Configure(id="c", set={"tempo": {"beats": [1, 2]}})
        assert change.set == {"tempo": {"beats": [1, 2]}}


class TestLimits:
    @pytest.mark.parametrize("value", [0, -1, math.nan, -math.inf])
    @pytest.mark.parametrize(
        "name", ["ping_interval_s", "ack_interval_s", "progress_interval_s", "silence_timeout_s", "max_audio_bytes"]
    )
    def test_an_interval_without_length_is_no_limit(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=name):
            Limits(**{name: value})

    def test_every_limit_refuses_what_is_no_number(self) -> None:
        for field in fields(Limits):
            with pytest.raises(ValueError, match=field.name):
                replace(Limits(), **{field.name: math.nan})

    def test_only_what_may_never_happen_may_be_infinite(self) -> None:
        assert Limits(session_max_s=math.inf, audio_idle_s=math.inf).session_max_s == math.inf
        with pytest.raises(ValueError, match="window_s"):
            Limits(window_s=math.inf)

    def test_nothing_may_be_retained_and_nobody_awaited(self) -> None:
        limits = Limits(resume_window_s=0, ring_s=0, prebuffer_s=0, max_reconnects=0, reconnect_min_s=0)
        assert limits.resume_window_s == 0

    @pytest.mark.parametrize("told", [0.5, 1e-300, 0, -1, True, "8", math.inf, math.nan])
    def test_a_told_limit_that_would_stop_everything_is_not_adopted(self, told: object) -> None:
        names = ("max_audio_s", "max_audio_bytes", "max_flushes_pending", "max_changes_pending")
        adopted = Limits().adopting(dict.fromkeys(names, told))
        expected = replace(Limits(), max_audio_s=0.5) if told == 0.5 else Limits()
        assert adopted == expected

    def test_a_told_limit_that_is_sane_is_adopted(self) -> None:
        told = {"max_audio_s": 2, "max_audio_bytes": 4_096, "max_flushes_pending": 3, "max_changes_pending": 1.0}
        adopted = Limits().adopting(told)
        assert (adopted.max_audio_s, adopted.max_audio_bytes) == (2.0, 4_096)
        assert (adopted.max_flushes_pending, adopted.max_changes_pending) == (3, 1)
        assert isinstance(adopted.max_changes_pending, int)


SAMPLES = st.integers(1, HUGE) | st.sampled_from((HUGE, HUGE - 1, 2**52, 1))
HEARD = st.one_of(
    SAMPLES.map(lambda samples: {"type": "gap", "samples": samples}),
    st.just({"type": "end_input", "total": HUGE}),
    st.just({"type": "flush", "id": "f", "at": HUGE}),
    st.just({"type": "ping", "seen": HUGE}),
    st.tuples(SAMPLES, SAMPLES).map(
        lambda pair: {"type": "start", "timeline_origin": pair[0], "segment_origin": pair[1]}
    ),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(HEARD, max_size=8), st.booleans())
def test_no_sum_a_client_can_make_stops_a_server(heard: list[dict[str, Any]], started: bool) -> None:
    server = ServerSession("auricle.v1", now=0.0)
    if started:
        server.receive('{"type":"start"}', now=0.0)
    for message in heard:
        server.receive(json.dumps(message), now=0.0)
        check_can_end(server.snapshot, now=0.0)
        if server.state is State.CONNECTING and server.snapshot.started:
            server.accept("s", ENGINE, now=0.0, resume_token="t")
            check_can_end(server.snapshot, now=0.0)
        elif server.state is State.STREAMING:
            server.progress(server.snapshot.received, now=0.0)
            check_can_end(server.snapshot, now=0.0)


@settings(deadline=None, max_examples=200)
@given(st.lists(SAMPLES, max_size=6), st.integers(0, HUGE), st.booleans())
def test_no_sum_an_application_can_make_stops_a_client(samples: list[int], credit: int, ended: bool) -> None:
    client = ClientSession(Start(), now=0.0)
    client.connect(now=0.0)
    client.transport_opened("auricle.v1", now=0.0)
    client._hear(Decoded(Ready(seq=1, session="s", credit=credit)), now=0.0)
    for count in samples:
        with suppress(LocalProtocolError):
            client.skip(count, now=0.0)
        check_can_end(client.snapshot, now=0.0)
    if ended:
        client.end_input(now=0.0)
        check_can_end(client.snapshot, now=0.0)


def test_a_change_is_checked_where_it_is_made() -> None:
    with pytest.raises(FieldError, match="surrogate"):
        Configure(id="c", set={"a": {"b": ["\ud800"]}})
