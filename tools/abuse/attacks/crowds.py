"""Very many connections: opened and dropped, kept without a word, and kept with a session."""

import struct
from collections import Counter
from contextlib import AsyncExitStack
from socket import SO_LINGER, SOL_SOCKET
from typing import Final

import trio

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.target import Target
from abuse.wire import Attacker, attacking, in_session, request

FLOOD_S: Final = 10.0
FLOODERS: Final = 20
IDLE: Final = 980
"""Sessions that say nothing: with the witness and the tool's own, below the limit of 1000 connections."""
BATCH: Final = 20
"""Of them at a time: the backlog of a listening socket is short."""
OVER: Final = 1_100
PATIENCE_S: Final = 30.0
HELD_S: Final = 10.0
RESET: Final = struct.pack("ii", 1, 0)


async def flood(target: Target) -> Fates:
    """Connections that are reset as soon as they are made, and upgrades that are dropped before their answer."""
    fates = Fates()
    made = Counter[str]()
    until = trio.current_time() + FLOOD_S

    async def one(number: int) -> None:
        while trio.current_time() < until:
            try:
                async with attacking(target.port) as attacker:
                    if number % 2:
                        await attacker.send(request("GET /healthz"))
                    attacker.stream.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
                made["connections"] += 1
            except OSError:
                made["not taken"] += 1

    await crowd(FLOODERS, one)
    fates.notes += [f"{count:,} {what}" for what, count in made.items()]
    return fates


async def over_the_limit(target: Target) -> Fates:
    """More connections than there may be, each with the beginning of a request, while a probe asks for the health."""
    fates = Fates()
    probes: list[str] = []

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send(b"GET /status HTTP/1.1\r\n")
            fates.add(*await attacker.until_gone(PATIENCE_S))

    async def probe() -> None:
        for _ in range(8):
            await trio.sleep(0.5)
            async with attacking(target.port) as prober:
                await prober.send(request("GET /healthz", {"Connection": "close"}))
                probes.append((await prober.until_gone(PATIENCE_S))[0])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe)
        nursery.start_soon(crowd, OVER, one)
    fates.expect("408", "503", "reset")
    if set(probes) != {"200"}:
        fates.faults.append(f"A probe of the health was answered {', '.join(sorted(set(probes)))}.")
    fates.notes.append(f"probes of the health meanwhile: {len(probes)} × 200")
    return fates


async def idle_sessions(target: Target) -> Fates:
    """A thousand sessions that say nothing more."""
    fates = Fates()
    before = target.vitals()
    async with AsyncExitStack() as kept:
        held: list[Attacker] = []

        async def one(_number: int) -> None:
            held.append(await kept.enter_async_context(in_session(target.port)))

        for _ in range(IDLE // BATCH):
            await crowd(BATCH, one)
        await trio.sleep(HELD_S)
        after = target.vitals()
        ready = sum(b'"ready"' in attacker.received for attacker in held)
    fates.add("let be, as long as they are below the limits", None)
    fates.notes.append(f"{ready} sessions, {(after.rss_bytes - before.rss_bytes) / ready / 1024:.0f} KiB each")
    if ready != IDLE:
        fates.faults.append(f"{IDLE - ready} of {IDLE} sessions were not begun.")
    return fates
