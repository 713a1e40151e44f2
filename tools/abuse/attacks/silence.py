"""Peers that take part no more: they say nothing, or read nothing."""

from socket import SO_RCVBUF, SOL_SOCKET
from typing import Final

import trio

from abuse.attacks.crowd import crowd
from abuse.fates import HELD, Fates
from abuse.target import Target
from abuse.wire import BINARY, attacking, frame, in_session, request, upgrade

ATTACKERS: Final = 10
PATIENCE_S: Final = 100.0
"""Longer than the server waits for anybody."""
LITTLE: Final = 4_096
PIPELINED: Final = 200
"""Requests that are sent at once, and whose answers nobody reads."""


async def never_starts(target: Target) -> Fates:
    """WebSockets on which no session is ever begun."""
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send(upgrade())
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(ATTACKERS, one)
    fates.expect("Close 4408")
    return fates


async def half_open(target: Target) -> Fates:
    """Sessions whose client is gone without a word, as after a power cut: nothing is sent, no ping is answered."""
    fates = Fates()

    async def one(_number: int) -> None:
        async with in_session(target.port) as attacker:
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(ATTACKERS, one)
    fates.expect("end of file")  # not told why: it might come back, and its session waits for it
    return fates


async def never_reads_answers(target: Target) -> Fates:
    """Requests for a large answer, one behind the other, none of which is read."""
    return await _never_reads(target, b"", request("GET /status", {"Accept": "text/html"}) * PIPELINED)


async def never_reads_session(target: Target) -> Fates:
    """Audio as fast as it is taken, and not a byte is read of what is said about it."""
    return await _never_reads(target, upgrade() + frame(1, b'{"type":"start"}'), frame(BINARY, bytes(32_000)))


async def _never_reads(target: Target, before: bytes, again: bytes) -> Fates:
    """Send without reading until the server takes no more and ends the connection."""
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            attacker.stream.setsockopt(SOL_SOCKET, SO_RCVBUF, LITTLE)
            with trio.move_on_after(PATIENCE_S) as patience:
                taken = await attacker.send(before)
                while taken:
                    taken = await attacker.send(again)
            if patience.cancelled_caught:
                fates.add(HELD)
            else:
                fates.add("cut", trio.current_time() - attacker.began)

    await crowd(ATTACKERS, one)
    fates.expect("cut")
    return fates
