"""How a session goes on elsewhere: what counts as time, what is told once, and what is said again to whom."""

import pytest

from auricle.core import AbortTransport, Interrupted, Limits, OpenTransport, Restarted, ServerSession, Start, State
from auricle.core.messages import Resume
from auricle.core.parts import AudioFormat, ServerInfo
from auricle.core.session import Outputs
from auricle.core.states import Attachment
from core.link import Link
from core.test_opening import LIMITS, finish, opened
from core.test_resume import resumable, wait_back


def refuse(link: Link, code: str, retry_after_s: float | None = None) -> Outputs:
    """Let the client hear a fatal error and the ``closed`` behind it, and return what comes of that one."""
    server = ServerSession("auricle.v1", now=link.now, limits=link.limits)
    outputs = server.receive('{"type":"start"}', now=link.now)
    outputs = server.fail(code, "not here", now=link.now, retry_after_s=retry_after_s)
    error, closed = (output.frame for output in outputs if hasattr(output, "frame"))
    link.route("client", link.client.receive(error, now=link.now))
    answered = link.client.receive(closed, now=link.now)
    link.route("client", answered)
    return answered


class TestBeforeReady:
    def test_the_time_that_a_server_took_to_refuse_counts(self) -> None:
        link = opened()
        link.pass_time(LIMITS.connect_timeout_s - 1.0)
        refuse(link, "capacity", retry_after_s=2.0)
        assert link.client.closed is not None
        assert link.client.closed.error == "capacity"

    @pytest.mark.parametrize("code", [1001, 1006, 1012, 1013])
    def test_a_connection_that_is_closed_for_now_is_no_end(self, code: int) -> None:
        link = opened()
        link.route("client", link.client.transport_lost("eof", code, now=link.now))
        assert link.client.snapshot.attachment is Attachment.OPENING
        assert finish(link).complete is True

    @pytest.mark.parametrize(("code", "goes_on"), [("unauthorized", False), ("shutdown", True)])
    def test_a_refusal_whose_closed_is_lost_is_judged_by_its_error(self, code: str, *, goes_on: bool) -> None:
        link = opened()
        link.route("server", link.server.fail(code, "no", now=link.now))
        while link.client.snapshot.error is None:
            assert link.deliver("client")
        link.route("client", link.client.transport_lost("reset", 1006, now=link.now))
        assert (link.client.closed is None) is goes_on

    def test_the_connection_of_a_server_that_refuses_is_let_go_of(self) -> None:
        outputs = refuse(opened(), "capacity")
        assert [type(output) for output in outputs] == [AbortTransport, OpenTransport]

    def test_where_no_server_takes_it_the_end_says_what_the_last_one_said(self) -> None:
        link = opened()
        link.opens = False
        refuse(link, "capacity")
        link.pass_time(LIMITS.connect_timeout_s + 1.0)
        closed = link.client.closed
        assert closed is not None
        assert (closed.error, closed.retriable) == ("capacity", True)
        assert "not here" in closed.message

    def test_a_server_that_shuts_down_refuses_what_is_not_ready_and_the_client_goes_on(self) -> None:
        link = opened()
        link.route("server", link.server.shut_down(now=link.now))
        assert link.server.closed is not None
        assert (link.server.closed.reason, link.server.closed.error) == ("shutdown", "shutdown")
        assert finish(link).complete is True
        assert not link.of(Interrupted)


