"""Checks of the legacy dialect, one for each row that is observable from outside. Source: notes §3.11."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from auricle.transports.testing.conformance.failures import Failed, Gone, NotApplicable, require
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.testing.conformance.server_under_test import ServerUnderTest

CONFIG: Final = {"language": "en", "sample_rate": 16_000, "task": "transcribe"}
END: Final = {"type": "end_of_stream"}
FINAL_KEYS: Final = {"type", "text", "start", "end", "confidence"}


@asynccontextmanager
async def connect_legacy(server: ServerUnderTest) -> AsyncIterator[ProbeClient]:
    """Connect as a legacy client, send the configuration, and wait for ``ready``.

    Raises `NotApplicable` where the server does not speak the dialect: it refuses the first message as any other.
    """
    async with server.connect_bare() as client:
        await client.send_raw({**CONFIG})
        message = await client.receive_until("ready", "error")
        if message.get("code") == "config_required":
            raise NotApplicable("the server does not speak the legacy dialect (config_required)")
        require(message["type"] == "ready", f"a good configuration is answered with ready, not {message}")
        yield client


async def closes_well(client: ProbeClient) -> None:
    """Receive to the end, and require the close code 1000."""
    while True:
        try:
            await client.receive()
        except Gone:
            break
    require(client.close_code == 1000, f"the end of an old session is a Close frame with 1000, not {client.close_code}")


async def refuses_a_bad_configuration(server: ServerUnderTest) -> None:
    async with connect_legacy(server):
        pass  # it speaks the dialect
    async with server.connect_bare() as client:
        await client.send_raw({"sample_rate": 1})
        message = await client.receive_until("error")
        require(set(message) == {"type", "message"}, f"an error has exactly two keys, not {sorted(message)}")
        code, colon, _ = str(message["message"]).partition(": ")
        require(colon and code.isidentifier(), f"the message begins with a code and a colon: {message['message']}")
        try:
            await client.receive()
        except Gone:
            return
        raise Failed("an error is the last message to an old client")


async def says_ready(server: ServerUnderTest) -> None:
    async with connect_legacy(server) as client:
        require(
            set(client.received[0]) == {"type", "message"},
            f"ready has exactly two keys, not {sorted(client.received[0])}",
        )


async def says_finals_and_closes(server: ServerUnderTest) -> None:
    async with connect_legacy(server) as client:
        await client.send_bytes(server.speech)
        await client.send_raw(END)
        await closes_well(client)
        for message in client.received[1:]:
            require(message["type"] == "final", f"nothing but finals is said, not {message['type']}")
            require(set(message) == FINAL_KEYS, f"a final has exactly five keys, not {sorted(message)}")
            require(0 <= message["confidence"] <= 1, "confidence is a probability")


async def ends_once(server: ServerUnderTest) -> None:
    async with connect_legacy(server) as client:
        await client.send_raw(END)
        await client.send_raw(END)
        await client.send_bytes(bytes(640))
        await closes_well(client)


async def survives_garbage(server: ServerUnderTest) -> None:
    transcripts = []
    for garbage in ((), ("{nobody", '{"type": "sing"}', '{"mood": "sunny"}')):
        async with connect_legacy(server) as client:
            for line in garbage:
                await client.send_raw(line)
            await client.send_bytes(server.speech)
            await client.send_raw(END)
            await closes_well(client)
            transcripts.append(client.received[1:])
    require(
        transcripts[0] == transcripts[1],
        f"garbage is ignored, and the finals after it are the same: {transcripts[1]}, not {transcripts[0]}",
    )
