"""One session of a stream: sends audio, flushes and changed options to the server, and handles the client's events.

The client reconnects and resumes by itself. `StreamSession.run` returns when the session has ended for good; the next
session begins with the audio that is uncommitted then.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, NamedTuple, cast

from livekit import rtc
from livekit.agents import APIError, APITimeoutError
from livekit.agents.stt import SpeechEvent
from livekit.plugins.auricle.accounting import StreamAccounting
from livekit.plugins.auricle.errors import internal_error
from livekit.plugins.auricle.events import EventTranslator
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.option_updates import OptionUpdates, Refusal
from livekit.plugins.auricle.options import SAMPLE_RATE
from livekit.plugins.auricle.replay_buffer import Chunk
from livekit.plugins.auricle.timestamp_offset import add_offset
from livekit.plugins.auricle.usage import UsageMeter

from auricle.core import (
    Ack,
    BacklogFull,
    ClientEvent,
    Configured,
    ErrorMessage,
    Flushed,
    FlushTimedOut,
    InputEnded,
    LocalProtocolError,
    Restarted,
    SessionClosed,
    SpeechEnd,
    SpeechStart,
)
from auricle.transports.asyncio import Change, Client, SessionOver

STALL_TIMEOUT_S: Final = 15.0
"""How long audio may wait for a server that processes none of it."""
RATE_LIMITED: Final = "rate_limited"
"""The code of what a server does not take now, because of how much it has taken just before."""
RATE_PAUSE_S: Final = 1.0
"""Pause before it is asked again: a server takes several flushes and changes a second."""
SPEECH_GAP_S: Final = 0.5
"""Speech that goes on behind the end of a session is announced by the next one within so much audio."""


class Gap(NamedTuple):
    """An input: ``samples`` of audio that were dropped, because the backlog was full."""

    samples: int


class Flush:
    """An input: the finals of all audio before it are wanted now."""


class EndOfInput:
    """The last input, from a stream whose input has ended; a stream that is merely closed has none."""


Input = rtc.AudioFrame | Gap | Flush | EndOfInput


class _PendingFlush(NamedTuple):
    """A flush without an answer: its position in the stream, and the number of finals emitted before it."""

    at: int
    finals: int


class StreamSession:
    """Made for one client; call `run` once.

    ``accounting``, ``translator`` and ``usage`` belong to the stream, and outlive the session. ``emit`` takes speech
    events, ``on_event`` every event of the client before its translation, and ``revert_options`` a
    change that the server has refused.
    """

    def __init__(
        self,
        client: Client,
        *,
        inputs: AsyncIterator[Input],
        accounting: StreamAccounting,
        translator: EventTranslator,
        updates: OptionUpdates,
        usage: UsageMeter,
        emit: Callable[[SpeechEvent], None],
        on_event: Callable[[ClientEvent], None],
        revert_options: Callable[[Refusal], None],
    ) -> None:
        self._client = client
        self._inputs = inputs
        self._accounting = accounting
        self._translator = translator
        self._updates = updates
        self._usage = usage
        self._emit = emit
        self._on_event = on_event
        self._revert_options = revert_options
        self._offset = accounting.uncommitted.start
        """Position in the stream of the session's first sample."""
        self._flushes: dict[str, _PendingFlush] = {}
        self._flush_answered = asyncio.Event()
        self._refused_flush: _PendingFlush | None = None
        """One that came too soon after others: it is requested again."""
        self._flush_refused = asyncio.Event()
        self._change_id: str | None = None
        self._updates_due = asyncio.Event()
        self._failure: APIError | None = None
        """Why the plugin, rather than the server, ended the session."""
        self._speech_void_until: int | None = None
        """Speech had started in a session that is gone: the audio up to here shows whether it goes on."""
        self._input_end_sent = False
        self._doubt_open_speech()

    async def run(self) -> SessionClosed:
        """Run the session, and return how it ended. Raises `APIError` where the plugin ended it."""
        work = (self._send_inputs, self._send_updates, self._flush_again, self._watch_for_stall)
        tasks = [asyncio.create_task(self._end_session_on_failure(part)) for part in work]
        try:
            async for event in self._client:
                self._handle(add_offset(event, self._offset, SAMPLE_RATE))
        finally:
            self._accounting.flush_pending |= bool(self._flushes) or self._refused_flush is not None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure
        closed = self._client.closed
        assert closed is not None, "the events of a client end with its SessionClosed"
        return closed

    def options_changed(self) -> None:
        """Send the changed options as soon as they are due."""
        self._updates_due.set()

    async def _end_session_on_failure(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do work beside the loop over events. An error of it would go unnoticed there, so it closes the client."""
        try:
            await work()
        except SessionOver:
            return  # the events say how it ended
        except APIError as error:
            self._failure = error
            await self._client.aclose()
        except Exception as error:
            logger.exception("the session is closed after an internal error of the plugin")
            self._failure = internal_error(error)
            await self._client.aclose()

    # ------------------------------------------------------------------------ to the server

    async def _send_inputs(self) -> None:
        """Send the uncommitted audio again, and then the inputs as they come."""
        for chunk in self._accounting.uncommitted.chunks_from(self._offset):
            await self._send_chunk(chunk)
        if self._accounting.flush_pending:
            await self._flush()
        async for item in self._inputs:
            match item:
                case Flush():
                    await self._flush()
                case EndOfInput():
                    self._input_end_sent = True
                    await self._client.end_input()
                case _:
                    await self._send_audio(item)

    async def _send_audio(self, item: rtc.AudioFrame | Gap) -> None:
        """Buffer audio, and then send it: wherever the session ends, the audio can be replayed."""
        buffer = self._accounting.uncommitted
        position = buffer.end
        if isinstance(item, Gap):
            self._accounting.skip(item.samples)
        else:
            buffer.append(bytes(item.data))
            self._usage.add(item.duration)
        for chunk in buffer.chunks_from(position):
            await self._send_chunk(chunk)

    async def _send_chunk(self, chunk: Chunk) -> None:
        if chunk.pcm is None:
            await self._client.skip(chunk.end - chunk.start)
        else:
            await self._client.send_audio(chunk.pcm)

    async def _flush(self, finals: int | None = None) -> None:
        """Request the finals of all audio so far. Two flushes at one position are one, and so is their answer.

        ``finals``: how many there were when it was requested first; None: that is now.
        """
        at = self._accounting.uncommitted.end
        if any(flush.at == at for flush in self._flushes.values()):
            return
        flush = _PendingFlush(at, self._translator.finals if finals is None else finals)
        self._accounting.flush_pending = True
        while True:
            self._flush_answered.clear()
            try:
                flush_id = await self._client.flush()
            except BacklogFull:
                await self._flush_answered.wait()
                continue
            self._flushes[flush_id] = flush
            self._accounting.flush_pending = False
            return

    async def _flush_again(self) -> None:
        """Request once more what the server has refused because of the flushes and changes before it."""
        while True:
            await self._flush_refused.wait()
            self._flush_refused.clear()
            await asyncio.sleep(RATE_PAUSE_S)
            flush, self._refused_flush = self._refused_flush, None
            if flush is not None:
                try:
                    await self._flush(flush.finals)
                except LocalProtocolError:
                    return  # the input has ended, and everything will be decided anyway

    async def _send_updates(self) -> None:
        """Send changed options whenever they are due."""
        while True:
            change = self._updates.due(speaking=self._translator.speaking)
            if change:
                self._updates.mark_sent(change)
                try:
                    self._change_id = await self._client.configure(**cast(Change, change))
                except LocalProtocolError:
                    return  # the input has ended, and there is no audio left to configure
            await self._updates_due.wait()
            self._updates_due.clear()

    async def _watch_for_stall(self) -> None:
        """Raise `APITimeoutError` where the server processes no audio, and serves nobody else before this session.

        It may go on answering pings for ever.
        """
        while True:
            sent, processed = self._accounting.uncommitted.end, self._accounting.processed
            moves = self._accounting.moves
            await asyncio.sleep(STALL_TIMEOUT_S)
            if self._accounting.processed == processed < sent and self._accounting.moves == moves:
                raise APITimeoutError(f"Auricle: the server has processed none of the audio for {STALL_TIMEOUT_S:g} s.")

    # ------------------------------------------------------------------------ from the server

    def _handle(self, event: ClientEvent) -> None:
        self._on_event(event)
        for speech_event in (*self._translator.translate(event), *self._end_of_void_speech(event)):
            self._emit(speech_event)
        match event:
            case Flushed(id=flush_id) | FlushTimedOut(id=flush_id):
                self._answer_flush(flush_id)
            case Configured():
                self._updates.accept()
                self._updates_due.set()
            case SpeechEnd():
                self._updates_due.set()
            case ErrorMessage(ref=str(ref), code=code) if code == RATE_LIMITED:
                self._ask_again(ref)
            case ErrorMessage(ref=str(ref)) if ref == self._change_id:
                logger.warning("the server refused a change of options, which is reverted (%s)", event.code)
                self._revert_options(self._updates.reject())
                self._updates_due.set()
            case ErrorMessage(ref=str(ref)):
                self._answer_flush(ref)
            case _:
                pass

    def _ask_again(self, ref: str) -> None:
        """Have a change or a flush requested once more that the server may take a little later."""
        if ref == self._change_id:
            self._updates.postpone()
            asyncio.get_running_loop().call_later(RATE_PAUSE_S, self._updates_due.set)
            return
        flush = self._flushes.pop(ref, None)
        self._flush_answered.set()
        if flush is not None:
            self._refused_flush = self._refused_flush or flush
            self._flush_refused.set()

    def _doubt_open_speech(self) -> None:
        if self._translator.speaking:
            self._speech_void_until = self._accounting.uncommitted.end + round(SPEECH_GAP_S * SAMPLE_RATE)

    def _end_of_void_speech(self, event: ClientEvent) -> Sequence[SpeechEvent]:
        """Return the end of a speech that had started, where this session does not find that it goes on.

        Until then none is told: a session that ends in mid-sentence and goes on is no end of speech.
        """
        match event:
            case Restarted():
                self._doubt_open_speech()
            case InputEnded() if not self._input_end_sent:
                self._translator.hold_end_of_speech()
            case SpeechStart() | SpeechEnd():
                self._speech_void_until = None
            case Ack(processed=processed) if self._speech_void_until is not None:
                if processed >= self._speech_void_until:
                    self._speech_void_until = None
                    return self._translator.close()
            case _:
                pass
        return ()

    def _answer_flush(self, flush_id: str) -> None:
        """Emit an empty final where the flush has brought none: the framework waits for a FINAL_TRANSCRIPT."""
        flush = self._flushes.pop(flush_id, None)
        self._flush_answered.set()
        if flush is not None and flush.finals == self._translator.finals:
            self._emit(self._translator.empty_final())
