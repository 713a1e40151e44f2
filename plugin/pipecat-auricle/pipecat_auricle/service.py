"""`AuricleSTTService`: the speech-to-text of a Pipecat pipeline."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Final, Literal, assert_never

from aiohttp import BaseConnector
from loguru import logger
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterimTranscriptionFrame,
    StartFrame,
    STTMuteFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601
from pipecat.utils.tracing.service_decorators import traced_stt

from auricle.core import Final as FinalMessage
from auricle.core import Limits, Partial, Start
from auricle.transports.asyncio import Client, connect
from pipecat_auricle.settings import (
    CHANGEABLE,
    LONGEST_KEYTERM,
    MOST_KEYTERMS,
    AuricleSTTSettings,
    Fixed,
    change_of,
    start_of,
    stored,
    usable_keyterms,
)
from pipecat_auricle.speech_stream import SpeechStream
from pipecat_auricle.stream_events import (
    Away,
    Connected,
    Disconnected,
    FlushAnswered,
    Heard,
    Lost,
    Refused,
    Report,
    StreamEvent,
    StreamFailed,
)

DEFAULT_URL: Final = "ws://127.0.0.1:8765"
TTFS_P99_S: Final = 1.0
"""How long a turn waits for its last final where none is marked as such: an allowance, which depends on the machine and
the model. Who has measured theirs gives ``ttfs_p99_latency``."""


class AuricleSTTService(STTService):
    """Speech-to-text on an Auricle server.

    Words come as `InterimTranscriptionFrame` while they are spoken, of which ``result.text[:result.stable]`` will not
    change any more, and as `TranscriptionFrame`; ``result`` is the protocol's own message, with words and times of the
    stream. The voice detector of the pipeline ends an utterance (a flush, whose answer is marked as finalised), and
    the server's own silence does where there is none.
    """

    Settings = AuricleSTTSettings
    _settings: AuricleSTTSettings

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        settings: AuricleSTTSettings | None = None,
        interim_results: bool = True,
        task: Literal["transcribe", "translate"] = "transcribe",
        drain_timeout_s: float = 10.0,
        max_backlog_s: float = 90.0,
        give_up_after_s: float | None = None,
        reference: str | None = None,
        tags: Sequence[str] = (),
        connector: BaseConnector | None = None,
        ttfs_p99_latency: float | None = TTFS_P99_S,
        **kwargs: Any,
    ) -> None:
        """Check the settings; nothing is connected yet. Times in seconds.

        ``url``: ``ws(s)://`` or ``http(s)://``, with or without a path; ``AURICLE_URL``, else the local server.
        ``api_key``: ``AURICLE_API_KEY``. ``task``: ``"translate"`` writes English, whatever is spoken.
        ``drain_timeout_s``: after an `EndFrame`, most time without progress until the pipeline ends without the rest.
        ``max_backlog_s``: audio that may wait for a server that cannot be reached; more than that is dropped.
        ``give_up_after_s``: after so long without one the service is unusable, for a `ServiceSwitcher`; None: never.
        ``reference``, ``tags``: what the server's log has of the session: a call, a tenant.
        ``connector``: one of aiohttp's that the application has, for its proxy, DNS and TLS.

        Raises `ValueError`, with one sentence about what cannot be used.
        """
        chosen = stored()
        if settings is not None:
            chosen.apply_update(settings)
        super().__init__(settings=chosen, ttfs_p99_latency=ttfs_p99_latency, **kwargs)
        self._url = url or os.environ.get("AURICLE_URL") or DEFAULT_URL
        self._api_key = api_key or os.environ.get("AURICLE_API_KEY") or None
        self._fixed = Fixed(
            sample_rate=16_000, interim_results=interim_results, task=task, reference=reference, tags=tuple(tags)
        )
        start_of(self._settings, self._fixed)
        self._limits = _limits(drain_timeout_s)
        self._drain_timeout_s = drain_timeout_s
        self._max_backlog_s = max_backlog_s
        self._give_up_after_s = give_up_after_s
        self._connector = connector
        self._stream: SpeechStream | None = None
        self._stream_task: asyncio.Task[None] | None = None
        self._awaited_flush: int | None = None
        """The flush of the last end of speech, until speech begins again."""
        self._warn_of_keyterms()

    def can_generate_metrics(self) -> bool:
        """Return True: the time to the final, and the audio that was heard."""
        return True

    @property
    def report(self) -> Report | None:
        """What became of the audio so far; None before the pipeline has started."""
        return None if self._stream is None else self._stream.report

    # ------------------------------------------------------------------------ the pipeline's life

    async def start(self, frame: StartFrame) -> None:
        """Start to connect, in the background: what is said meanwhile waits."""
        await super().start(frame)
        self._fixed = replace(self._fixed, sample_rate=self.sample_rate)
        self._begin()

    async def stop(self, frame: EndFrame) -> None:
        """End the input, and let its last finals pass before the `EndFrame` does."""
        if self._stream is not None and self._stream_task is not None:
            self._stream.end_input()
            await self._drain(self._stream, self._stream_task)
        await self._end_stream()
        await super().stop(frame)

    async def _drain(self, stream: SpeechStream, task: "asyncio.Task[None]") -> None:
        """Wait for what has been said, as long as the server gets on with it."""
        while not task.done():
            before = stream.progress
            await asyncio.wait([task], timeout=self._drain_timeout_s)
            if not task.done() and stream.progress == before:
                await self.push_error(f"Auricle: nothing came for {self._drain_timeout_s:g} s after the end of input.")
                return

    async def cancel(self, frame: CancelFrame) -> None:
        """Leave the session at once; what is not final is not wanted."""
        await super().cancel(frame)
        await self._end_stream()

    async def cleanup(self) -> None:
        """Leave nothing behind, however the pipeline ended."""
        await super().cleanup()
        await self._end_stream()

    def _begin(self) -> None:
        self._stream = SpeechStream(
            start_of(self._settings, self._fixed),
            open_client=self._open_client,
            tell=self._tell,
            max_backlog_s=self._max_backlog_s,
            drain_timeout_s=self._drain_timeout_s,
            give_up_after_s=self._give_up_after_s,
        )
        self._stream_task = self.create_task(self._run(self._stream), name="stream")

    def _open_client(self, start: Start) -> AbstractAsyncContextManager[Client]:
        return connect(self._url, start, api_key=self._api_key, limits=self._limits, connector=self._connector)

    async def _run(self, stream: SpeechStream) -> None:
        """Run a stream, and say so where it does not end well. Whatever happens, it ends."""
        try:
            await stream.run()
        except StreamFailed as failed:
            await self._call_event_handler("on_connection_error", str(failed))
            await self.push_error(self._without_key(f"Auricle: {failed}"), force_treat_as_permanent=True)
        except Exception as error:
            message = f"Auricle: the stream failed unexpectedly ({type(error).__name__})."
            await self.push_error(message, exception=error, force_treat_as_permanent=True)
        else:
            lost_s = stream.report.lost_s
            if lost_s:
                logger.warning(f"{self}: {lost_s:.1f} s of {stream.report.given_s:.1f} s were not heard")

    async def _end_stream(self) -> None:
        task, self._stream_task = self._stream_task, None
        if task is not None:
            await self.cancel_task(task)

    # ------------------------------------------------------------------------ to the server

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Hand audio over. Never waits; what is heard is pushed when it comes."""
        if self._stream is not None:
            self._stream.send(audio)
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Process a frame; the end of speech, and the mute, ask for the finals of what has been said."""
        await super().process_frame(frame, direction)
        if self._stream is None:
            return
        match frame:
            case VADUserStartedSpeakingFrame():
                self._awaited_flush = None
            case VADUserStoppedSpeakingFrame():
                self.request_finalize()
                self._awaited_flush = self._stream.flush()
            case STTMuteFrame(mute=True):
                self._stream.flush()
            case _:
                pass

    async def _update_settings(self, delta: STTSettings) -> dict[str, Any]:
        """Change settings without a new connection. What cannot be used is an error, and changes nothing."""
        candidate = self._settings.copy()
        candidate.apply_update(delta)
        try:
            start_of(candidate, self._fixed)
        except ValueError as error:
            await self.push_error(str(error))
            return {}
        changed: dict[str, Any] = await super()._update_settings(delta)
        self._warn_unhandled_updated_settings(changed.keys() - CHANGEABLE)
        if changed and self._stream is not None:
            self._warn_of_keyterms()
            if self._stream_task is not None and self._stream_task.done():
                self._begin()  # it had given up
            else:
                self._stream.change(start_of(self._settings, self._fixed), change_of(self._settings))
        return changed

    def _warn_of_keyterms(self) -> None:
        given = self._settings.keyterms
        left_out = len(set(given)) - len(usable_keyterms(given)) if isinstance(given, list) else 0
        if left_out:
            logger.warning(
                f"{self}: {left_out} keyterms are left out: a server takes {MOST_KEYTERMS}, "
                f"of {LONGEST_KEYTERM} characters each"
            )

    # ------------------------------------------------------------------------ from the server

    async def _tell(self, event: StreamEvent) -> None:
        match event:
            case Heard():
                await self._push_text(event)
            case FlushAnswered(flush=flush):
                if flush == self._awaited_flush:
                    await self._end_of_finals()
            case Connected():
                await self._call_event_handler("on_connected")
            case Disconnected(message=message):
                logger.warning(self._without_key(f"{self}: {message} The audio waits."))
                await self._call_event_handler("on_disconnected")
            case Away(closed=closed, waiting_s=waiting_s):
                message = self._without_key(f"Auricle: {closed.message} {waiting_s:.1f} s of audio wait for it.")
                await self._call_event_handler("on_connection_error", message)
                await self.push_error(message)
            case Refused(message=message):
                self._take_back(event)
                await self.push_error(self._without_key(f"Auricle refused a change of settings: {message}"))
            case Lost(lost_s=lost_s, message=message):
                await self.push_error(self._without_key(f"Auricle: {lost_s:.1f} s of audio were not heard: {message}"))
            case _:
                assert_never(event)

    async def _push_text(self, heard: Heard) -> None:
        text = heard.text
        if not text.text:
            return
        if heard.flush is not None and heard.flush == self._awaited_flush:
            self.confirm_finalize()
        language = _language(text.language)
        match text:
            case Partial():
                await self.push_frame(
                    InterimTranscriptionFrame(text.text, self._user_id, time_now_iso8601(), language, result=text)
                )
            case FinalMessage():
                # Before the frame, so that the span of tracing that it closes has it.
                await self.emit_stt_usage_metrics()
                await self.push_frame(
                    TranscriptionFrame(text.text, self._user_id, time_now_iso8601(), language, result=text)
                )
                await self._handle_transcription(text.text, True, language)

    def _take_back(self, change: Refused) -> None:
        """Go back to the languages before a change, unless they have been changed again; its rest stays wanted."""
        now = start_of(self._settings, self._fixed)
        if self._stream is not None and _languages(now) == _languages(change.refused):
            self._settings.language = change.accepted.language
            self._settings.languages = list(change.accepted.languages)
            self._stream.change(start_of(self._settings, self._fixed), change_of(self._settings))

    async def _end_of_finals(self) -> None:
        """Report the time to the final at once where silence had ended the utterance before the voice detector did."""
        self._awaited_flush = None
        await self.stop_ttfb_metrics()
        await self._cancel_ttfb_timeout()

    @traced_stt
    async def _handle_transcription(self, transcript: str, is_final: bool, language: Language | None = None) -> None:  # noqa: FBT001  # their signature
        """Stand for a transcript in Pipecat's tracing, which reads the arguments."""

    def _without_key(self, message: str) -> str:
        return message.replace(self._api_key, "***") if self._api_key else message


def _limits(drain_timeout_s: float) -> Limits:
    """Return the client's limits: a session is resumed for some seconds, then another one hears what is undecided."""
    return Limits(
        connect_timeout_s=5.0,
        ready_timeout_s=10.0,
        reconnect_timeout_s=10.0,
        reconnect_max_s=1.0,
        ping_interval_s=5.0,
        silence_timeout_s=15.0,
        # Twice, so that one connection that died unnoticed does not cost the last words.
        drain_silence_s=drain_timeout_s / 2,
        flush_timeout_s=10.0,
        close_timeout_s=1.0,
        abort_timeout_s=0.5,
        write_stall_s=10.0,
    )


def _languages(start: Start) -> tuple[str | None, tuple[str, ...]]:
    return start.language, start.languages


def _language(tag: str | None) -> Language | None:
    """Return a language as Pipecat names it; None where it has no name for it."""
    if tag is None:
        return None
    try:
        return Language(tag)
    except ValueError:
        return None
