"""The server under test: its address, the speech it is sent, and every connection of the current check."""

import math
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import trio

from auricle.core import PROTOCOL, Start
from auricle.core.errors import NORMAL_CLOSURE
from auricle.transports.address import Address
from auricle.transports.testing.conformance.failures import NotApplicable
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.trio.websocket import open_websocket
from auricle.transports.wire import WireLost

RATE: Final = 16_000
"""Sample rate of everything that is sent, in Hz; one channel of 16-bit samples."""
SAMPLE_BYTES: Final = 2
MOST_BYTES: Final = 4 * 1024 * 1024
CLOSE_TIMEOUT_S: Final = 0.5
"""Seconds to wait for the server's Close frame when a connection is closed."""


@dataclass(kw_only=True)
class ServerUnderTest:
    """One server, for one check. ``speech`` is 16 kHz mono 16-bit PCM with words in it, about two to ten seconds."""

    address: Address
    speech: bytes
    headers: Sequence[tuple[str, str]] = ()
    clients: list[ProbeClient] = field(default_factory=list)
    """Every connection of the check."""

    @property
    def samples(self) -> int:
        """Number of samples of ``speech``."""
        return len(self.speech) // SAMPLE_BYTES

    @asynccontextmanager
    async def connect(
        self, config: Start | None = None, *, subprotocol: str | None = PROTOCOL
    ) -> AsyncIterator[ProbeClient]:
        """Connect, and send nothing yet. Raises `WireLost` (``refused``)."""
        offered = [subprotocol] if subprotocol else []
        async with open_websocket(self.address, self.headers, None, MOST_BYTES, offered) as wire:
            client = ProbeClient(wire, config or Start(), number=len(self.clients) + 1)
            self.clients.append(client)
            yield client
            if not client.dropped:
                with trio.move_on_after(CLOSE_TIMEOUT_S, shield=True):
                    await wire.close(NORMAL_CLOSURE, "")

    @asynccontextmanager
    async def connect_bare(self) -> AsyncIterator[ProbeClient]:
        """Connect and offer no subprotocol. Raises `NotApplicable` where the server takes nobody without one."""
        async with AsyncExitStack() as stack:
            try:
                client = await stack.enter_async_context(self.connect(subprotocol=None))
            except WireLost as lost:
                raise NotApplicable(f"the server takes nobody without a subprotocol: {lost.reason}") from None
            yield client

    @asynccontextmanager
    async def connect_ready(self, config: Start | None = None) -> AsyncIterator[ProbeClient]:
        """Connect, send ``start``, and wait for ``ready``."""
        async with self.connect(config) as client:
            await client.open()
            await client.receive_until("ready")
            yield client


@cache
def synthetic_speech(seconds: float = 3.0) -> bytes:
    """Return synthetic speech as 16 kHz mono ``pcm_s16le``: voiced syllables, then one second of silence."""
    samples = array("h", bytes(SAMPLE_BYTES * round(RATE * (seconds + 1.0))))
    for n in range(round(RATE * seconds)):
        t = n / RATE
        syllable = max(0.0, math.sin(2 * math.pi * 3.1 * t)) ** 0.5
        pitch = 2 * math.pi * (118 * t + 0.9 * math.sin(2 * math.pi * 2.3 * t))
        voice = sum(math.sin(k * pitch) * _formants(118 * k) for k in range(1, 26))
        samples[n] = round(2_500 * syllable * voice)
    return samples.tobytes()


def _formants(frequency: float) -> float:
    formants = ((600, 150), (1_200, 200), (2_500, 300))
    return sum(math.exp(-(((frequency - centre) / width) ** 2)) for centre, width in formants)
