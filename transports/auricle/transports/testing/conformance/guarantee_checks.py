"""Checks of the guarantees, each in a session of its own: two utterances, a flush between them, and a long stream.

The client core judges every message of these sessions. What is checked beside it is what a server could get wrong in a
way that agrees with itself.
"""

from itertools import pairwise
from typing import Final

import trio

from auricle.core import Features, Start
from auricle.transports.testing.conformance.failures import NotApplicable, require
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.testing.conformance.server_under_test import RATE, ServerUnderTest
from auricle.transports.testing.conformance.stream_checks import accounts_add_up

ORIGIN: Final = 5 * RATE + 7
SEGMENT_ORIGIN: Final = 3
LONG_S: Final = 40.0
"""Audio of the long stream, in seconds: more than one window of credit as the document has it."""
PATIENCE_S: Final = 15.0
"""Seconds after which the long stream is long enough: a server that hears no faster is not to blame for it."""


async def _two_utterances(server: ServerUnderTest, config: Start | None = None) -> ProbeClient:
    async with server.connect_ready(config) as client:
        await client.audio(server.speech)
        await client.flush("f1")
        await client.receive_until("flushed")
        await client.audio(server.speech)
        await client.end()
        await client.receive_until_closed()
        return client


async def says_what_the_schema_allows(server: ServerUnderTest) -> None:
    await _two_utterances(server)


async def numbers_without_a_gap(server: ServerUnderTest) -> None:
    client = await _two_utterances(server)
    numbers = [message["seq"] for message in client.received if "seq" in message]
    require(numbers == list(range(1, len(numbers) + 1)), f"O1: seq is 1, 2, 3 …, not {numbers}")


async def closes_once_and_last(server: ServerUnderTest) -> None:
    client = await _two_utterances(server)
    require(len(client.messages("closed")) == 1, "O2: closed comes once")


async def says_every_final_it_counts(server: ServerUnderTest) -> None:
    client = await _two_utterances(server)
    accounts_add_up(client.received[-1], received=2 * server.samples)
    stats = client.received[-1]["stats"]
    counted = stats.get("segments", 0)
    require(counted == len(client.finals), f"O3: {len(client.finals)} finals came, and stats.segments is {counted}")
    covered = (
        sum(end - begin for _, (begin, end) in client.finals) + stats.get("non_speech", 0) + stats.get("dropped", 0)
    )
    require(
        covered == stats.get("committed"),
        f"O3: finals, non_speech and dropped add up to {covered}, and stats.committed is {stats.get('committed')}",
    )


async def says_partials_of_the_open_segment(server: ServerUnderTest) -> None:
    client = await _two_utterances(server)
    if not client.messages("partial"):
        raise NotApplicable("the server says no partials of this speech")


async def counts_from_the_origins(server: ServerUnderTest) -> None:
    config = Start(timeline_origin=ORIGIN, segment_origin=SEGMENT_ORIGIN)
    client = await _two_utterances(server, config)
    accounts_add_up(client.received[-1], received=ORIGIN + 2 * server.samples)
    counted = client.received[-1]["stats"].get("segments", 0)
    due = SEGMENT_ORIGIN + len(client.finals)
    require(counted == due, f"stats.segments counts from start.segment_origin: {due}, not {counted}")


async def tells_turns(server: ServerUnderTest) -> None:
    async with server.connect_ready(Start(features=Features(turns=True, partials=False))) as client:
        ready = client.messages("ready")[0].get("server") or {}
        if ready.get("turn_detector") is None:
            raise NotApplicable("ready.server names no turn_detector: the server tells no turns")
        await client.audio(server.speech)
        await client.end_turn("f1")
        await client.receive_until("flushed")
        _every_final_has_its_turn(client)
        await client.audio(server.speech)
        await client.end()
        await client.receive_until_closed()
        _every_final_has_its_turn(client)


def _every_final_has_its_turn(client: ProbeClient) -> None:
    finals = [message["segment"] for message in client.messages("final")]
    ends = [message["segments"] for message in client.messages("turn_end")]
    covered = [segment for first, last in ends for segment in range(first, last + 1)]
    require(covered == finals, f"O11: the turns that have ended consist of the segments {covered}, not of {finals}")


async def never_takes_credit_back(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        with trio.move_on_after(PATIENCE_S):
            for _ in range(round(LONG_S * RATE / server.samples) + 1):
                await client.audio(server.speech)
            # Whoever leaves before all is heard is not told what is granted meanwhile.
            await client.flush("f1")
            await client.receive_until("flushed")
        await client.do(client.session.cancel(now=trio.current_time()))
        await client.receive_until_closed()
        granted = [message["credit"] for message in client.messages("ready", "ack")]
        for before, after in pairwise(granted):
            require(after >= before, f"O12: credit goes back, from {before} to {after}")
