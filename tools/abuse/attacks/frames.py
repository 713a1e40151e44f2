"""Frames of WebSockets: giant, tiny, empty, compressed, malformed, and very many."""

from functools import partial
from typing import Final

import trio

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.memory import memory_watched
from abuse.target import Target
from abuse.wire import BINARY, CONTINUATION, PING, START, TEXT, attacking, frame, in_session, send_on, text, upgrade

PATIENCE_S: Final = 100.0
"""Longer than the server waits for anybody."""
RSV1: Final = 0xC0
"""The first bits of a frame that is final and compressed."""
FLOOD_S: Final = 30
NO_CAPACITY: Final = "Close 1013"
"""No session was begun: the server would not be able to serve it in time."""
MALFORMED: Final[dict[str, bytes]] = {
    "bad UTF-8": frame(TEXT, b'{"type":"\xff\xfe"}'),
    "JSON nested 30,000 deep": frame(TEXT, b"[" * 30_000),
    "objects nested 10,000 deep": frame(TEXT, b'{"a":' * 10_000),
    "a number of 60,000 digits": frame(TEXT, b'{"type":"ping","id":' + b"9" * 60_000 + b"}"),
    "infinity": frame(TEXT, b'{"type":"ping","id":Infinity}'),
    "a lone surrogate": frame(TEXT, b'{"type":"\\ud800"}'),
    "no object": frame(TEXT, b"17"),
    "not JSON": frame(TEXT, b"\x00" * 100),
}


async def giant_claim(target: Target) -> Fates:
    """A frame that claims 2^62 bytes, and a little of it: taken for a client that says nothing more."""
    return await _each_in_session(target, [frame(BINARY, bytes(1000), length=1 << 62)] * 10, "end of file")


async def giant_message(target: Target) -> Fates:
    """Messages of 8 MiB, in one frame and in many."""
    pieces = frame(BINARY, bytes(64_000), first=0) + frame(CONTINUATION, bytes(64_000), first=0) * 130
    return await _each_in_session(target, [frame(BINARY, bytes(8 << 20)), pieces] * 5, "Close 1009")


async def tiny_frames(target: Target) -> Fates:
    """Audio in frames of one byte, as fast as they are taken."""
    return await _flood_in_session(target, frame(BINARY, b"x") * 2_000)


async def empty_fragments(target: Target) -> Fates:
    """A message in empty fragments that does not end."""
    return await _flood_in_session(target, frame(CONTINUATION, first=0) * 2_000, before=frame(BINARY, b"xx", first=0))


async def many_messages(target: Target) -> Fates:
    """Ten thousand well-formed messages a second from one client."""
    fates = Fates()
    second = text({"type": "ping"}) * 10_000
    async with in_session(target.port) as attacker, trio.open_nursery() as nursery:

        async def flood() -> None:
            for _ in range(FLOOD_S):
                if not await attacker.send(second):
                    return
                await trio.sleep(1.0)

        nursery.start_soon(flood)
        fates.add(*await attacker.until_gone(PATIENCE_S))
        nursery.cancel_scope.cancel()
    fates.expect("Close 1008")
    return fates


async def padded_messages(target: Target) -> Fates:
    """Messages without audio, padded so that they could hold some, where audio comes in text."""
    fates = Fates()
    padding = {"padding": "x" * 64}
    kinds = ("input_audio_buffer.clear", "input_audio_buffer.commit", "session.update", "conversation.item.delete")
    flood = b"".join(text({"type": kind, **padding}) for kind in kinds) * 500

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker, trio.open_nursery() as nursery:
            await attacker.send(upgrade("/v1/realtime?intent=transcription"))
            nursery.start_soon(partial(send_on, attacker, flood, FLOOD_S))
            fates.add(*await attacker.until_gone(FLOOD_S))
            nursery.cancel_scope.cancel()

    async with memory_watched(target, fates):
        await crowd(5, one)
    fates.expect("Close 1008", "end of file", "reset", "still connected", NO_CAPACITY)
    return fates


async def pings(target: Target) -> Fates:
    """Pings of the WebSocket protocol without end, each of which is to be answered."""
    return await _flood_in_session(target, frame(PING, b"x" * 125) * 1_000)


async def compressed(target: Target) -> Fates:
    """Deflate is offered, not accepted, and used all the same: a bomb of 512 MiB in half a megabyte."""
    fates = Fates()
    async with attacking(target.port) as attacker:
        await attacker.send(upgrade(Sec_WebSocket_Extensions="permessage-deflate") + START)
        await attacker.receive_until(b'"ready"')
        if b"permessage-deflate" in attacker.received:
            fates.faults.append("Deflate was accepted.")
        attacker.began = trio.current_time()
        await attacker.send(frame(TEXT, bytes(512 << 10), first=RSV1))
        fates.add(*await attacker.until_gone(PATIENCE_S))
    fates.expect("Close 1002")
    return fates


async def malformed(target: Target) -> Fates:
    """Text that is no message: bad UTF-8, nesting without end, numbers without end."""
    return await _each_in_session(target, list(MALFORMED.values()), "Close 1007", "Close 1002")


async def _each_in_session(target: Target, frames: list[bytes], *allowed: str) -> Fates:
    """Send each of these on a session of its own."""
    fates = Fates()

    async def one(number: int) -> None:
        async with in_session(target.port) as attacker, trio.open_nursery() as nursery:
            nursery.start_soon(attacker.send, frames[number])
            fates.add(*await attacker.until_gone(PATIENCE_S))
            nursery.cancel_scope.cancel()

    await crowd(len(frames), one)
    fates.expect(*allowed, NO_CAPACITY)
    return fates


async def _flood_in_session(target: Target, data: bytes, *, before: bytes = b"", attackers: int = 5) -> Fates:
    fates = Fates()

    async def one(_number: int) -> None:
        async with in_session(target.port) as attacker, trio.open_nursery() as nursery:
            await attacker.send(before)
            nursery.start_soon(partial(send_on, attacker, data, PATIENCE_S))
            fates.add(*await attacker.until_gone(PATIENCE_S))
            nursery.cancel_scope.cancel()

    await crowd(attackers, one)
    # A server that is too slow to take more than the budget allows ends them for saying nothing else.
    fates.expect("Close 1008", "end of file", "reset", NO_CAPACITY)
    return fates
