"""One session of a stream: the audio to the server, and what it says back.

Reconnecting and resuming are the client's. A session that ends for good ends `Talk.run`; the next one goes on with
the audio that nobody has decided.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from livekit import rtc
from livekit.agents import APIError, APITimeoutError
from livekit.agents.stt import SpeechEvent
from livekit.plugins.auricle.changes import Changes
from livekit.plugins.auricle.errors import unexpected
from livekit.plugins.auricle.events import Translator
from livekit.plugins.auricle.ledger import Ledger
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.options import SAMPLE_RATE
from livekit.plugins.auricle.placed import placed
from livekit.plugins.auricle.timeline import Usage
from livekit.plugins.auricle.undecided import Piece

from auricle.core import (
    BacklogFull,
    ClientEvent,
    Configured,
    ErrorMessage,
    Flushed,
    FlushTimedOut,
    LocalProtocolError,
    SessionClosed,
    SpeechEnd,
)
from auricle.transports.asyncio import Client, SessionOver

STALL_S: Final = 15.0
"""How long audio may wait for an engine that hears none of it."""


class Gap(NamedTuple):
    """An input: ``samples`` of audio that were too much to keep."""

    samples: int


class Flush:
    """An input: decide everything before it now."""


class EndOfInput:
    """An input: the last one. Not said by a stream that is merely closed."""


Input = rtc.AudioFrame | Gap | Flush | EndOfInput


class _Asked(NamedTuple):
    """A flush that has no answer yet: where it was asked, and how many finals had been told."""

    at: int
    finals: int


class Talk:
    """Made for one client; `run` it once."""

    def __init__(
        self,
        client: Client,
        *,
        inputs: AsyncIterator[Input],
        ledger: Ledger,
        translator: Translator,
        changes: Changes,
        usage: Usage,
        emit: Callable[[SpeechEvent], None],
        heard: Callable[[ClientEvent], None],
        undo: Callable[[Mapping[str, object]], None],
    ) -> None:
        self._client = client
        self._inputs = inputs
        self._ledger = ledger
        self._translator = translator
        self._changes = changes
        self._usage = usage
        self._emit = emit
        self._heard = heard
        self._undo = undo
        self._base = ledger.undecided.start
        """Position in the stream of the session's first sample."""
        self._flushes: dict[str, _Asked] = {}
        self._flush_answered = asyncio.Event()
        self._change_id: str | None = None
        self._changed = asyncio.Event()
        self._verdict: APIError | None = None
        """Why we gave the session up ourselves."""

    async def run(self) -> SessionClosed:
        """Talk until the session is over, and return how it ended. Raises `APIError` where we gave it up ourselves."""
        work = (self._send, self._configure, self._watch)
        tasks = [asyncio.create_task(self._guard(part)) for part in work]
        try:
            async for event in self._client:
                self._hear(placed(event, self._base, SAMPLE_RATE))
        finally:
            self._ledger.flush_owed |= bool(self._flushes)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._verdict is not None:
            raise self._verdict
        closed = self._client.closed
        assert closed is not None, "the events of a client end with its SessionClosed"
        return closed

    def reconsider(self) -> None:
        """The options have changed."""
        self._changed.set()

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do work beside the listening. A mistake of ours ends the session; nobody would notice it otherwise."""
        try:
            await work()
        except SessionOver:
            return  # the events tell how
        except APIError as verdict:
            self._verdict = verdict
            await self._client.aclose()
        except Exception as mistake:
            logger.exception("the session is given up after a mistake of the plugin")
            self._verdict = unexpected(mistake)
            await self._client.aclose()

    # ------------------------------------------------------------------------ to the server

    async def _send(self) -> None:
        for piece in self._ledger.undecided.since(self._base):
            await self._offer(piece)
        if self._ledger.flush_owed:
            await self._flush()
        async for item in self._inputs:
            match item:
                case Flush():
                    await self._flush()
                case EndOfInput():
                    await self._client.end_input()
                case _:
                    await self._take(item)

    async def _take(self, item: rtc.AudioFrame | Gap) -> None:
        """Note audio before it is sent: whatever happens then, it is known to be undecided."""
        undecided = self._ledger.undecided
        position = undecided.end
        if isinstance(item, Gap):
            self._ledger.skip(item.samples)
        else:
            undecided.append(bytes(item.data))
            self._usage.use(item.duration)
        for piece in undecided.since(position):
            await self._offer(piece)

    async def _offer(self, piece: Piece) -> None:
        if piece.pcm is None:
            await self._client.skip(piece.end - piece.start)
        else:
            await self._client.send_audio(piece.pcm)

    async def _flush(self) -> None:
        """Ask for a decision. Two flushes at one place are one: its answer is for both."""
        at = self._ledger.undecided.end
        if any(asked.at == at for asked in self._flushes.values()):
            return
        asked = _Asked(at, self._translator.finals)
        self._ledger.flush_owed = True
        while True:
            self._flush_answered.clear()
            try:
                flush_id = await self._client.flush()
            except BacklogFull:
                await self._flush_answered.wait()
                continue
            self._flushes[flush_id] = asked
            self._ledger.flush_owed = False
            return

    async def _configure(self) -> None:
        """Tell the server of changed options, whenever the time is right."""
        while True:
            change = self._changes.due(speaking=self._translator.speaking)
            if change:
                self._changes.ask(change)
                try:
                    self._change_id = await self._client.configure(**change)
                except LocalProtocolError:
                    return  # the input has ended: there is nothing left to be configured
            await self._changed.wait()
            self._changed.clear()

    async def _watch(self) -> None:
        """Give up a server that is there and hears nothing: it may answer pings for ever. Raises `APITimeoutError`."""
        while True:
            given, processed = self._ledger.undecided.end, self._ledger.processed
            await asyncio.sleep(STALL_S)
            if self._ledger.processed == processed < given:
                raise APITimeoutError(f"Auricle: the server has heard none of the audio for {STALL_S:g} s.")

    # ------------------------------------------------------------------------ from the server

    def _hear(self, event: ClientEvent) -> None:
        self._heard(event)
        for speech_event in self._translator.translate(event):
            self._emit(speech_event)
        match event:
            case Flushed(id=flush_id) | FlushTimedOut(id=flush_id):
                self._answer_flush(flush_id)
            case Configured():
                self._changes.answered()
                self._changed.set()
            case SpeechEnd():
                self._changed.set()
            case ErrorMessage(ref=str(ref)) if ref == self._change_id:
                logger.warning("the server refuses the change of options, which is undone (%s)", event.code)
                self._undo(self._changes.refused())
                self._changed.set()
            case ErrorMessage(ref=str(ref)):
                self._answer_flush(ref)
            case _:
                pass

    def _answer_flush(self, flush_id: str) -> None:
        """A flush is answered by a FINAL: by what it found, else by an empty one."""
        asked = self._flushes.pop(flush_id, None)
        self._flush_answered.set()
        if asked is not None and asked.finals == self._translator.finals:
            self._emit(self._translator.empty_final())
