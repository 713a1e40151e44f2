"""A flood of one warning fills no disk, hides no other warning, and is counted."""

import io
import json
import logging
from typing import Any

import pytest

from auricle.server.logs import setup
from auricle.server.logs.bounded import BURST, INTERVAL_S, MOST_KINDS, FloodBound
from auricle.server.logs.setup import configure_logging

ours = logging.getLogger("auricle.server.anything")


class Clock:
    """Seconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(setup, "FloodBound", lambda: FloodBound(made))
    return made


@pytest.fixture
def log(clock: Clock) -> io.StringIO:
    """Where everything is logged."""
    written = io.StringIO()
    configure_logging("info", "json", written)
    return written


def records(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def refuse(times: int, code: str = "unauthorized") -> None:
    for number in range(times):
        ours.warning("request refused", extra={"code": code, "peer": f"192.0.2.{number % 250}:1"})


def test_of_a_flood_a_few_are_written_and_all_are_counted(log: io.StringIO, clock: Clock) -> None:
    refuse(100_000)
    assert len(records(log)) == BURST
    clock.now += INTERVAL_S
    refuse(1_000)
    assert len(records(log)) == BURST + 1
    assert records(log)[-1]["unlogged"] == 100_000 - BURST
    clock.now += INTERVAL_S
    refuse(1)
    assert records(log)[-1]["unlogged"] == 999
    assert all("unlogged" not in record for record in records(log)[:BURST])


def test_a_flood_of_an_hour_is_a_line_now_and_then(log: io.StringIO, clock: Clock) -> None:
    for _ in range(3_600):
        refuse(50)
        clock.now += 1.0
    assert len(records(log)) <= BURST + 3_600 / INTERVAL_S + 1


def test_a_flood_of_one_kind_hides_no_other(log: io.StringIO) -> None:
    refuse(1_000)
    refuse(1, code="capacity")
    ours.error("something else")
    logging.getLogger("auricle.server.elsewhere").warning("request refused", extra={"code": "unauthorized"})
    for error in (*["capacity"] * BURST, "capacity", "rate_limited"):
        ours.warning("session refused", extra={"error": error})
    told = records(log)[BURST:]
    assert [record.get("code") for record in told[:3]] == ["capacity", None, "unauthorized"]
    assert [record["error"] for record in told[3:]] == [*["capacity"] * BURST, "rate_limited"]


def test_the_line_of_a_session_is_always_written(log: io.StringIO) -> None:
    for number in range(3 * BURST):
        ours.info("session ended", extra={"session": number})
        ours.warning("session failed", extra={"session": number, "error": "internal"})
    assert [record["session"] for record in records(log)] == [number // 2 for number in range(6 * BURST)]


def test_after_a_quiet_time_there_is_room_again(log: io.StringIO, clock: Clock) -> None:
    refuse(100)
    clock.now += BURST * INTERVAL_S
    refuse(100)
    assert len(records(log)) == 2 * BURST


def test_kinds_are_forgotten_before_they_are_many(clock: Clock) -> None:
    bound = FloodBound(clock)
    for number in range(10 * MOST_KINDS):
        bound.filter(logging.makeLogRecord({"msg": f"made up {number}", "levelno": logging.WARNING}))
    assert len(bound._buckets) == MOST_KINDS
