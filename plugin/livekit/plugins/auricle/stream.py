"""`SpeechStream`: takes the audio of the framework, and gives speech events. It ends when its input has ended.

It opens a session with the server, and another one with the uncommitted audio wherever a session ended for good.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, stt
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins.auricle.accounting import StreamAccounting
from livekit.plugins.auricle.base import BaseSTT
from livekit.plugins.auricle.downmix import to_mono
from livekit.plugins.auricle.drain_deadline import DrainDeadline
from livekit.plugins.auricle.errors import (
    fail_over_error,
    internal_error,
    server_is_away,
    session_error,
    utterance_error,
)
from livekit.plugins.auricle.events import EventTranslator
from livekit.plugins.auricle.leftover import current_conversation, leave, take
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.option_updates import OptionUpdates, Refusal
from livekit.plugins.auricle.options import SAMPLE_RATE, Options, with_changes
from livekit.plugins.auricle.patience import Patience
from livekit.plugins.auricle.pushed_items import DroppedAudio, account_for_rest
from livekit.plugins.auricle.redaction import redact, secrets_of
from livekit.plugins.auricle.report import Report
from livekit.plugins.auricle.session import EndOfInput, Flush, Gap, Input, StreamSession
from livekit.plugins.auricle.timeouts import client_limits, fail_over_limits
from livekit.plugins.auricle.usage import UsageMeter
from livekit.plugins.auricle.wall_clock import WallClock

from auricle.core import ClientEvent, ErrorMessage, Final, Interrupted, Ready, Restarted, SessionClosed, WarningMessage
from auricle.transports.asyncio import SessionOver, connect


class SpeechStream(stt.RecognizeStream):
    """Made by `STT.stream`.

    `end_input` is final and may be repeated; audio pushed after it is dropped with one warning. A stream that is closed
    or has failed raises `RuntimeError` instead, as the framework expects: it keeps that audio for its next stream.
    """

    _stt: BaseSTT

    def __init__(self, *, stt: BaseSTT, options: Options, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=stt, conn_options=conn_options, sample_rate=SAMPLE_RATE)
        self._options = options
        self._secrets = secrets_of(options.url, options.api_key)
        self._clock = WallClock()
        self._usage, self._accounting = UsageMeter(), StreamAccounting(SAMPLE_RATE)
        self._translator = EventTranslator(
            language=options.language,
            start_wall_time=lambda at_s: self._clock.time_of_start(at_s, time.time()),
            end_wall_time=lambda at_s: self._clock.time_of_end(at_s, time.time()),
            wants_turns=options.detect_turns,
            preflights=options.interim_results and options.preflight_after is not None,
        )
        self._updates = OptionUpdates(options.changeable())
        self._deadline, self._patience = DrainDeadline(options.drain_timeout), Patience(options.max_backlog)
        self._conversation = current_conversation()
        leftover = take(self._conversation, stt)
        self._inherited_s = self._accounting.take_over(leftover.undecided) if leftover else 0.0
        """Seconds of audio that a stream before this one has left: it lies before `start_time_offset`."""
        if leftover:
            self._clock.add_audio(self._inherited_s, leftover.began_at + self._inherited_s)
        self._session: StreamSession | None = None
        self._opened = False
        """Whether the server has sent ``ready`` in the current session, or the last one."""
        self._input_ended = False
        self._pushed_s = self._inherited_s
        self._dropped_s = 0.0
        """Seconds dropped of which there is no item in the channel yet."""
        self._dropped_in_channel_s = 0.0
        """Seconds dropped of which there is an item in the channel."""
        self._warned: set[str] = set()
        self._task.add_done_callback(self._leave_undecided)

    # ------------------------------------------------------------------------ state

    @property
    def report(self) -> Report:
        """How much audio was transcribed so far, and how much was lost."""
        return self._accounting.report

    @property
    def start_time_offset(self) -> float:
        """Where this stream begins on the framework's timeline, in seconds.

        The base class adds the time of every retry to it, which is not wanted here: positions in the audio go on over
        retries.
        """
        return self._translator.offset_s + self._inherited_s

    @start_time_offset.setter
    def start_time_offset(self, value: float) -> None:
        if value < 0:
            raise ValueError("start_time_offset must be non-negative")
        self._translator.offset_s = max(0.0, value - self._inherited_s)

    @property
    def start_time(self) -> float:
        """Wall-clock time of the first sample; before there is one, of the creation of the stream."""
        return self._clock.time_of_start(0.0, time.time()) if self._clock.started else self._start_time

    @start_time.setter
    def start_time(self, value: float) -> None:
        if value < 0:
            raise ValueError("start_time must be non-negative")
        self._start_time = value

    # ------------------------------------------------------------------------ the input

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Take 16-bit audio of any rate and number of channels. Never blocks; beyond ``max_backlog`` it is dropped."""
        if self._input_ended:
            self._warn_once("late", "audio that is pushed after end_input() is dropped")
            return
        self._check_input_not_ended()
        self._check_not_closed()
        self._clock.add_audio(frame.duration, time.time())
        self._pushed_s += frame.duration
        if self._backlog_s > self._options.max_backlog:
            self._dropped_s += frame.duration
            self._warn_once("backlog", "the server has been away for too long: audio is dropped")
            return
        self._enqueue_dropped()
        if self._pushed_sr not in (0, frame.sample_rate):
            self._reset_resampler()
        super().push_frame(to_mono(frame))

    def flush(self) -> None:
        """Request the finals of all audio so far. The answer is a FINAL_TRANSCRIPT, empty where there are no words."""
        if self._input_ended:
            self._warn_once("late flush", "a flush after end_input() is dropped: everything will be decided anyway")
            return
        self._enqueue_dropped()
        super().flush()

    def end_input(self) -> None:
        """End the input: the stream ends once the rest is transcribed. Idempotent, and never blocks."""
        if self._input_ended:
            return
        self._enqueue_dropped()
        super().end_input()
        self._input_ended = True
        self._deadline.start(asyncio.get_running_loop().time())
        self._shorten_deadline_if_committed()

    @property
    def _backlog_s(self) -> float:
        """Seconds of audio in the framework's channel, without what was dropped."""
        taken_s = self._accounting.uncommitted.end / SAMPLE_RATE
        return self._pushed_s - self._dropped_s - self._dropped_in_channel_s - taken_s

    def _enqueue_dropped(self) -> None:
        """Put an item for the audio that was dropped into the channel, so that later audio keeps its position."""
        samples = round(self._dropped_s * SAMPLE_RATE)
        if samples and not self._input_ch.closed:
            self._dropped_in_channel_s += self._dropped_s
            self._dropped_s = 0.0
            self._input_ch.send_nowait(DroppedAudio(samples))

    def _reset_resampler(self) -> None:
        """Prepare for another input rate. The base class would raise, and the agent would get no more transcripts."""
        for frame in self._resampler.flush() if self._resampler else ():
            self._input_ch.send_nowait(frame)
        self._resampler, self._pushed_sr = None, 0

    async def _inputs(self) -> AsyncIterator[Input]:
        """Yield what was pushed, in order; `EndOfInput` only after `end_input`, and not where the stream is closed."""
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                yield item
            elif isinstance(item, DroppedAudio):
                self._dropped_in_channel_s -= item.samples / SAMPLE_RATE
                yield Gap(item.samples)
            elif not (self._input_ch.closed and self._input_ch.empty()):
                yield Flush()
        if self._input_ended:
            yield EndOfInput()

    # ------------------------------------------------------------------------ the sessions

    async def _run(self) -> None:
        """Run one session. Returns once the input has ended, and is either transcribed or past the drain deadline.

        Every other end raises `APIError`, on which the framework retries. On any other exception, and on a return, it
        would end the stream, and the agent would get no more transcripts.
        """
        unexpected: Exception | None = None
        try:
            await self._run_until_deadline()
        except APIError:
            raise
        except Exception as error:
            logger.exception("the stream is retried after an internal error of the plugin")
            unexpected = error
        finally:
            self._deadline.on_moved(None)
            self._session = None
            for event in self._translator.close():
                self._emit(event)
            self._emit_usage()
        if unexpected is not None:
            raise internal_error(unexpected)
        self._accounting.stream_ended = True
        if self._accounting.flush_pending:
            self._emit(self._translator.empty_final())

    async def _run_until_deadline(self) -> None:
        try:
            async with asyncio.timeout_at(self._deadline.deadline) as timeout:

                def reschedule(deadline: float) -> None:
                    if not timeout.expired():
                        timeout.reschedule(deadline)

                self._deadline.on_moved(reschedule)
                await self._run_sessions()
        except TimeoutError:
            if not timeout.expired():
                raise
            self._warn_of_uncommitted()

    async def _run_sessions(self) -> None:
        """Run sessions until the input has ended and is transcribed, or the rest of it is lost.

        Raises `APIError` for whatever another session at this server, now or a little later, would not mend.
        """
        while not self._all_committed:
            closed = await self._connect_and_run()
            if self._input_ended and self._is_done(closed):
                return
            await self._outlast(closed)
        self._accounting.flush_pending = self._accounting.flush_pending or self._input_ch.qsize() > 1

    async def _outlast(self, closed: SessionClosed) -> None:
        """Wait until another session may be tried. Raises `APIError` where the framework is to see to it.

        A server that has not answered this stream yet may be the wrong one: the framework's retry budget is for that.
        Once the input has ended `DrainDeadline` bounds the wait for news, and the budget that for the end.
        """
        error = session_error(closed, self._secrets, opened=self._opened)
        away = server_is_away(closed) and not self._input_ended
        if away and self._stt.has_stand_in:
            raise fail_over_error(closed, self._secrets)
        may_wait = away and self._accounting.report.sessions > 0
        delay_s = self._patience.next_delay(asyncio.get_running_loop().time()) if may_wait else None
        if delay_s is None:
            raise error
        self._emit_error(error, recoverable=True)
        self._warn_once(
            "away", f"the server is away, and waited for, for up to {self._options.max_backlog:g} s: {error}"
        )
        await asyncio.sleep(delay_s)

    def _shorten_deadline_if_committed(self) -> None:
        if self._all_committed:
            self._deadline.shorten(asyncio.get_running_loop().time())

    @property
    def _all_committed(self) -> bool:
        """Whether the input has ended, and nothing of it is queued or uncommitted."""
        nothing_queued = self._pushed_s == 0 or self._input_ch.empty()
        return self._input_ended and nothing_queued and not self._accounting.uncommitted

    async def _connect_and_run(self) -> SessionClosed:
        options, self._opened = self._options, False
        self._updates = OptionUpdates(options.changeable())
        limits = client_limits(self._conn_options, options.drain_timeout)
        if self._stt.has_stand_in:
            limits = fail_over_limits(limits)
        began = time.perf_counter()
        try:
            async with connect(
                options.url, options.start(), api_key=options.api_key, limits=limits, connector=self._stt.connector
            ) as client:
                client.warns_after_s = None  # a muted participant is no mistake of anybody's
                self._opened = True
                self._report_connection_acquired(time.perf_counter() - began, False)
                self._session = StreamSession(
                    client,
                    inputs=self._inputs(),
                    accounting=self._accounting,
                    translator=self._translator,
                    updates=self._updates,
                    usage=self._usage,
                    emit=self._emit,
                    on_event=self._on_client_event,
                    revert_options=self._revert_options,
                )
                return await self._session.run()
        except SessionOver as over:
            return over.closed

    def _is_done(self, closed: SessionClosed) -> bool:
        """Return whether no further session is wanted, now that the input has ended.

        A server that has completed its session will not transcribe more of it, so what is uncommitted then is lost.
        """
        if not self._accounting.uncommitted and self._input_ch.empty():
            return True
        if closed.reason != "completed":
            return False
        self._accounting.mark_uncommitted_lost()
        logger.warning("the transcript is incomplete: %s", redact(self._secrets, closed.message))
        return True

    def _warn_of_uncommitted(self) -> None:
        rest_s = len(self._accounting.uncommitted) / SAMPLE_RATE
        if rest_s:
            logger.warning(
                "the server has not decided the last %.1f s of audio within drain_timeout (%.1f s); the stream ends",
                rest_s,
                self._options.drain_timeout,
            )

    def _leave_undecided(self, task: asyncio.Task[None]) -> None:
        """Once the stream has failed, leave its audio to the next one, and say what becomes of it."""
        if task.cancelled() or task.exception() is None:
            return
        account_for_rest(self._input_ch, self._accounting)
        self._accounting.skip(round(self._dropped_s * SAMPLE_RATE))
        undecided_s = len(self._accounting.uncommitted) / SAMPLE_RATE
        if not undecided_s:
            return
        if self._input_ended or self._conversation is None:
            self._accounting.mark_uncommitted_lost()
            logger.warning("the stream has failed, and its last %.1f s of audio are lost", undecided_s)
            return
        began_at = self._clock.time_of_start(self._accounting.uncommitted.start / SAMPLE_RATE, time.time())
        leave(self._conversation, self._accounting, began_at, self._stt, for_owner=not self._stt.has_stand_in)
        logger.warning("the stream has failed: its last %.1f s of audio wait for the next stream", undecided_s)

    # ------------------------------------------------------------------------ events of the client

    def _on_client_event(self, event: ClientEvent) -> None:
        committed = self._accounting.uncommitted.start
        if self._accounting.handle(event):
            self._deadline.progress(asyncio.get_running_loop().time())
            self._shorten_deadline_if_committed()
        if self._accounting.uncommitted.start > committed:
            self._patience.progress()
        match event:
            case Ready():
                self._stt._on_ready(event)
            case Final():
                self._emit_usage()
            case Interrupted():
                logger.warning("the connection was lost and is made again: %s", redact(self._secrets, event.message))
            case Restarted():
                logger.warning("the server no longer had the session; %d samples are lost", event.lost_samples)
            case WarningMessage():
                self._warn_once(event.code, f"warning of the server: {event.message}")
            case ErrorMessage(fatal=False, ref=None):
                self._emit_error(utterance_error(event, self._secrets), recoverable=True)
            case _:
                if self._usage.due():
                    self._emit_usage()

    def _emit(self, event: SpeechEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)

    def _emit_usage(self) -> None:
        seconds = self._usage.take()
        if seconds > 0:
            usage = stt.RecognitionUsage(audio_duration=seconds)
            self._emit(
                SpeechEvent(
                    type=SpeechEventType.RECOGNITION_USAGE,
                    request_id=self._translator.session,
                    recognition_usage=usage,
                )
            )

    def _warn_once(self, topic: str, message: str) -> None:
        if topic not in self._warned:
            self._warned.add(topic)
            logger.warning(message)

    # ------------------------------------------------------------------------ options

    def change_options(self, changes: Mapping[str, object]) -> None:
        """Change options, for this session without a new connection, and for later ones. Raises `ValueError`."""
        self._options = with_changes(self._options, changes)
        self._updates.want(self._options.changeable())
        if self._session is not None:
            self._session.options_changed()

    def _revert_options(self, refusal: Refusal) -> None:
        """Take back a change that the server refused, so that no later session or stream is opened with it."""
        self._options = with_changes(self._options, refusal.undoing(self._options))
        self._stt.take_back(refusal)
