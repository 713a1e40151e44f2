"""A recording as one piece, over the same server."""

import asyncio
from collections.abc import Sequence

from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, LanguageCode
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.agents.types import TimedString
from livekit.plugins.auricle.errors import ended_early, secrets_of
from livekit.plugins.auricle.ledger import Ledger
from livekit.plugins.auricle.mono import to_mono
from livekit.plugins.auricle.options import SAMPLE_RATE, Options
from livekit.plugins.auricle.patience import Bound, limits_for
from livekit.plugins.auricle.words import has_words, timed

from auricle.core import Final, Ready, SessionClosed
from auricle.transports.asyncio import Client, SessionOver, connect


class Recognition:
    """One request: all the audio, and then all the finals. Raises `APIError` unless every sample is accounted for."""

    def __init__(self, frames: Sequence[rtc.AudioFrame], options: Options, conn_options: APIConnectOptions) -> None:
        self._frames = [to_mono(frame) for frame in frames]
        self._options = options
        self._limits = limits_for(conn_options, options.drain_timeout)
        self._rate = frames[0].sample_rate if frames else SAMPLE_RATE
        self._ledger = Ledger(self._rate)
        self._bound = Bound(options.drain_timeout)
        self._finals: list[Final] = []
        self.ready: Ready | None = None
        """What the server said of itself."""

    async def run(self) -> SpeechEvent:
        """Return the one FINAL_TRANSCRIPT."""
        secrets = secrets_of(self._options.url, self._options.api_key)
        try:
            async with asyncio.timeout(None) as patience:
                self._bound.watch(patience.reschedule)
                closed = await self._hold_session()
        except TimeoutError:
            raise APITimeoutError("Auricle: the server does not decide the audio.") from None
        finally:
            self._bound.watch(None)
        if closed.complete is not True:
            raise ended_early(closed, secrets, opened=self.ready is not None)
        return self._event()

    async def _hold_session(self) -> SessionClosed:
        options = self._options
        start = options.start(sample_rate=self._rate)
        try:
            async with connect(options.url, start, api_key=options.api_key, limits=self._limits) as client:
                self._bound.arm(asyncio.get_running_loop().time())
                sending = asyncio.create_task(self._send(client))
                try:
                    return await self._listen(client)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except SessionOver as over:
            return over.closed

    async def _send(self, client: Client) -> None:
        for frame in self._frames:
            await client.send_audio(bytes(frame.data))
        await client.end_input()

    async def _listen(self, client: Client) -> SessionClosed:
        async for event in client:
            if self._ledger.hear(event):
                self._bound.progress(asyncio.get_running_loop().time())
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
        words = [timed(word, 0.0) for final in finals for word in final.words or ()]
        spoken_s = sum(final.end - final.start for final in finals)
        weighed = sum(final.confidence * (final.end - final.start) for final in finals)
        language = next((final.language for final in finals if final.language), self._options.language)
        said = SpeechData(
            language=LanguageCode(language or ""),
            text=" ".join(final.text for final in finals),
            start_time=finals[0].start if finals else 0.0,
            end_time=finals[-1].end if finals else 0.0,
            confidence=weighed / spoken_s if spoken_s else 0.0,
            words=_or_none(words),
        )
        return SpeechEvent(
            type=SpeechEventType.FINAL_TRANSCRIPT,
            request_id=self.ready.session if self.ready else "",
            alternatives=[said],
        )


def _or_none(words: list[TimedString]) -> list[TimedString] | None:
    return words or None
