"""Clients of the bench that are refused wait for their turn, and how often they were refused is counted."""

from core.link import Link
from words.patience import PATIENT, counted

from auricle.core import Start


def test_whoever_is_refused_for_ten_minutes_is_heard_whole_in_the_end() -> None:
    link = Link(limits=PATIENT, config=Start())
    refused = 0
    while link.now < 600.0:
        link.settle_wire()
        if link.opened and link.client.snapshot.attached:
            link.engine.todo.clear()
            link.route("server", link.server.fail("capacity", "full", now=link.now, retry_after_s=1.0))
            link.settle_wire()
            refused += 1
        link.pass_time(1.0)
    link.send(1_000)
    link.end()
    link.settle()
    link.run_out()
    assert refused > 60, "more often than clients otherwise come back"
    assert link.closed.complete is True
    assert link.closed.accounting.committed == 1_000


def test_refusals_are_counted_whatever_their_reason() -> None:
    text = """# TYPE auricle_refusals_total counter
auricle_refusals_total{reason="engine_busy"} 7.0
auricle_refusals_total{reason="sessions"} 2.0
auricle_refusals_created{reason="sessions"} 1.7e9
auricle_sessions_started_total{dialect="v1"} 40.0
"""
    assert counted(text) == 9
