"""Request heads: slow ones, none at all, endless ones, and such as want to be let in."""

from functools import partial
from typing import Final

import trio

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.target import Target
from abuse.wire import Attacker, attacking, request, upgrade

SLOW: Final = 50
PATIENCE_S: Final = 30.0
EVIL: Final = "http://evil.example"
BREAK_INS: Final[dict[str, bytes]] = {
    "a page of another origin": upgrade(Origin=EVIL),
    "a page whose name leads to this machine": upgrade(Origin=f"{EVIL}:80", Host="evil.example:80"),
    "a length, and chunks": request("POST /v1/transcribe", {"Content-Length": "4", "Transfer-Encoding": "chunked"}),
    "two lengths": b"POST /v1/transcribe HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "two hosts": b"GET /status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /ws/transcribe HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "a path that leads out": request("GET /%2e%2e/%2e%2e/etc/passwd"),
    "a header with a NUL": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS on a port without": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
}


async def slow_loris(target: Target) -> Fates:
    """A header that never ends, a byte every half second."""
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker, trio.open_nursery() as nursery:
            nursery.start_soon(partial(_drip, attacker, request("GET /healthz", {"X": "a" * 200})))
            fates.add(*await attacker.until_gone(PATIENCE_S))
            nursery.cancel_scope.cancel()

    await crowd(SLOW, one)
    fates.expect("408")
    return fates


async def _drip(attacker: Attacker, data: bytes) -> None:
    for place in range(len(data)):
        if not await attacker.send(data[place : place + 1]):
            return
        await trio.sleep(0.5)


async def silent(target: Target) -> Fates:
    """Connections on which nothing is ever said."""
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(SLOW, one)
    fates.expect("end of file")
    return fates


async def endless_head(target: Target) -> Fates:
    """Headers without end, as fast as they are taken."""
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send(b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 100_000)
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(SLOW, one)
    fates.expect("431", "reset")
    return fates


async def break_ins(target: Target) -> Fates:
    """Heads that ask to be let in where they must not be."""
    fates = Fates()
    for name, head in BREAK_INS.items():
        async with attacking(target.port) as attacker:
            await attacker.send(head)
            answer, gone_s = await attacker.until_gone(PATIENCE_S)
            fates.add(answer, gone_s)
            if b"HTTP/1.1 101" in attacker.received or b"root:" in attacker.received:
                fates.faults.append(f"{name} was let in.")
    fates.expect("400", "403", "404", "405", "408", "421", "426", "505")
    return fates
