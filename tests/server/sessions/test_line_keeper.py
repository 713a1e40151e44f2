"""Pings for clients that have none, in virtual time."""

from typing import Any

import trio
from trio.testing import MockClock

from auricle.core import ServerSession
from auricle.server.sessions.line_keeper import keep_line
from auricle.transports.wire import WireLost

INTERVAL_S = 20.0


class Line:
    """A wire that counts pings; the pongs of a stalled one never come, and a lost one raises."""

    def __init__(self) -> None:
        self.pings: list[float] = []
        self.stalled = False
        self.lost = False

    async def ping(self) -> None:
        self.pings.append(trio.current_time())
        if self.lost:
            raise WireLost("reset")
        if self.stalled:
            await trio.sleep_forever()


def run(first: str, line: Line, seconds: float) -> list[float]:
    async def main() -> list[float]:
        session = ServerSession(None, now=0.0)
        session.receive(first, now=0.0)
        begun = trio.current_time()
        with trio.move_on_after(seconds):
            wire: Any = line
            await keep_line(wire, session, INTERVAL_S)
        return [round(at - begun, 3) for at in line.pings]

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def test_an_old_client_is_pinged_now_and_then_and_ours_is_not() -> None:
    assert run("{}", Line(), 3.5 * INTERVAL_S) == [INTERVAL_S * count for count in (1, 2, 3)]
    assert run('{"type":"start"}', Line(), 3.5 * INTERVAL_S) == []


def test_a_pong_that_does_not_come_ends_nothing() -> None:
    line = Line()
    line.stalled = True
    assert run("{}", line, 6.5 * INTERVAL_S) == [INTERVAL_S * count for count in (1, 3, 5)]


def test_a_line_that_is_lost_is_left() -> None:
    line = Line()
    line.lost = True
    assert run("{}", line, 10 * INTERVAL_S) == [INTERVAL_S]
