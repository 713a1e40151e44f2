"""Recordings that are bombs: an index that promises more than there is, or never ends, and hours in a few kilobytes."""

import io
from typing import Final

import numpy as np
import soundfile
import trio

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.memory import memory_watched
from abuse.mp4_bombs import BOMBS, box
from abuse.target import MOST_UPLOADED, Target
from abuse.wire import BINARY, Attacker, attacking, frame, request, text, upgrade

PATIENCE_S: Final = 100.0
MIB: Final = 1 << 20
CHUNKED: Final = {"Transfer-Encoding": "chunked", "Content-Type": "audio/mp4"}
FORM: Final = "multipart/form-data; boundary=x"
OPENING: Final = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.m4a"\r\n\r\n'
CLOSING: Final = b"\r\n--x--\r\n"
FTYP: Final = box(b"ftyp", b"isom", bytes(4), b"isom")
SILENCE_S: Final = 3_600
HELD_S: Final = 20.0


async def promises(target: Target) -> Fates:
    """MP4 of four kilobytes whose index promises millions of samples, as bodies, as forms, and as they are spoken."""
    fates = Fates()
    bombs = list(BOMBS.values())
    bodies = [request("POST /v1/transcribe", {"Content-Length": str(len(bomb))}) + bomb for bomb in bombs]
    for bomb in bombs:
        form = OPENING + bomb + CLOSING
        head = request("POST /v1/audio/transcriptions", {"Content-Type": FORM, "Content-Length": str(len(form))})
        bodies.append(head + form)
    spoken = [upgrade("/v1/listen") + frame(BINARY, bomb) + text({"type": "CloseStream"}) for bomb in bombs]

    async def one(number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send([*bodies, *spoken][number])
            fates.add(*await attacker.until_gone(PATIENCE_S))

    async with memory_watched(target, fates):
        await crowd(len(bodies) + len(spoken), one)
    fates.expect("400", "Close 1000", "Close 1008")
    return fates


async def endless_index(target: Target) -> Fates:
    """MP4 whose index does not end, up to half a GiB of it."""
    atoms = box(b"free", bytes(65_528)) * 16
    return await _endless(target, FTYP + (1 << 31).to_bytes(4) + b"moov", atoms, "400")


async def endless_sound(target: Target) -> Fates:
    """MP4 whose sound comes before its index, and does not end: it is stored, up to what may be."""
    return await _endless(target, FTYP + (1 << 31).to_bytes(4) + b"mdat", bytes(MIB), "400")


async def hours_of_silence(target: Target) -> Fates:
    """An hour of silence in a fifth of a megabyte of FLAC, from ten at once."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(16_000 * SILENCE_S, np.int16), 16_000, format="FLAC")
    body = file.getvalue()
    head = request("POST /v1/transcribe?format=json", {"Content-Length": str(len(body)), "Connection": "close"})
    fates = Fates()

    async def one(_number: int) -> None:
        async with attacking(target.port) as attacker:
            await attacker.send(head + body)
            fates.add(*await attacker.until_gone(HELD_S))

    async with memory_watched(target, fates):
        await crowd(10, one)
    fates.expect("200", "still connected", "503")
    return fates


async def _endless(target: Target, before: bytes, again: bytes, *allowed: str) -> Fates:
    fates = Fates()
    pieces = 8 * MOST_UPLOADED // len(again)

    async def send(attacker: Attacker) -> None:
        await attacker.send(_chunk(before))
        for _ in range(pieces):
            if not await attacker.send(_chunk(again)):
                return
        await attacker.send(b"0\r\n\r\n")

    async with memory_watched(target, fates), attacking(target.port) as attacker, trio.open_nursery() as nursery:
        await attacker.send(request("POST /v1/transcribe", CHUNKED))
        nursery.start_soon(send, attacker)
        fates.add(*await attacker.until_gone(PATIENCE_S))
        nursery.cancel_scope.cancel()
    fates.expect(*allowed)
    return fates


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
