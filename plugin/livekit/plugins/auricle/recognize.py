"""`STT.recognize`: one recording, sent whole, and one transcript."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby

from aiohttp import BaseConnector
from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, LanguageCode
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.plugins.auricle.accounting import StreamAccounting
from livekit.plugins.auricle.downmix import to_mono
from livekit.plugins.auricle.drain_deadline import DrainDeadline
from livekit.plugins.auricle.errors import session_error
from livekit.plugins.auricle.options import SAMPLE_RATE, Options
from livekit.plugins.auricle.redaction import secrets_of
from livekit.plugins.auricle.timeouts import client_limits
from livekit.plugins.auricle.transcript import has_words, timed_string

from auricle.core import Final, Ready, SessionClosed
from auricle.transports.asyncio import Client, SessionOver, connect


def resampled(frames: Sequence[rtc.AudioFrame], rate: int) -> Iterator[rtc.AudioFrame]:
    """Yield mono frames of any rates at one rate. Consecutive frames of one rate are one piece of audio."""
    for given, group in groupby(frames, key=lambda frame: frame.sample_rate):
        if given == rate:
            yield from group
            continue
        resampler = rtc.AudioResampler(given, rate, quality=rtc.AudioResamplerQuality.HIGH)
        for frame in group:
            yield from resampler.push(frame)
        yield from resampler.flush()


class Recognition:
    """One request: sends all the audio, then `run` waits for all the finals.

    ``frames`` of one sample rate are sent as they are; those of several are resampled. A transcript that may lack words
    is an error.
    """

    def __init__(
        self,
        frames: Sequence[rtc.AudioFrame],
        options: Options,
        conn_options: APIConnectOptions,
        connector: BaseConnector | None = None,
    ) -> None:
        frames = [to_mono(frame) for frame in frames]
        if len({frame.sample_rate for frame in frames}) > 1:
            frames = list(resampled(frames, SAMPLE_RATE))
        self._frames = frames
        self._options = options
        self._connector = connector
        self._limits = client_limits(conn_options, options.drain_timeout)
        self._sample_rate = frames[0].sample_rate if frames else SAMPLE_RATE
        self._accounting = StreamAccounting(self._sample_rate)
        self._deadline = DrainDeadline(options.drain_timeout)
        self._finals: list[Final] = []
        self.ready: Ready | None = None
        """The server's ``ready``; None before there is one."""

    async def run(self) -> SpeechEvent:
        """Return the FINAL_TRANSCRIPT. Raises `APIError` unless every sample is accounted for."""
        secrets = secrets_of(self._options.url, self._options.api_key)
        try:
            async with asyncio.timeout(None) as timeout:
                self._deadline.on_moved(timeout.reschedule)
                closed = await self._run_session()
        except TimeoutError:
            raise APITimeoutError("Auricle: the server has stopped transcribing the audio.") from None
        finally:
            self._deadline.on_moved(None)
        if closed.complete is not True:
            raise session_error(closed, secrets, opened=self.ready is not None)
        return self._event()

    async def _run_session(self) -> SessionClosed:
        options = self._options
        start = options.start(sample_rate=self._sample_rate)
        try:
            async with connect(
                options.url, start, api_key=options.api_key, limits=self._limits, connector=self._connector
            ) as client:
                self._deadline.start(asyncio.get_running_loop().time())
                sending = asyncio.create_task(self._send(client))
                try:
                    return await self._receive(client)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except SessionOver as over:
            return over.closed

    async def _send(self, client: Client) -> None:
        for frame in self._frames:
            await client.send_audio(bytes(frame.data))
        await client.end_input()

    async def _receive(self, client: Client) -> SessionClosed:
        async for event in client:
            if self._accounting.handle(event):
                self._deadline.progress(asyncio.get_running_loop().time())
            match event:
                case Ready():
                    self.ready = event
                case Final() if has_words(event.text):
                    self._finals.append(event)
                case SessionClosed():
                    return event
                case _:
                    pass
        raise AssertionError("the events of a client end with its SessionClosed")

    def _event(self) -> SpeechEvent:
        finals = self._finals
        words = [timed_string(word, 0.0) for final in finals for word in final.words or ()]
        speech_s = sum(final.end - final.start for final in finals)
        weighted = sum(final.confidence * (final.end - final.start) for final in finals)
        language = next((final.language for final in finals if final.language), self._options.language)
        data = SpeechData(
            language=LanguageCode(language or ""),
            text=" ".join(final.text for final in finals),
            start_time=finals[0].start if finals else 0.0,
            end_time=finals[-1].end if finals else 0.0,
            confidence=weighted / speech_s if speech_s else 0.0,
            words=words or None,
        )
        return SpeechEvent(
            type=SpeechEventType.FINAL_TRANSCRIPT,
            request_id=self.ready.session if self.ready else "",
            alternatives=[data],
        )
