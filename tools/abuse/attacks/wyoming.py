"""The port of Home Assistant's protocol: lines without end, payloads that are claimed, floods, and silence."""

from functools import partial
from typing import Final

import trio

from abuse.attacks.crowd import crowd
from abuse.fates import HELD, Fates
from abuse.target import Target
from abuse.wire import attacking, request, send_on

PATIENCE_S: Final = 100.0
SAID: Final[tuple[bytes, ...]] = (
    b"{" * (8 << 20),
    b'{"type":"audio-chunk","data_length":4611686018427387904,"payload_length":4611686018427387904}\n',
    b'{"type":"audio-chunk","payload_length":-1}\n',
    b"[" * 30_000 + b"\n",
    b"\x00\xff\n" * 100,
    b'{"type":"transcribe","data":' + b"9" * 60_000 + b"}\n",
)
CROWD: Final = 1_500
FLOOD_S: Final = 10.0


async def lines(target: Target) -> Fates:
    """Lines of 8 MiB, payloads of 2^62 bytes, nesting and numbers without end."""
    fates = Fates()

    async def one(number: int) -> None:
        async with attacking(target.wyoming_port) as attacker:
            await attacker.send(SAID[number])
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(len(SAID), one)
    fates.expect("end of file", "reset")
    return fates


async def events(target: Target) -> Fates:
    """Events that say nothing, as fast as they are taken."""
    return await _flood(target, b'{"type":"x"}\n' * 5_000)


async def questions(target: Target) -> Fates:
    """Questions about the server, as fast as they are taken, whose answers are not read."""
    return await _flood(target, b'{"type":"describe"}\n' * 3_000)


async def silent_crowd(target: Target) -> Fates:
    """Fifteen hundred connections on which nothing is said, while a probe asks for the health."""
    fates = Fates()

    async def one(_number: int) -> None:
        try:
            async with attacking(target.wyoming_port) as attacker:
                fates.add(*await attacker.until_gone(FLOOD_S))
        except OSError:
            fates.add("not taken")

    async def probe() -> None:
        await trio.sleep(FLOOD_S / 2)
        async with attacking(target.port) as prober:
            await prober.send(request("GET /healthz", {"Connection": "close"}))
            answer, _ = await prober.until_gone(FLOOD_S)
            if answer != "200":
                fates.faults.append(f"A probe of the health was answered {answer}.")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe)
        nursery.start_soon(crowd, CROWD, one)
    fates.expect(HELD, "end of file", "reset")
    return fates


async def _flood(target: Target, data: bytes) -> Fates:
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.wyoming_port) as attacker, trio.open_nursery() as nursery:
            nursery.start_soon(partial(send_on, attacker, data, FLOOD_S))
            fates.add(*await attacker.until_gone(FLOOD_S))
            nursery.cancel_scope.cancel()

    await crowd(5, one)
    fates.expect("end of file", "reset", HELD)
    return fates
