"""The answer to an upload: a session hears it, and its document is sent as it comes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import quote

import trio
from starlette.types import Receive, Send

from auricle.core import ClientEvent, SessionClosed, Start
from auricle.core.errors import ERROR_CODES
from auricle.server.dialects.document import Document, Failure
from auricle.server.http.asgi_bridge import ResponseAborted
from auricle.server.recordings.recording import RecordingError
from auricle.server.sessions.caller import Caller
from auricle.server.uploads.body_file import BodyFile
from auricle.server.uploads.hearing import AudioChunks, Hearing, hear
from auricle.transports.errors import ConnectFailed
from auricle.transports.trio.client import Client

OpenSession = Callable[[Start, Caller], AbstractAsyncContextManager[Client]]
"""Opens a session for a configuration and whoever asks for it. Raises `ConnectFailed` where it is refused."""
WARNING_HEADER: Final = "Auricle-Warning"
"""Says, percent-encoded, what of a request was not done, for documents that have no place for it."""
RETRIED: Final = HTTPStatus.SERVICE_UNAVAILABLE


class Render(NamedTuple):
    """How a failure is told where nothing has been sent: its body and ``Content-Type``."""

    body: Callable[[Failure], str]
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A recording that has come, or is still coming, and what is to be made of it."""

    name: str
    open: Callable[[], AudioChunks]
    """Opens the recording, in a thread. Raises `RecordingError`."""
    start: Start
    document: Document
    failed: Render
    warnings: tuple[str, ...] = ()
    body: BodyFile | None = None
    """What is still to be received; None: it has come."""


@dataclass(slots=True)
class Reply:
    """The response to one request: its head goes with its first bytes."""

    send: Send
    begun: bool = False
    _headers: dict[str, str] = field(default_factory=dict)

    def header(self, name: str, value: str) -> None:
        """Add a header, which is left out where the head has gone."""
        self._headers[name] = value

    async def write(self, text: str, *, media_type: str, status: int = HTTPStatus.OK, more: bool = True) -> None:
        """Send text, and the head before it where it has not gone; with ``more`` false end the response."""
        if not self.begun:
            self.begun = True
            headers = {"Content-Type": media_type, **self._headers}
            raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
            await self.send({"type": "http.response.start", "status": status, "headers": raw})
        await self.send({"type": "http.response.body", "body": text.encode("utf-8", "replace"), "more_body": more})


async def answer(upload: Upload, open_session: OpenSession, caller: Caller, receive: Receive, send: Send) -> None:
    """Hear an upload and answer its request; a client that leaves ends its session.

    Raises `ResponseAborted` where the answer had begun and cannot be finished.
    """
    finished = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_when_gone, upload.body, receive, nursery.cancel_scope)
        finished = await _answer(upload, open_session, caller, Reply(send))
        nursery.cancel_scope.cancel()
    if not finished:
        raise ResponseAborted


async def refuse(failure: Failure, failed: Render, send: Send) -> None:
    """Answer a request that is refused."""
    await _fail(Reply(send), failure, failed)


async def _cancel_when_gone(body: BodyFile | None, receive: Receive, scope: trio.CancelScope) -> None:
    if body is not None:
        await body.receive()
    while not (body is not None and body.was_cut) and (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _answer(upload: Upload, open_session: OpenSession, caller: Caller, reply: Reply) -> bool:
    """Return whether the response is a whole one."""
    limiter = trio.CapacityLimiter(1)  # of its own: a client that sends slowly keeps no thread from the others
    document = upload.document

    async def say(event: ClientEvent) -> None:
        text = document.heard(event)
        if text:
            await reply.write(text, media_type=document.media_type)

    try:
        recording = await trio.to_thread.run_sync(upload.open, limiter=limiter)
        with recording:
            async with open_session(upload.start, caller) as client:
                hearing = await hear(client, recording, limiter, say)
    except RecordingError as error:
        failure = Failure(status=HTTPStatus.BAD_REQUEST, code="invalid_audio", message=str(error), param="file")
        await _fail(reply, failure, upload.failed)
    except ConnectFailed as error:
        await _fail(reply, failure_of(error.closed), upload.failed)
    else:
        return await _finish(upload, hearing, client, reply)
    return True


async def _finish(upload: Upload, hearing: Hearing, client: Client, reply: Reply) -> bool:
    closed = hearing.closed
    assert closed is not None, "the last event of a session is SessionClosed"
    if closed.complete is not True:
        failure = failure_of(closed)
        if not reply.begun:
            await _fail(reply, failure, upload.failed)
            return True
        await reply.write(upload.document.cut(failure), media_type=upload.document.media_type)
        return False
    warnings = (*upload.warnings, *hearing.warnings)
    if warnings:
        reply.header(WARNING_HEADER, quote(" ".join(warnings), safe=" ,.:;()'"))
    text = upload.document.end(hearing.transcript(upload.name, client, upload.start.audio.sample_rate), warnings)
    await reply.write(text, media_type=upload.document.media_type, more=False)
    return True


async def _fail(reply: Reply, failure: Failure, failed: Render) -> None:
    if failure.retry_after_s is not None:
        reply.header("Retry-After", str(max(1, round(failure.retry_after_s))))
    await reply.write(failed.body(failure), media_type=failed.media_type, status=failure.status, more=False)


def failure_of(closed: SessionClosed) -> Failure:
    """Return why a session that is not complete has no transcript."""
    code = closed.error or {"shutdown": "shutdown", "idle": "idle"}.get(closed.reason, "internal")
    row = ERROR_CODES.get(code)
    status = RETRIED if row is None else row.status
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST  # what clients of other services know
    param = {"unsupported_language": "language", "unsupported_model": "model"}.get(code)
    return Failure(status=status, code=code, message=closed.message, param=param, retry_after_s=closed.retry_after_s)
