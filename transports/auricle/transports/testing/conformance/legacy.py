"""Checks of the legacy dialect, one for each row that can be seen from outside. Source: notes §3.11."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from auricle.transports.testing.conformance.failures import Failed, Gone, require
from auricle.transports.testing.conformance.server_under_test import ServerUnderTest
from auricle.transports.testing.conformance.talk import Talk

CONFIG: Final = {"language": "en", "sample_rate": 16_000, "task": "transcribe"}
END: Final = {"type": "end_of_stream"}
FINAL_KEYS: Final = {"type", "text", "start", "end", "confidence"}


@asynccontextmanager
async def spoken(server: ServerUnderTest) -> AsyncIterator[Talk]:
    """Connect as an old client does, say the configuration, hear ``ready``."""
    async with server.talk(subprotocol=None) as talk:
        await talk.say({**CONFIG})
        await talk.until("ready")
        yield talk


async def closes_well(talk: Talk) -> None:
    """Hear the finals and the close."""
    while True:
        try:
            await talk.hear()
        except Gone:
            break
    require(talk.close_code == 1000, f"the end of an old session is a Close frame with 1000, not {talk.close_code}")


async def refuses_a_bad_configuration(server: ServerUnderTest) -> None:
    async with server.talk(subprotocol=None) as talk:
        await talk.say({"sample_rate": 1})
        message = await talk.until("error")
        require(set(message) == {"type", "message"}, f"an error has exactly two keys, not {sorted(message)}")
        code, colon, _ = str(message["message"]).partition(": ")
        require(colon and code.isidentifier(), f"the message begins with a code and a colon: {message['message']}")
        try:
            await talk.hear()
        except Gone:
            return
        raise Failed("an error is the last message to an old client")


async def says_ready(server: ServerUnderTest) -> None:
    async with spoken(server) as talk:
        require(set(talk.heard[0]) == {"type", "message"}, f"ready has exactly two keys, not {sorted(talk.heard[0])}")


async def says_finals_and_closes(server: ServerUnderTest) -> None:
    async with spoken(server) as talk:
        await talk.send_bytes(server.speech)
        await talk.say(END)
        await closes_well(talk)
        for message in talk.heard[1:]:
            require(message["type"] == "final", f"nothing but finals is said, not {message['type']}")
            require(set(message) == FINAL_KEYS, f"a final has exactly five keys, not {sorted(message)}")
            require(0 <= message["confidence"] <= 1, "confidence is a probability")


async def ends_once(server: ServerUnderTest) -> None:
    async with spoken(server) as talk:
        await talk.say(END)
        await talk.say(END)
        await talk.send_bytes(bytes(640))
        await closes_well(talk)


async def survives_garbage(server: ServerUnderTest) -> None:
    said = []
    for garbage in ((), ("{nobody", '{"type": "sing"}', '{"mood": "sunny"}')):
        async with spoken(server) as talk:
            for line in garbage:
                await talk.say(line)
            await talk.send_bytes(server.speech)
            await talk.say(END)
            await closes_well(talk)
            said.append(talk.heard[1:])
    require(said[0] == said[1], f"garbage is ignored, and the finals after it are the same: {said[1]}, not {said[0]}")
