"""The stream that the framework pushes audio into and reads speech events from. It ends when its input does."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, stt
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins.auricle.changes import Changes
from livekit.plugins.auricle.errors import ended_early, failed_on, secrets_of, unexpected, without
from livekit.plugins.auricle.events import Translator
from livekit.plugins.auricle.ledger import Ledger
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.mono import to_mono
from livekit.plugins.auricle.options import SAMPLE_RATE, Options, with_changes
from livekit.plugins.auricle.patience import Bound, limits_for
from livekit.plugins.auricle.report import Report
from livekit.plugins.auricle.talk import EndOfInput, Flush, Gap, Input, Talk
from livekit.plugins.auricle.timeline import Usage, WallClock

from auricle.core import ClientEvent, ErrorMessage, Final, Interrupted, Ready, Restarted, SessionClosed, WarningMessage
from auricle.transports.asyncio import SessionOver, connect

if TYPE_CHECKING:
    from livekit.plugins.auricle.stt import STT


class _Dropped(stt.RecognizeStream._FlushSentinel):
    """In the framework's channel: audio that was not kept."""

    def __init__(self, samples: int) -> None:
        self.samples = samples


class SpeechStream(stt.RecognizeStream):
    """Made by `STT.stream`.

    `end_input` is final and may be repeated; what is pushed after it is dropped with one warning. A stream that is
    closed or has failed raises instead, as the framework expects: it has a stream to come for that audio.
    """

    _stt: "STT"

    def __init__(self, *, stt: "STT", options: Options, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=stt, conn_options=conn_options, sample_rate=SAMPLE_RATE)
        self._options = options
        self._secrets = secrets_of(options.url, options.api_key)
        self._clock = WallClock()
        self._usage = Usage()
        self._ledger = Ledger(SAMPLE_RATE)
        self._translator = Translator(
            sample_rate=SAMPLE_RATE,
            language=options.language,
            preflight_after=options.preflight_after,
            began_at=lambda at_s: self._clock.begin(at_s, time.time()),
            ended_at=lambda at_s: self._clock.end(at_s, time.time()),
        )
        self._changes = Changes(options.changeable())
        self._bound = Bound(options.drain_timeout)
        self._talk: Talk | None = None
        self._opened = False
        """Whether the present session, or the last one, came about."""
        self._input_ended = False
        self._pushed_s = 0.0
        self._dropped_s = 0.0
        """Dropped, and the channel has not been told yet."""
        self._waiting_gap_s = 0.0
        """Dropped, and still in the channel."""
        self._warned: set[str] = set()

    # ------------------------------------------------------------------------ what can be asked

    @property
    def report(self) -> Report:
        """What has become of the audio so far."""
        return self._ledger.report

    @property
    def start_time_offset(self) -> float:
        """Where this stream begins on the framework's timeline, in seconds.

        The base class adds the time of every retry to its own; our audio clock goes on over retries by itself.
        """
        return self._translator.offset_s

    @start_time_offset.setter
    def start_time_offset(self, value: float) -> None:
        if value < 0:
            raise ValueError("start_time_offset must be non-negative")
        self._translator.offset_s = value

    @property
    def start_time(self) -> float:
        """The wall clock at the first sample; before there is one, at the beginning of the stream."""
        return self._clock.begin(0.0, time.time()) if self._clock.started else self._start_time

    @start_time.setter
    def start_time(self, value: float) -> None:
        if value < 0:
            raise ValueError("start_time must be non-negative")
        self._start_time = value

    # ------------------------------------------------------------------------ the input

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Take audio of any rate and number of channels. Never waits; beyond ``max_backlog`` it is dropped."""
        if self._input_ended:
            self._warn_once("late", "audio that is pushed after end_input() is dropped")
            return
        self._check_input_not_ended()
        self._check_not_closed()
        self._clock.heard(frame.duration, time.time())
        self._pushed_s += frame.duration
        if self._waiting_s > self._options.max_backlog:
            self._dropped_s += frame.duration
            self._warn_once("backlog", "the server has been away for too long: audio is dropped")
            return
        self._admit_drops()
        if self._pushed_sr not in (0, frame.sample_rate):
            self._change_rate()
        super().push_frame(to_mono(frame))

    def flush(self) -> None:
        """Ask for everything so far to be decided; a FINAL answers, an empty one where there is nothing to say."""
        if self._input_ended:
            self._warn_once("late flush", "a flush after end_input() is dropped: everything will be decided anyway")
            return
        self._admit_drops()
        super().flush()

    def end_input(self) -> None:
        """No more audio will come: the stream ends once the rest is decided. Idempotent, and never waits."""
        if self._input_ended:
            return
        self._admit_drops()
        super().end_input()
        self._input_ended = True
        self._bound.arm(asyncio.get_running_loop().time())
        self._hasten_the_end()

    @property
    def _waiting_s(self) -> float:
        """Audio in the framework's channel, in seconds; what was dropped takes no room there."""
        taken_s = self._ledger.undecided.end / SAMPLE_RATE
        return self._pushed_s - self._dropped_s - self._waiting_gap_s - taken_s

    def _admit_drops(self) -> None:
        """Let the timeline go on over audio that was dropped."""
        samples = round(self._dropped_s * SAMPLE_RATE)
        if samples and not self._input_ch.closed:
            self._waiting_gap_s += self._dropped_s
            self._dropped_s = 0.0
            self._input_ch.send_nowait(_Dropped(samples))

    def _change_rate(self) -> None:
        """Begin anew with another rate. The base class would raise, and its caller would go on without an ear."""
        for rest in self._resampler.flush() if self._resampler else ():
            self._input_ch.send_nowait(rest)
        self._resampler, self._pushed_sr = None, 0

    async def _inputs(self) -> AsyncIterator[Input]:
        """What was pushed, in order; the end of input only where somebody said so."""
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                yield item
            elif isinstance(item, _Dropped):
                self._waiting_gap_s -= item.samples / SAMPLE_RATE
                yield Gap(item.samples)
            elif not (self._input_ch.closed and self._input_ch.empty()):
                yield Flush()
        if self._input_ended:
            yield EndOfInput()

    # ------------------------------------------------------------------------ the sessions

    async def _run(self) -> None:
        """Hold a session. Returns once the input has ended and its rest is decided, or waited for long enough.

        Every other end is an `APIError`: of anything else, and of a return, the framework would be deaf for good.
        """
        mistake: Exception | None = None
        try:
            await self._bounded()
        except APIError:
            raise
        except Exception as error:
            logger.exception("the stream is retried after a mistake of the plugin")
            mistake = error
        finally:
            self._bound.watch(None)
            self._talk = None
            for event in self._translator.close():
                self._emit(event)
            self._tell_usage()
        if mistake is not None:
            raise unexpected(mistake)
        self._ledger.ended = True
        if self._ledger.flush_owed:
            self._emit(self._translator.empty_final())

    async def _bounded(self) -> None:
        try:
            async with asyncio.timeout_at(self._bound.deadline) as patience:

                def moved(deadline: float) -> None:
                    if not patience.expired():
                        patience.reschedule(deadline)

                self._bound.watch(moved)
                await self._hold_session()
        except TimeoutError:
            if not patience.expired():
                raise
            self._give_up()

    async def _hold_session(self) -> None:
        if self._has_nothing_to_say:
            self._ledger.flush_owed = self._ledger.flush_owed or self._input_ch.qsize() > 1
            return
        closed = await self._talk_to_server()
        if not self._input_ended:
            raise ended_early(closed, self._secrets, opened=self._opened)
        self._judge(closed)

    def _hasten_the_end(self) -> None:
        if self._has_nothing_to_say:
            self._bound.say_farewell(asyncio.get_running_loop().time())

    @property
    def _has_nothing_to_say(self) -> bool:
        """Whether the input has ended and no server is needed for what there was of it."""
        nothing_queued = self._pushed_s == 0 or self._input_ch.empty()
        return self._input_ended and nothing_queued and not self._ledger.undecided

    async def _talk_to_server(self) -> SessionClosed:
        options, self._opened = self._options, False
        self._changes = Changes(options.changeable())
        limits = limits_for(self._conn_options, options.drain_timeout)
        began = time.perf_counter()
        try:
            async with connect(options.url, options.start(), api_key=options.api_key, limits=limits) as client:
                self._opened = True
                self._report_connection_acquired(time.perf_counter() - began, False)
                self._talk = Talk(
                    client,
                    inputs=self._inputs(),
                    ledger=self._ledger,
                    translator=self._translator,
                    changes=self._changes,
                    usage=self._usage,
                    emit=self._emit,
                    heard=self._hear,
                    undo=self._undo,
                )
                return await self._talk.run()
        except SessionOver as over:
            return over.closed

    def _judge(self, closed: SessionClosed) -> None:
        """Decide whether a session that is over leaves anything for another one. Raises `APIError` where it does."""
        if not self._ledger.undecided and self._input_ch.empty():
            return
        if closed.reason != "completed":
            raise ended_early(closed, self._secrets, opened=self._opened)
        self._ledger.write_off()
        logger.warning("the transcript is incomplete: %s", without(self._secrets, closed.message))

    def _give_up(self) -> None:
        """The rest has been waited for as long as was allowed."""
        undecided = self._ledger.undecided
        rest_s = (undecided.end - undecided.start) / SAMPLE_RATE
        if rest_s:
            logger.warning(
                "the server has not decided the last %.1f s of audio within drain_timeout (%.1f s); the stream ends",
                rest_s,
                self._options.drain_timeout,
            )

    # ------------------------------------------------------------------------ what is heard

    def _hear(self, event: ClientEvent) -> None:
        if self._ledger.hear(event):
            self._bound.progress(asyncio.get_running_loop().time())
            self._hasten_the_end()
        match event:
            case Ready():
                self._stt._meet(event)
            case Final():
                self._tell_usage()
            case Interrupted():
                logger.warning("the connection is lost and tried again: %s", without(self._secrets, event.message))
            case Restarted():
                logger.warning("the server had lost the session; %d samples with it", event.lost_samples)
            case WarningMessage():
                self._warn_once(event.code, f"the server warns: {event.message}")
            case ErrorMessage(fatal=False, ref=None):
                self._emit_error(failed_on(event, self._secrets), recoverable=True)
            case _:
                if self._usage.due():
                    self._tell_usage()

    def _emit(self, event: SpeechEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)

    def _tell_usage(self) -> None:
        seconds = self._usage.take()
        if seconds > 0:
            usage = stt.RecognitionUsage(audio_duration=seconds)
            self._emit(SpeechEvent(type=SpeechEventType.RECOGNITION_USAGE, recognition_usage=usage))

    def _warn_once(self, about: str, message: str) -> None:
        if about not in self._warned:
            self._warned.add(about)
            logger.warning(message)

    # ------------------------------------------------------------------------ changes

    def change_options(self, changes: Mapping[str, object]) -> None:
        """Use other options from here on: in band, on the connection there is. Raises `ValueError`."""
        self._options = with_changes(self._options, changes)
        self._changes.want(self._options.changeable())
        if self._talk is not None:
            self._talk.reconsider()

    def _undo(self, before: Mapping[str, object]) -> None:
        """The server has refused a change, so no later session may be opened with it. It refuses languages alone."""
        if "language" in before:
            self._options = with_changes(self._options, {"language": before["language"]})
