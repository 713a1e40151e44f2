"""A session that was never ready is begun on another connection where only one server, at one moment, refused it."""

import pytest

from auricle.core import Final, Interrupted, Limits, SessionClosed, Start, State
from auricle.core.messages import ErrorMessage, Ready
from auricle.core.recovery import backoff_delay_s
from core.link import Link

LIMITS = Limits(connect_timeout_s=10.0)


def opened(**config: object) -> Link:
    """A client that has said ``start`` and some audio, to a server that has heard both and is not ready."""
    link = Link(limits=LIMITS, config=Start(resume=False), **config)  # type: ignore[arg-type]
    link.send(1_000)
    while link.deliver("server"):
        pass
    link.engine.todo.clear()
    return link


def finish(link: Link) -> SessionClosed:
    link.end()
    link.settle_wire()
    link.pass_time(5.0)
    link.run_out()
    assert link.client.closed is not None
    return link.client.closed


@pytest.mark.parametrize("code", ["capacity", "shutdown"])
def test_a_refusal_before_ready_is_not_the_end_and_not_told(code: str) -> None:
    link = opened()
    link.route("server", link.server.fail(code, "not here", now=link.now))
    closed = finish(link)
    assert closed.complete is True
    assert closed.accounting.committed == 1_000
    assert [final.audio for final in link.of(Final)][-1][1] == 1_000
    assert not link.of(ErrorMessage)
    assert not link.of(Interrupted)
    assert len(link.of(Ready)) == 1


def test_the_told_delay_is_waited() -> None:
    link = opened()
    link.route("server", link.server.fail("capacity", "full", now=link.now, retry_after_s=3.0))
    link.settle_wire()
    assert link.opens_at is not None
    assert 3.0 <= link.opens_at <= 3.0 + LIMITS.reconnect_max_s
    assert finish(link).complete is True


def test_a_delay_beyond_the_time_to_connect_ends_it_at_once_with_what_was_told() -> None:
    link = opened()
    link.route("server", link.server.fail("capacity", "full", now=link.now, retry_after_s=10.0))
    link.settle_wire()
    closed = link.client.closed
    assert closed is not None
    assert (closed.error, closed.retry_after_s, closed.retriable) == ("capacity", 10.0, True)
    assert link.now == 0.0


@pytest.mark.parametrize(
    "code", ["invalid_config", "unauthorized", "unsupported_language", "engine_unavailable", "internal"]
)
def test_what_another_server_would_say_as_well_is_final(code: str) -> None:
    link = opened()
    link.route("server", link.server.fail(code, "no", now=link.now))
    link.settle_wire()
    assert link.client.closed is not None
    assert link.client.closed.error == code
    assert link.of(ErrorMessage)


def test_a_cut_before_ready_is_not_the_end() -> None:
    link = opened()
    link.break_connection()
    closed = finish(link)
    assert closed.complete is True
    assert closed.accounting.committed == 1_000
    assert not link.of(Interrupted)


@pytest.mark.parametrize("how", ["reset", "refused"])
def test_a_handshake_that_breaks_is_tried_again_and_a_port_where_nobody_listens_is_not(how: str) -> None:
    link = Link(limits=LIMITS, opens=False)
    link.route("client", link.client.transport_lost(how, 1006, now=link.now))  # type: ignore[arg-type]
    if how == "refused":
        assert link.client.state is State.CLOSED
    else:
        link.opens = True
        assert finish(link).complete is True


def test_a_proxy_without_a_server_is_tried_again_and_a_wrong_path_is_not() -> None:
    for code, goes_on in ((1013, True), (4404, False)):
        link = Link(limits=LIMITS, opens=False)
        link.route("client", link.client.transport_lost("refused", code, now=link.now))
        assert (link.client.state is State.CONNECTING) is goes_on


def test_it_ends_after_the_time_to_connect_and_says_what_the_last_answer_was() -> None:
    link = Link(limits=LIMITS, opens=False)
    while link.client.closed is None:
        if link.opens_at is not None and link.opens_at <= link.now:
            link.opens_at = None
            link.route("client", link.client.transport_lost("reset", 1006, "it hung up", now=link.now))
        link.pass_time(0.01)
    closed = link.client.closed
    assert 10.0 <= link.now <= 10.1
    assert (closed.reason, closed.error, closed.retriable) == ("timeout", "connect_timeout", True)
    assert "it hung up" in closed.message


def test_the_delays_are_fully_jittered() -> None:
    delays_s = [backoff_delay_s(Limits(), seed, 3) for seed in range(200)]
    assert min(delays_s) < 0.1
    assert max(delays_s) > 0.7
    assert all(0.0 <= delay_s < 0.8 for delay_s in delays_s)
