"""Ours, with its own asyncio client and everything as it is by default."""

import asyncio

from peers.sessions import Session

from auricle.core import Final, Partial, SessionClosed, Start
from auricle.transports.asyncio import Client, SessionOver, connect


async def converse(port: int, session: Session) -> None:
    """Hold a session. Raises what the client raises, and `RuntimeError` where the session does not end complete."""
    url = f"ws://127.0.0.1:{port}/ws/transcribe"
    async with connect(url, Start(language="en")) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(_listen(client, session))
        tasks.create_task(_speak(client, session))


async def _speak(client: Client, session: Session) -> None:
    try:
        async for frame in session.frames():
            await client.send_audio(frame)
        session.end_input()
        await client.end_input()
    except SessionOver:
        pass  # the listener is told why


async def _listen(client: Client, session: Session) -> None:
    finals = list[str]()
    async for event in client:
        match event:
            case Final():
                finals.append(event.text)
                session.show(final=" ".join(finals))
            case Partial():
                session.show(final=" ".join(finals), open_=event.text)
            case SessionClosed() if event.complete:
                session.done()
            case SessionClosed():
                raise RuntimeError(event.message or event.reason)
            case _:
                pass
