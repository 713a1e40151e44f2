"""A session survives its socket: cut anywhere, it comes to what it would have come to uncut (I13)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import (
    Configured,
    ErrorMessage,
    Final,
    Flushed,
    InputEnded,
    Interrupted,
    Limits,
    LocalProtocolError,
    Partial,
    Restarted,
    Resumed,
    SessionClosed,
    Start,
    State,
)
from auricle.core.messages import Audio, Resume
from auricle.core.outputs import Transmit
from auricle.core.states import Attachment
from core.link import Link, only_ending

TOLD = Final | Flushed | Configured | InputEnded
"""What an application must be told in any case."""


def resumable(**arguments: Any) -> Link:
    link = Link(resumable=True, **arguments)
    link.settle()
    return link


def told(link: Link) -> list[Any]:
    return [event for event in link.client_events if isinstance(event, TOLD)]


def wait_back(link: Link) -> None:
    """Let the time pass that a new connection takes, and everything happen that follows from it."""
    for _ in range(200):
        link.settle()
        if link.client.snapshot.attached and link.client.snapshot.attachment is not Attachment.GATED:
            return
        link.pass_time(0.1)
    raise AssertionError("never came back")


def test_a_cut_is_an_interruption_and_then_it_goes_on() -> None:
    link = resumable()
    link.send(2_500)
    link.settle()
    link.break_connection()
    wait_back(link)
    assert [type(event) for event in link.client_events if isinstance(event, Interrupted | Resumed)] == [
        Interrupted,
        Resumed,
    ]
    assert link.client.state is State.STREAMING
    link.end()
    link.run_out()
    assert link.closed.complete is True
    assert len(link.of(Final)) == 3


def test_nothing_but_resume_is_said_before_resumed() -> None:
    link = resumable()
    link.send(500)
    link.break_connection()
    link.settle()
    link.send(700)
    link.flush("f1")
    link.end()
    link.opens_at = link.now
    link.open()
    assert [frame.split('"')[3] for frame in link.to_server if isinstance(frame, str)] == ["resume"]
    assert not [frame for frame in link.to_server if isinstance(frame, bytes)]


def test_the_server_says_where_to_go_on() -> None:
    """The client had sent 900 samples; 400 of them arrived."""
    link = resumable()
    link.send(400)
    link.settle()
    link.send(500)
    link.break_connection()
    wait_back(link)
    assert link.server.snapshot.received == 900
    link.end()
    link.run_out()
    assert link.closed.complete is True


def test_a_swallowed_resumed_does_not_lock_the_client_out() -> None:
    link = resumable()
    link.send(500)
    link.settle()
    for _ in range(3):
        link.break_connection()
        link.settle()
        link.pass_time(6.0)
        link.deliver("server")  # the resume arrives, its answer is lost
    wait_back(link)
    link.end()
    link.run_out()
    assert link.closed.complete is True


def test_a_used_token_is_used_up_once_the_client_has_spoken() -> None:
    link = resumable()
    old = link.client.snapshot.recovery.token
    assert old is not None
    link.break_connection()
    wait_back(link)
    resume = Resume(session="s1", token=old, seen=1, sent=0)
    assert link.server.admits(resume)
    link.send(100)
    link.settle()
    assert not link.server.admits(resume)
    with pytest.raises(LocalProtocolError):
        link.server.attach(resume, fresh_token="t", now=link.now)


def test_a_second_connection_supersedes_the_first() -> None:
    link = resumable()
    s = link.client.snapshot
    resume = Resume(session="s1", token=s.recovery.token or "", seen=s.seq, sent=0)
    outputs = link.server.attach(resume, fresh_token="t9", now=link.now)
    assert [type(output).__name__ for output in outputs][:3] == ["CloseTransport", "AdoptTransport", "Transmit"]
    assert outputs[0].code == 4409  # type: ignore[union-attr]


def test_what_was_said_while_nobody_listened_is_replayed() -> None:
    link = resumable()
    link.send(3_000)
    link.settle_wire()
    link.break_connection()
    link.settle()  # the engine goes on, nobody hears it
    assert len(link.of(Final)) == 0
    wait_back(link)
    assert len(link.of(Final)) == 3


@pytest.mark.parametrize("lost", [True, False])
def test_the_end_itself_may_be_swallowed(lost: bool) -> None:
    link = resumable()
    link.send(1_500)
    link.end()
    link.settle_wire()
    if lost:
        link.break_connection()
        link.settle_wire()
    while link.engine.work():
        pass
    assert link.server.state is State.CLOSED
    if not lost:
        link.break_connection()
    link.run_out()
    assert link.closed.complete is True
    assert [final.audio for final in link.of(Final)] == [(0, 1_000), (1_000, 1_500)]


def test_a_client_that_does_not_come_back_is_given_up() -> None:
    link = resumable()
    link.send(100)
    link.settle()
    link.opens = False
    link.break_connection()
    link.settle()
    link.pass_time(29.0)
    assert link.server.closed is None
    link.pass_time(2.0)
    assert link.server.closed is not None
    assert link.server.closed.reason == "lost"
    assert link.server.finished
    link.pass_time(60.0)
    assert link.closed.reason == "lost"
    assert link.client.finished or not link.client.snapshot.attached


def test_a_server_that_has_forgotten_everything_gets_the_rest() -> None:
    link = resumable()
    link.send(2_400)
    link.settle()
    link.restarted = True
    link.break_connection()
    wait_back(link)
    (again,) = link.of(Restarted)
    assert (again.origin_sample, again.lost_samples) == (2_000, 0)
    link.send(2_600)
    link.end()
    link.run_out()
    finals = link.of(Final)
    assert [final.segment for final in finals] == [0, 1, 2, 3, 4]
    assert [final.audio for final in finals] == [(n, n + 1_000) for n in range(0, 5_000, 1_000)]
    assert link.closed.complete is True
    assert link.closed.accounting.received == 5_000


@pytest.mark.parametrize("how", ["reset", "eof"])
def test_a_second_server_may_decline_to_resume(how: str) -> None:
    """Then the next cut is the end of the session, and nothing is promised that cannot be kept."""
    link = resumable()
    link.send(2_400)
    link.settle()
    link.restarted, link.resumable = True, False
    link.break_connection()
    wait_back(link)
    assert link.client.state is State.STREAMING
    link.client_events.clear()
    link.route("client", link.client.transport_lost(how, 1006, now=link.now))  # type: ignore[arg-type]
    assert not link.of(Interrupted)
    assert (link.closed.reason, link.closed.complete) == ("lost", False)


def test_audio_that_is_not_kept_any_more_is_lost_and_said_to_be() -> None:
    link = resumable(limits=Limits(ring_s=0.01))
    link.engine.accepts = False
    link.send(2_900)
    link.settle()
    link.engine.accepts = True
    link.settle()
    link.send(60)
    link.settle()
    link.pass_time(1.0)
    link.settle()
    link.restarted = True
    link.break_connection()
    wait_back(link)
    (again,) = link.of(Restarted)
    assert again.lost_samples == 2_800 - 2_000
    link.end()
    link.run_out()
    assert link.closed.complete is False
    assert link.closed.accounting.dropped == again.lost_samples


def test_a_server_that_comes_and_goes_is_given_up() -> None:
    link = resumable()
    link.send(500)
    for _ in range(200):
        link.break_connection()
        link.settle()
        if link.client.closed is not None:
            break
        link.pass_time(5.0)
        link.settle()
    assert link.closed.reason == "lost"


def test_a_new_server_may_take_its_time_to_load() -> None:
    link = resumable()
    link.send(500)
    link.settle()
    link.restarted = True
    link.break_connection()
    link.settle()
    link.pass_time(0.5)
    link.settle_wire()
    link.engine.accepts = False
    for _ in range(60):
        link.pass_time(2.0)  # twice as long as a client looks for a server that is not there
        link.settle_wire()
    assert link.client.closed is None
    link.engine.accepts = True
    link.end()
    link.run_out()
    assert link.closed.complete is True


def test_an_old_server_in_the_place_of_ours_is_not_one_to_go_on_with() -> None:
    link = resumable(allow_legacy=True)
    link.send(500)
    link.break_connection()
    link.opens = False
    link.settle()
    link.pass_time(1.0)
    link.route("client", link.client.transport_opened(None, now=link.now))
    assert link.closed.error == "protocol_violation"


def test_a_server_that_has_ended_tells_its_application_nothing_more() -> None:
    link = resumable()
    link.send(500)
    link.end()
    link.settle_wire()
    link.break_connection()
    link.settle()
    assert link.server.closed is not None
    link.run_out()
    assert only_ending(link.server_events)
    assert link.closed.complete is True


def test_a_flush_that_crosses_the_servers_end_is_no_mistake_of_the_client() -> None:
    link = resumable()
    link.send(100)
    link.flush("f1")
    link.route("server", link.server.stop_input("shutdown", now=link.now))
    link.settle()
    (refusal,) = link.of(ErrorMessage)
    assert (refusal.code, refusal.ref) == ("invalid_state", "f1")
    link.run_out()
    assert link.closed.reason == "shutdown"


def swallow_until_interrupted(link: Link) -> None:
    """Let the network swallow everything until the client has had enough of it, and connect anew."""
    link.opens = False
    while link.client.snapshot.attached and link.client.closed is None:
        link.pass_time(1.0)
        link.to_server.clear()
        link.to_client.clear()
    if link.client.closed is None:
        link.opens = True
        link.pass_time(link.limits.reconnect_max_s)
        link.deliver("server")
        link.deliver("client")


def test_a_second_silence_is_no_verdict() -> None:
    """How often a server may fall silent is what ``max_reconnects`` says."""
    link = resumable()
    for _ in range(2):
        swallow_until_interrupted(link)
        assert link.client.closed is None
        assert link.client.snapshot.attachment is not Attachment.GATED
    link.end()
    link.run_out()
    assert link.closed.complete is True


@pytest.mark.parametrize("hears", [True, False])
def test_silences_are_counted_until_the_server_shows_that_it_hears(*, hears: bool) -> None:
    link = resumable(limits=Limits(max_reconnects=3))
    for _ in range(5):
        swallow_until_interrupted(link)
        for _ in range(25 if hears else 0):
            link.pass_time(1.0)
            link.settle()
    assert (link.client.closed is None) is hears
    if not hears:
        assert (link.closed.reason, link.closed.error) == ("timeout", "silence")


@pytest.mark.parametrize("code", [1000, 1002, 1007, 4400])
def test_a_client_that_closes_politely_does_not_come_back(code: int) -> None:
    """It holds no place for the resume window: after such a code it never resumes."""
    link = resumable()
    link.send(500)
    link.settle()
    link.route("server", link.server.transport_lost("eof", code, now=link.now))
    assert only_ending(link.server_events).reason == "lost"
    assert link.server.finished


@pytest.mark.parametrize("code", [1001, 1005, 1006, 1011, 1012, 1013, 4408, 4500])
def test_a_client_whose_connection_is_closed_for_it_may_come_back(code: int) -> None:
    link = resumable()
    link.send(500)
    link.settle()
    link.route("server", link.server.transport_lost("eof", code, now=link.now))
    assert link.server.closed is None
    assert link.server.snapshot.recovery.token is not None


def test_an_old_connection_that_arrives_late_does_not_steal_the_session() -> None:
    link = resumable()
    s = link.client.snapshot
    resumes = [
        Resume(session="s1", token=s.recovery.token or "", seen=s.seq, sent=0, attempt=attempt) for attempt in (1, 2)
    ]
    link.server.attach(resumes[1], fresh_token="t9", now=link.now)
    assert not link.server.admits(resumes[0])
    assert link.server.admits(replace(resumes[1], attempt=3))


def test_late_audio_is_counted_once_however_often_it_is_sent() -> None:
    link = resumable()
    link.route("server", link.server.stop_input("shutdown", now=link.now))
    link.send(300)
    while link.deliver("server"):
        pass
    assert link.server.snapshot.late == 300
    link.break_connection()
    link.engine.accepts = False
    wait_back(link)
    link.engine.accepts = True
    link.run_out()
    assert link.closed.accounting.late == 300


def test_a_session_may_begin_where_another_one_ended() -> None:
    link = Link(config=Start(timeline_origin=5_000, segment_origin=3), resumable=True)
    link.settle()
    link.send(1_500)
    link.break_connection()
    wait_back(link)
    link.end()
    link.run_out()
    assert link.closed.complete is True
    assert [(final.segment, final.audio) for final in link.of(Final)] == [(3, (5_000, 6_000)), (4, (6_000, 6_500))]


@pytest.mark.parametrize("away", [True, False])
def test_a_server_whose_driver_is_gone_ends_at_once(*, away: bool) -> None:
    link = resumable()
    link.send(500)
    link.settle()
    if away:
        link.opens = False
        link.break_connection()
        link.settle()
    link.route("server", link.server.transport_lost("cancelled", 1006, now=link.now))
    assert only_ending(link.server_events).reason == "lost"


def test_a_session_that_is_gone_for_good_is_asked_for_once() -> None:
    link = resumable()
    link.send(500)
    link.settle()
    link.engine.accepts = False
    link.route("server", link.server.stop_input("shutdown", now=link.now))
    link.settle_wire()
    link.restarted = True
    link.break_connection()
    link.settle_wire()
    link.pass_time(3.0)
    link.settle_wire()
    assert link.closed.error == "session_gone"
    assert link.client.snapshot.recovery.transports == 1


def test_a_partial_may_be_what_it_was_before_the_cut() -> None:
    link = resumable()
    link.send(500)
    link.settle()

    def partial(text: str) -> None:
        link.route("server", link.server.partial(text, start_s=0.0, end_s=1.0, now=link.now))
        link.settle_wire()

    partial("words at one")
    link.break_connection()
    link.settle_wire()
    partial("words at once")
    link.pass_time(0.5)
    wait_back(link)
    partial("words at one")
    assert link.of(Partial)[-1].text == "words at one"
    link.end()
    link.run_out()
    assert link.closed.complete is True


def test_a_partial_that_nobody_heard_is_said_again() -> None:
    link = resumable()
    link.send(300)
    link.settle()
    link.break_connection()
    link.settle_wire()
    for _ in range(2):
        link.route("server", link.server.partial("hello", start_s=0.0, end_s=1.0, now=link.now))
        wait_back(link)
    link.settle_wire()
    assert link.of(Partial)[-1].text == "hello"


def test_a_gap_and_a_change_survive_too() -> None:
    link = resumable()
    link.send(700)
    link.route("client", link.client.skip(600, now=link.now))
    link.route("client", link.client.configure("c1", {"language": "de"}, now=link.now))
    link.send(700)
    link.break_connection()
    wait_back(link)
    link.end()
    link.run_out()
    assert link.closed.complete is True
    assert link.closed.accounting.gap == 600
    (answer,) = link.of(Configured)
    assert answer.from_ == 1_300
    assert answer.effective["language"] == "de"


def test_sent_audio_is_let_go_of() -> None:
    link = resumable()
    for _ in range(300):
        link.send(1_600)
        link.settle()
        link.pass_time(0.1)
    assert len(link.client._ring) <= 2 * 16_000 * 2


def test_the_record_is_let_go_of() -> None:
    link = resumable()
    for _ in range(300):
        link.send(1_000)
        link.settle()
        link.pass_time(0.1)
    assert len(link.server._record) < 100


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("audio"), st.integers(1, 1_500)),
        st.tuples(st.just("gap"), st.integers(1, 700)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("configure"), st.just(0)),
    ),
    max_size=8,
)
CUTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 3)), max_size=10)


def perform(link: Link, action: tuple[str, int], number: int) -> None:
    name, count = action
    match name:
        case "audio":
            link.send(count)
        case "gap":
            link.route("client", link.client.skip(count, now=link.now))
        case "flush":
            link.flush(f"f{number}")
        case "mark":
            link.route("client", link.client.mark(f"m{number}", now=link.now))
        case _:
            link.route("client", link.client.configure(f"c{number}", {"language": "de"}, now=link.now))


def converse(actions: list[tuple[str, int]], cuts: list[tuple[int, int, int]]) -> Link:
    link = resumable(limits=Limits(max_changes_pending=8))
    todo = list(enumerate(actions))
    for to_server, to_client, work in cuts:
        if todo:
            number, action = todo.pop(0)
            perform(link, action, number)
        for _ in range(to_server):
            link.deliver("server")
        for _ in range(work):
            link.engine.work()
        for _ in range(to_client):
            link.deliver("client")
        if link.client.closed is None:
            link.break_connection()
            link.pass_time(0.4)
    for number, action in todo:
        perform(link, action, number)
        link.settle()
    link.end()
    link.run_out()
    return link


@settings(max_examples=300, deadline=None)
@given(ACTIONS, CUTS)
def test_cut_anywhere_it_comes_to_the_same(actions: list[tuple[str, int]], cuts: list[tuple[int, int, int]]) -> None:
    cut, uncut = converse(actions, cuts), converse(actions, [])
    assert cut.closed.complete is True, cut.closed
    finals = [[event for event in told(link) if isinstance(event, Final)] for link in (cut, uncut)]
    covered = [[(final.text, final.audio) for final in each] for each in finals]
    assert covered[0] == covered[1]
    answers = [[event.id for event in told(link) if isinstance(event, Flushed | Configured)] for link in (cut, uncut)]
    assert sorted(answers[0]) == sorted(answers[1])
    assert len(answers[0]) == len(set(answers[0]))


def test_everything_the_client_says_again_is_what_it_said() -> None:
    """Resent control messages carry the ids and positions of the first time."""
    link = resumable()
    link.send(300)
    link.flush("f1")
    link.send(200)
    link.break_connection()
    link.settle()
    link.opens_at = link.now
    link.open()
    link.deliver("server")
    session = link.client
    outputs = session.receive(link.to_client.popleft(), now=link.now)  # type: ignore[arg-type]
    said = [output.message for output in outputs if isinstance(output, Transmit)]
    assert [type(message).__name__ for message in said] == ["Audio", "Flush", "Audio"]
    assert said[1].at == 300  # type: ignore[union-attr]
    assert sum(len(message.data) for message in said if isinstance(message, Audio)) == 1_000
    link.route("client", outputs)
    link.end()
    link.run_out()
    assert isinstance(link.client_events[-1], SessionClosed)


def test_a_ping_that_knows_of_resumed_ends_the_old_token_and_one_before_it_does_not() -> None:
    link = resumable()
    link.break_connection()
    old = link.server.snapshot.recovery.token
    link.settle_wire()
    link.pass_time(1.0)
    link.settle()
    assert link.of(Resumed)
    assert link.server.snapshot.recovery.previous_token == old
    link.route("server", link.server.receive('{"type":"ping"}', now=link.now))
    assert link.server.snapshot.recovery.previous_token == old, "it may have been said before resumed arrived"
    link.pass_time(link.limits.ping_interval_s)
    link.settle()
    assert link.server.snapshot.recovery.previous_token is None, (
        "the client only pings, and yet has shown that it knows"
    )


def test_a_client_that_goes_on_in_a_new_session_does_not_speak_of_the_old_ones_return() -> None:
    link = resumable()
    link.break_connection()
    link.settle_wire()
    link.pass_time(1.0)
    link.settle()
    assert link.client.snapshot.recovery.resumed
    link.restarted = True
    link.break_connection()
    link.settle_wire()
    for _ in range(4):
        link.pass_time(1.0)
        link.settle()
    assert link.of(Restarted)
    assert not link.client.snapshot.recovery.resumed
