"""The port of Home Assistant's protocol: lines without end, and payloads that are claimed."""

from typing import Final

from abuse.attacks.crowd import crowd
from abuse.fates import Fates
from abuse.target import Target
from abuse.wire import attacking

PATIENCE_S: Final = 100.0
SAID: Final[tuple[bytes, ...]] = (
    b"{" * (8 << 20),
    b'{"type":"audio-chunk","data_length":4611686018427387904,"payload_length":4611686018427387904}\n',
    b'{"type":"audio-chunk","payload_length":-1}\n',
    b"[" * 30_000 + b"\n",
    b"\x00\xff\n" * 100,
    b'{"type":"transcribe","data":' + b"9" * 60_000 + b"}\n",
)


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
