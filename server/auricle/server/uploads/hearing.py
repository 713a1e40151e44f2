"""One recording through one session: decoded in a thread, sent with credit, and heard to its end."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import trio

from auricle.core import ClientEvent, SessionClosed
from auricle.core.messages import Final as FinalMessage
from auricle.server.recordings.recording import RecordingError
from auricle.server.transcripts.transcript import Transcript
from auricle.transports.errors import SessionOver
from auricle.transports.trio.client import Client

CHUNK_MS: Final = 500
"""Milliseconds of audio that are decoded in one turn of the thread."""


class AudioChunks(AbstractContextManager["AudioChunks"], Protocol):
    """A recording that is open: a `Recording`, or audio without a container."""

    @property
    def cancellation(self) -> str | None:
        """The sentence that the channels cancel each other; None where they do not."""

    def chunks(self, *, chunk_ms: int) -> Iterator[bytes]:
        """Yield audio in the session's format. Raises `RecordingError` behind all that can be read."""


@dataclass(slots=True)
class Hearing:
    """What a recording came to."""

    finals: list[FinalMessage] = field(default_factory=list)
    problem: str | None = None
    """Why the recording could not be read to its end, in one sentence; what could be has been sent."""
    cancellation: str | None = None
    """The sentence that the channels cancel each other; None where they do not."""
    closed: SessionClosed | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever reads the transcript has to know, a sentence each."""
        return tuple(sentence for sentence in (self.cancellation, self.problem) if sentence is not None)

    def transcript(self, name: str, client: Client, sample_rate: int) -> Transcript:
        """Return the transcript, once the session has ended. ``sample_rate`` is that of the session, in Hz."""
        assert self.closed is not None, "the last event of a session is SessionClosed"
        return Transcript(
            file=name,
            finals=tuple(self.finals),
            duration_s=self.closed.accounting.received / sample_rate,
            complete=self.closed.complete,
            accounting=self.closed.accounting,
            engine=client.ready.server,
        )


async def hear(
    client: Client,
    recording: AudioChunks,
    limiter: trio.CapacityLimiter,
    on_event: Callable[[ClientEvent], Awaitable[None]],
) -> Hearing:
    """Send a recording and end the input; call ``on_event`` with every event until the session has closed."""
    hearing = Hearing()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send, client, recording, limiter, hearing)
        async for event in client:
            match event:
                case FinalMessage():
                    hearing.finals.append(event)
                case SessionClosed():
                    hearing.closed = event
                case _:
                    pass
            await on_event(event)
        nursery.cancel_scope.cancel()
    return hearing


async def _send(client: Client, recording: AudioChunks, limiter: trio.CapacityLimiter, hearing: Hearing) -> None:
    chunks = recording.chunks(chunk_ms=CHUNK_MS)
    decoded = partial(trio.to_thread.run_sync, next, chunks, None, limiter=limiter)
    try:
        while (chunk := await decoded()) is not None:
            await client.send_audio(chunk)
        hearing.cancellation = recording.cancellation
    except RecordingError as error:
        hearing.problem = str(error)
    except SessionOver:
        return  # the reason is in the terminal event
    await client.end_input()
