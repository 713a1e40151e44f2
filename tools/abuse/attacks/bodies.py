"""Bodies of requests: compressed, without end, stalled, and forms that are bombs."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import trio

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.memory import memory_watched
from abuse.target import MOST_UPLOADED, Target
from abuse.wire import Attacker, attacking, request, send_on

PATIENCE_S: Final = 100.0
FORM: Final = {"Content-Type": "multipart/form-data; boundary=x"}
CHUNKED: Final = {"Transfer-Encoding": "chunked"}
GZIPPED: Final = {"Content-Encoding": "gzip", "Content-Type": "audio/wav"}
MIB: Final = 1 << 20
PART: Final = b'--x\r\nContent-Disposition: form-data; name="a"\r\n'
FILE_PART: Final = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _endless(before: bytes, again: bytes, most: int = 1 << 30) -> AsyncIterator[bytes]:
    yield _chunk(before)
    piece = _chunk(again)
    for _ in range(most // len(again)):
        yield piece


async def gzip_bomb(target: Target) -> Fates:
    """A body in gzip that says it is a recording: it is not inflated."""
    # A gzip of zeros is what every bomb is made of; nobody has to make the whole of it to see whether it is opened.
    bomb = bytes.fromhex("1f8b0800000000000203") + b"\xec\xc1\x01\x01" + bytes(MIB)
    head = request("POST /v1/transcribe", {**GZIPPED, "Content-Length": str(len(bomb))})
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send(head + bomb)
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(5, one)
    fates.expect("400", "415")
    return fates


async def endless_body(target: Target) -> Fates:
    """A form in chunks whose file does not end, up to the most that is taken."""
    return await _bodies(target, FORM, partial(_endless, FILE_PART, bytes(MIB), 2 * MOST_UPLOADED), 1, "413")


async def many_parts(target: Target) -> Fates:
    """A form of a hundred thousand parts."""
    return await _bodies(target, FORM, partial(_endless, b"", (PART + b"\r\n\r\n") * 1_000, 5 * MIB), 5, "400")


async def endless_headers(target: Target) -> Fates:
    """A part of a form whose header does not end."""
    return await _bodies(target, FORM, partial(_endless, PART + b"X: ", b"y" * MIB), 5, "400")


async def tiny_chunks(target: Target) -> Fates:
    """A form in chunks of a byte, as fast as they are taken."""
    fates = Fates()
    piece = b"1\r\ny\r\n" * 10_000

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker, trio.open_nursery() as nursery:
            await attacker.send(request("POST /v1/audio/transcriptions", {**FORM, **CHUNKED}) + _chunk(FILE_PART))
            nursery.start_soon(send_on, attacker, piece, PATIENCE_S)
            fates.add(*await attacker.until_gone(PATIENCE_S))
            nursery.cancel_scope.cancel()

    await crowd(5, one)
    fates.expect("400")
    return fates


async def large_fields(target: Target) -> Fates:
    """A form of a thousand fields, each just below what one may have."""
    field = PART + b"\r\n" + b"y" * (250 << 10) + b"\r\n"
    return await _bodies(target, FORM, partial(_endless, b"", field, 990 * len(field)), 2, "400")


async def stalled(target: Target) -> Fates:
    """Uploads that stop in the middle."""
    fates = Fates()

    async def one(number: int) -> None:
        kind = FORM if number % 2 else {"Content-Type": "audio/wav"}
        async with attacking(target.port) as attacker:
            await attacker.send(request("POST /v1/transcribe", {**kind, "Content-Length": "1000000"}) + FILE_PART)
            fates.add(*await attacker.until_gone(PATIENCE_S))

    await crowd(10, one)
    fates.expect("408", "400")
    return fates


async def _bodies(
    target: Target, headers: dict[str, str], body: partial[AsyncIterator[bytes]], attackers: int, *allowed: str
) -> Fates:
    """Send a chunked body on each of so many connections, as far as it is taken."""
    fates = Fates()

    async def send(attacker: Attacker) -> None:
        async for piece in body():
            if not await attacker.send(piece):
                return
        await attacker.send(b"0\r\n\r\n")

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker, trio.open_nursery() as nursery:
            await attacker.send(request("POST /v1/audio/transcriptions", {**headers, **CHUNKED}))
            nursery.start_soon(send, attacker)
            fates.add(*await attacker.until_gone(PATIENCE_S))
            nursery.cancel_scope.cancel()

    async with memory_watched(target, fates):
        await crowd(attackers, one)
    fates.expect(*allowed)
    return fates
