"""Checks of resumption: sessions that outlive their connection. Source: notes §3.7."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import trio

from auricle.transports.testing.conformance.failures import Failed, Gone, NotApplicable, require
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.testing.conformance.server_under_test import SAMPLE_BYTES, ServerUnderTest
from auricle.transports.testing.conformance.stream_checks import accounts_add_up, run_session

CUTS: Final = 4


def resume_message(client: ProbeClient) -> dict[str, Any]:
    """Return the ``resume`` message for the session. Raises `NotApplicable` where the server does not offer it."""
    ready = client.messages("ready")[0]
    if not ready.get("resume"):
        raise NotApplicable("the server does not offer to resume (ready.resume)")
    return {
        "type": "resume",
        "session": ready["session"],
        "token": ready["resume"]["token"],
        "seen": client.session.snapshot.seq,
        "sent": client.session.snapshot.sent,
    }


@asynccontextmanager
async def reconnected(server: ServerUnderTest, lost: ProbeClient) -> AsyncIterator[ProbeClient]:
    """Resume with the client core of a connection that was dropped; the core goes on checking the server."""
    async with server.connect() as client:
        session = lost.session
        now = trio.current_time()
        session.transport_lost("reset", 1006, now=now)
        client.session = session
        await client.do(session.transport_opened(client.subprotocol, now=now))
        resumed = await client.receive_until("resumed", "error")
        if resumed["type"] == "error":
            raise Failed(f"a good resume was refused: {resumed.get('code')}")
        yield client


async def takes_a_session_up(server: ServerUnderTest) -> None:
    uncut = await run_session(server, [server.speech, server.speech])
    async with server.connect_ready() as first:
        resume_message(first)
        await first.audio(server.speech)
        await first.drop_connection()
        async with reconnected(server, first) as second:
            await second.audio(server.speech)
            await second.end()
            accounts_add_up(await second.receive_until_closed(), received=2 * server.samples)
            finals = first.finals + second.finals
            require(finals == uncut.finals, f"cut and resumed it comes to {finals}, uncut to {uncut.finals}")


async def survives_every_cut(server: ServerUnderTest) -> None:
    """One session whose connection breaks before audio, during speech, with markers in flight, and after the end."""
    quarter = server.samples // CUTS * SAMPLE_BYTES
    pieces = [server.speech[at : at + quarter] for at in range(0, len(server.speech), quarter)]
    uncut = await run_session(server, pieces)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(server.connect_ready())
        resume_message(client)
        clients = [client]
        for number, piece in enumerate(pieces):
            await client.drop_connection()
            client = await stack.enter_async_context(reconnected(server, client))
            clients.append(client)
            await client.audio(piece)
            await client.do(client.session.mark(f"m{number}", now=trio.current_time()))
        await client.end()
        await client.drop_connection()
        client = await stack.enter_async_context(reconnected(server, client))
        clients.append(client)
        accounts_add_up(await client.receive_until_closed(), received=server.samples)
    finals = [final for client in clients for final in client.finals]
    require(finals == uncut.finals, f"cut {len(pieces) + 1} times it comes to {finals}, uncut to {uncut.finals}")
    answered = [answer["id"] for client in clients for answer in client.messages("flushed")]
    asked = [f"m{number}" for number in range(len(pieces))]
    require(answered == asked, f"what was asked before a cut is answered once: {answered}")


async def tells_the_end_again(server: ServerUnderTest) -> None:
    async with server.connect_ready() as first:
        resume_message(first)
        await first.audio(server.speech)
        await first.end()
        await first.drop_connection()
        async with reconnected(server, first) as second:
            accounts_add_up(await second.receive_until_closed(), received=server.samples)


async def gives_a_token_once(server: ServerUnderTest) -> None:
    async with server.connect_ready() as first:
        old = resume_message(first)
        await first.audio(server.speech)
        await first.drop_connection()
        async with reconnected(server, first) as second:
            await second.audio(server.speech)
            await second.flush("f1")
            await second.receive_until("flushed")
            await _is_refused(server, old | {"sent": 10**6})
            await second.end()
            accounts_add_up(await second.receive_until_closed(), received=2 * server.samples)


async def minds_the_token(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        wrong = resume_message(client) | {"token": "guessed"}
        await client.audio(server.speech)
        await _is_refused(server, wrong | {"sent": 10**6})
        await client.end()
        accounts_add_up(await client.receive_until_closed(), received=server.samples)


async def supersedes(server: ServerUnderTest) -> None:
    async with server.connect_ready() as first:
        resume_message(first)
        await first.audio(server.speech[: 3_200 * SAMPLE_BYTES])
        await first.flush("f1")
        await first.receive_until("flushed")
        async with reconnected(server, first) as second:
            first.judged = False
            while True:
                try:
                    await first.receive()
                except Gone:
                    break
            require(first.close_code == 4409, f"the older connection is closed with 4409, not {first.close_code}")
            await second.end()
            await second.receive_until_closed()


async def _is_refused(server: ServerUnderTest, resume: dict[str, Any]) -> None:
    async with server.connect() as intruder:
        await intruder.send_raw(json.dumps(resume))
        answer = await intruder.receive_until("resumed", "error")
        require(answer["type"] == "error", "a token that is not good any more, or never was, took the session")
        closed = await intruder.receive_until_closed()
        codes = [error.get("code") for error in intruder.messages("error")]
        require(codes in (["bad_token"], ["session_gone"]), f"a bad token is bad_token or session_gone, not {codes}")
        require(closed.get("code") == 4410, f"and closed with 4410, not {closed.get('code')}")
