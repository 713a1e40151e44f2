"""`auricle.STT`: what a voice agent is given as its ear."""

import asyncio
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, LanguageCode, stt
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer, is_given
from livekit.agents.voice import ConversationItemAddedEvent
from livekit.plugins.auricle.context import Context
from livekit.plugins.auricle.errors import secrets_of, without
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.models import STTModels
from livekit.plugins.auricle.options import Options, from_environment, with_changes
from livekit.plugins.auricle.patience import limits_for
from livekit.plugins.auricle.recognize import Recognition
from livekit.plugins.auricle.stream import SpeechStream

from auricle.core import Ready, ServerInfo
from auricle.transports.asyncio import SessionOver, connect


class STT(stt.STT[Never]):
    """Speech-to-text on an Auricle server."""

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        language: str | None = None,
        model: STTModels | None = None,
        keyterms: Sequence[str] = (),
        prompt: str | None = None,
        chat_context: bool = True,
        silence: float | None = None,
        max_segment: float | None = None,
        interim_results: bool = True,
        preflight_after: float | None = 0.25,
        drain_timeout: float = 10.0,
        max_backlog: float = 90.0,
    ) -> None:
        """Check everything that can be checked; connects to nothing. Times in seconds.

        ``url``: ``ws(s)://`` or ``http(s)://``, with or without a path; ``AURICLE_URL``, else the local server.
        ``api_key``: ``AURICLE_API_KEY``.
        ``language``: as BCP 47 has it; None lets the server detect it, or use its own.
        ``model``: what the server must be running; None takes what it runs.
        ``keyterms``, ``prompt``: words that are likely. ``chat_context``: the last turns are part of the prompt.
        ``silence``: how long one ends an utterance; ``max_segment``: longest utterance before it is cut.
        ``preflight_after``: standstill of the text after which it is offered as a preflight; None never offers one.
        ``drain_timeout``: most time without progress after `end_input`, then the stream ends with what it has.
        ``max_backlog``: audio that may wait for a server that is away, then it is dropped.

        Raises `ValueError` with one sentence about what cannot be.
        """
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=interim_results,
                aligned_transcript="word",
                offline_recognize=True,
                keyterms=True,
                chat_context=chat_context,
                manual_flush=True,
            )
        )
        url, api_key = from_environment(url, api_key)
        self._options = Options(
            url=url,
            api_key=api_key,
            language=LanguageCode(language) if language else None,
            model=model,
            keyterms=tuple(keyterms),
            prompt=prompt,
            silence=silence,
            max_segment=max_segment,
            interim_results=interim_results,
            preflight_after=preflight_after,
            drain_timeout=drain_timeout,
            max_backlog=max_backlog,
        )
        self._context = Context()
        self._streams = weakref.WeakSet[SpeechStream]()
        self._warming: asyncio.Task[None] | None = None
        self._server: ServerInfo | None = None

    @property
    def model(self) -> str:
        """The model of the server that answered last; before that, the one asked for."""
        told = self._server.model if self._server else None
        return told or self._options.model or "unknown"

    @property
    def provider(self) -> str:
        """Auricle, and the engine that answered last."""
        return f"Auricle ({self._server.name})" if self._server else "Auricle"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> SpeechStream:
        """Open a stream. It connects at once, in the background, and never makes its caller wait."""
        stream = SpeechStream(stt=self, options=self._for(language), conn_options=conn_options)
        self._streams.add(stream)
        return stream

    async def _recognize_impl(
        self, buffer: AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frames = buffer if isinstance(buffer, list) else [buffer]
        options = replace(self._for(language), interim_results=False)
        recognition = Recognition(frames, options, conn_options)
        event = await recognition.run()
        if recognition.ready is not None:
            self._meet(recognition.ready)
        return event

    def _for(self, language: NotGivenOr[str]) -> Options:
        return replace(self._options, language=LanguageCode(language)) if is_given(language) else self._options

    def update_options(
        self,
        *,
        language: NotGivenOr[str | None] = NOT_GIVEN,
        keyterms: NotGivenOr[Sequence[str]] = NOT_GIVEN,
        prompt: NotGivenOr[str | None] = NOT_GIVEN,
        silence: NotGivenOr[float | None] = NOT_GIVEN,
        max_segment: NotGivenOr[float | None] = NOT_GIVEN,
    ) -> None:
        """Use other options from now on, also on the streams that run: in band, without a new connection.

        Keyterms and prompts wait for the end of an utterance; a language or an endpointing cuts it. Raises
        `ValueError`, and then nothing has changed.
        """
        changes: dict[str, object] = {}
        if is_given(language):
            changes["language"] = LanguageCode(language) if language else None
        if is_given(keyterms):
            changes["keyterms"] = tuple(keyterms)
        for name, value in (("prompt", prompt), ("silence", silence), ("max_segment", max_segment)):
            if is_given(value):
                changes[name] = value
        self._change(changes)

    def _change(self, changes: dict[str, object]) -> None:
        self._options = with_changes(self._options, changes)
        for stream in self._streams:
            stream.change_options(changes)

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        self._change({"session_keyterms": tuple(keyterms)})

    def _push_conversation_item(self, ev: ConversationItemAddedEvent) -> None:
        if not self._capabilities.chat_context:
            super()._push_conversation_item(ev)
            return
        context = self._context.add(ev.item)
        if context is not None:
            self._change({"context": context})

    def prewarm(self) -> None:
        """Open a session and leave it, in the background: the server loads its model, and a wrong address shows early.

        Does nothing where no event loop runs.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._warming is None:
            self._warming = loop.create_task(self._warm(), name="auricle prewarm")

    async def _warm(self) -> None:
        options = self._options
        limits = limits_for(DEFAULT_API_CONNECT_OPTIONS, options.drain_timeout)
        try:
            async with connect(options.url, options.start(), api_key=options.api_key, limits=limits) as client:
                self._meet(client.ready)
        except SessionOver as over:
            secrets = secrets_of(options.url, options.api_key)
            logger.warning("prewarm found no server: %s", without(secrets, over.closed.message))

    async def aclose(self) -> None:
        """Close every stream, now."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await asyncio.gather(*(stream.aclose() for stream in tuple(self._streams)))

    def _meet(self, ready: Ready) -> None:
        self._server = ready.server or self._server