class TestAfterALoss:
    def test_it_is_told_once_however_many_connections_it_takes(self) -> None:
        link = resumable()
        link.send(500)
        link.settle()
        link.opens = False
        link.route("client", link.client.transport_lost("reset", 1006, now=link.now))
        for _ in range(4):
            link.pass_time(2.0)
            link.route("client", link.client.transport_lost("refused", 1006, now=link.now))
        assert len(link.of(Interrupted)) == 1
        link.opens = True
        wait_back(link)
        link.route("client", link.client.transport_lost("reset", 1006, now=link.now))
        assert len(link.of(Interrupted)) == 2, "it had come back in between"

    def test_a_server_that_has_no_room_now_is_asked_again_after_the_time_that_it_told(self) -> None:
        link = resumable()
        link.send(500)
        link.settle()
        link.break_connection()
        while link.client.snapshot.attachment is not Attachment.GATED:
            if not (link.deliver("client") or link.deliver("server")):
                link.pass_time(0.05)
        outputs = refuse(link, "capacity", retry_after_s=7.0)
        (asked,) = (output for output in outputs if isinstance(output, OpenTransport))
        assert asked.not_before >= link.now + 7.0
        assert link.client.snapshot.attachment is Attachment.REOPENING

    def test_a_session_that_is_begun_anew_has_the_whole_time_to_find_a_server(self) -> None:
        limits = Limits(reconnect_timeout_s=20.0, connect_timeout_s=60.0)
        link = resumable(limits=limits)
        link.send(500)
        link.settle()
        link.opens = False
        link.route("client", link.client.transport_lost("reset", 1006, now=link.now))
        link.pass_time(15.0)
        link.route("client", link.client.transport_opened("auricle.v1", now=link.now))
        assert link.client.snapshot.attachment is Attachment.GATED
        refuse(link, "session_gone")
        assert link.client.snapshot.attachment is Attachment.RESTARTING
        link.pass_time(19.0)
        assert link.client.closed is None
        link.pass_time(2.0)
        assert link.client.closed is not None

    def test_a_new_server_is_told_all_that_was_configured(self) -> None:
        config = Start(language="fr", audio=AudioFormat(sample_rate=8_000), require=())
        link = resumable(config=config)
        link.send(1_500)
        link.route("client", link.client.configure("c1", {"bias": {"terms": ["Auricle"]}}, now=link.now))
        link.send(1_500)
        link.settle()
        before = link.server.snapshot.config
        assert before.bias.terms
        link.restarted = True
        link.break_connection()
        wait_back(link)
        (again,) = link.of(Restarted)
        after = link.server.snapshot.config
        assert (after.language, after.audio, after.bias) == ("fr", before.audio, before.bias)
        assert (after.timeline_origin, after.segment_origin) == (again.origin_sample, link.client.snapshot.segment)

    def test_an_old_server_is_not_one_to_begin_anew_with(self) -> None:
        link = resumable(allow_legacy=True)
        link.send(500)
        link.settle()
        link.opens = False
        link.route("client", link.client.transport_lost("reset", 1006, now=link.now))
        link.route("client", link.client.transport_opened("auricle.v1", now=link.now))
        refuse(link, "session_gone")
        link.route("client", link.client.transport_opened(None, now=link.now))
        assert link.client.closed is not None
        assert link.client.closed.error == "protocol_violation"


class TestTheServersSide:
    def test_who_claims_to_have_sent_less_than_has_come_is_not_its_client(self) -> None:
        link = resumable()
        link.send(1_000)
        link.settle()
        token = link.server.snapshot.recovery.token
        assert token is not None
        for sent, admitted in ((999, False), (1_000, True), (1_001, True)):
            resume = Resume(session=link.server.snapshot.recovery.session, token=token, seen=1, sent=sent, attempt=1)
            assert link.server.admits(resume) is admitted

    @pytest.mark.parametrize("token", [None, "a secret"])
    def test_messages_are_recorded_only_for_who_may_come_back(self, token: str | None) -> None:
        server = ServerSession("auricle.v1", now=0.0)
        server.receive('{"type":"start"}', now=0.0)
        server.accept("s", ServerInfo(name="none"), now=0.0, resume_token=token)
        server.warn("slow", "It is slow today.", now=0.0)
        assert len(list(server._record.after(0))) == (2 if token else 0)

    def test_a_closed_session_that_nobody_asks_for_is_let_go_of_whole(self) -> None:
        link = resumable()
        link.end()
        link.settle_wire()
        link.break_connection()
        link.engine.work()
        while link.server.closed is None:
            link.deliver("server")
            link.engine.work()
        assert link.server.snapshot.attachment in (Attachment.HELD, Attachment.RESUMABLE)
        while not link.server.finished:
            link.opens, before = False, link.now
            link.pass_time(5.0)
            assert link.now > before
        assert link.server.snapshot.attachment is Attachment.DETACHED
        assert link.server.snapshot.recovery.lost_at is None
        assert link.server.state is State.CLOSED
