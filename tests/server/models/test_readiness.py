"""When an engine counts as ready, and when it is tried: by hand, and for any order of events."""

from hypothesis import given
from hypothesis import strategies as st

from auricle.server.models.readiness import IDLE_S, PATIENCE_S, RETRY_S, Readiness


def tried(readiness: Readiness, failure: str | None = None, *, at: float, took_s: float = 0.1) -> None:
    readiness.trying(at)
    readiness.tried(failure, at + took_s)


def test_it_is_ready_once_something_was_decoded():
    readiness = Readiness()
    assert readiness.problem(0.0) == "The engine is loaded, and being tried."
    assert readiness.next_try_at <= 0.0
    tried(readiness, at=1.0)
    assert readiness.problem(2.0) is None


def test_it_is_tried_when_it_has_been_idle_and_not_while_it_decodes():
    readiness = Readiness()
    tried(readiness, at=0.0)
    readiness.decoded(100.0)
    assert readiness.next_try_at == 100.0 + IDLE_S
    assert readiness.problem(100.0 + IDLE_S) is None
    assert "has decoded nothing for 640 s" in str(readiness.problem(100.0 + IDLE_S + PATIENCE_S + 10.0))


def test_a_call_that_failed_makes_a_try_due_and_does_not_yet_make_it_unready():
    readiness = Readiness()
    tried(readiness, at=0.0)
    readiness.decoded(50.0)
    readiness.failed(60.0)
    assert readiness.problem(61.0) is None
    assert readiness.next_try_at <= 60.0
    tried(readiness, "It is broken.", at=60.0)
    assert readiness.problem(61.0) == "The engine failed when it was tried: It is broken."
    assert readiness.next_try_at == 60.0 + RETRY_S
    readiness.decoded(65.0)
    assert readiness.problem(66.0) is None


def test_a_try_that_does_not_come_back_is_trouble_unless_others_do():
    readiness = Readiness()
    tried(readiness, at=0.0)
    readiness.trying(500.0)
    assert readiness.problem(500.0 + PATIENCE_S - 1.0) is None
    assert "though it is asked to" in str(readiness.problem(500.0 + PATIENCE_S + 1.0))
    readiness.decoded(520.0)
    assert readiness.problem(500.0 + PATIENCE_S + 1.0) is None


events = st.lists(st.tuples(st.sampled_from(["decoded", "failed", "good try", "bad try"]), st.floats(0.0, 900.0)))


@given(events)
def test_whoever_follows_it_never_tries_too_often_and_what_it_calls_ready_has_decoded_lately(happened):
    readiness, now, last_try_at, decoded_at = Readiness(), 0.0, float("-inf"), float("-inf")
    for event, waited_s in happened:
        now += waited_s
        if event.endswith("try"):
            now = max(now, readiness.next_try_at)
            assert now >= last_try_at + RETRY_S
            last_try_at = now
            tried(readiness, None if event == "good try" else "It is broken.", at=now, took_s=0.0)
        elif event == "decoded":
            readiness.decoded(now)
        else:
            readiness.failed(now)
        if event in ("decoded", "good try"):
            decoded_at = now
        assert readiness.next_try_at >= last_try_at + RETRY_S
        if readiness.problem(now) is None:
            assert now - decoded_at <= IDLE_S + PATIENCE_S
