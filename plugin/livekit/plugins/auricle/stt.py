"""`auricle.STT`: the speech-to-text of a voice agent."""

import asyncio
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import aiohttp
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, stt
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer, is_given
from livekit.agents.voice import ConversationItemAddedEvent
from livekit.plugins.auricle.base import BaseSTT
from livekit.plugins.auricle.chat_context import ChatContextPrompt
from livekit.plugins.auricle.framework import capabilities
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.models import STTModels
from livekit.plugins.auricle.options import (
    LONGEST_KEYTERM,
    MOST_KEYTERMS,
    Options,
    asked_language,
    from_environment,
    with_changes,
)
from livekit.plugins.auricle.recognize import Recognition
from livekit.plugins.auricle.redaction import redact, secrets_of
from livekit.plugins.auricle.stream import SpeechStream
from livekit.plugins.auricle.timeouts import client_limits

from auricle.transports.asyncio import SessionOver, connect


class STT(BaseSTT):
    """Speech-to-text on an Auricle server."""

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        language: str | None = None,
        languages: Sequence[str] = (),
        task: Literal["transcribe", "translate"] = "transcribe",
        model: STTModels | None = None,
        keyterms: Sequence[str] = (),
        prompt: str | None = None,
        chat_context: bool = True,
        silence: float | None = None,
        max_segment: float | None = None,
        interim_results: bool = True,
        preflight_after: float | None = 0.25,
        detect_turns: bool = True,
        turn_threshold: float | None = None,
        turn_silence: float | None = None,
        turn_timeout: float | None = None,
        drain_timeout: float = 10.0,
        max_backlog: float = 90.0,
        reference: str | None = None,
        tags: Sequence[str] = (),
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Check the options; nothing is connected yet. Times in seconds.

        ``url``: ``ws(s)://`` or ``http(s)://``, with or without a path; ``AURICLE_URL``, else the local server.
        ``api_key``: ``AURICLE_API_KEY``.
        ``language``: as BCP 47 has it; None, ``"auto"`` and ``"multi"`` let the server detect it, or use its own.
        ``languages``: those among which it is detected. ``task``: ``"translate"`` writes English, whatever is spoken.
        ``model``: what the server must be running; None takes what it runs.
        ``keyterms``, ``prompt``: words that are likely. ``chat_context``: the last turns are part of the prompt.
        ``silence``: how much of it ends an utterance; ``max_segment``: longest utterance before it is cut.
        ``preflight_after``: after so much silence what has been said is offered as a preflight; None offers none.
        ``detect_turns``: speech ends with the turn, and not at a breath, where the server tells turns (``auricle serve
        --turn-detector smart-turn``); other servers end it with the utterance. ``turn_threshold``: probability from
        which on a turn is taken to be over; ``turn_silence``: silence that ends such a turn; ``turn_timeout``: silence
        that ends any turn.
        ``drain_timeout``: most time without progress after `end_input`, then the stream ends with what it has.
        ``max_backlog``: audio that may wait for a server that cannot be reached; more than that is dropped.
        ``reference``, ``tags``: what the server's log has of the sessions: a call, a room, a tenant.
        ``http_session``: its connector is used, with all that the application has set there.

        Raises `ValueError`, with one sentence about the option that cannot be used.
        """
        url, api_key = from_environment(url, api_key)
        options = Options(
            url=url,
            api_key=api_key,
            language=asked_language(language),
            languages=tuple(languages),
            task=task,
            reference=reference,
            tags=tuple(tags),
            model=model,
            keyterms=tuple(keyterms),
            prompt=prompt,
            silence=silence,
            max_segment=max_segment,
            interim_results=interim_results,
            preflight_after=preflight_after,
            detect_turns=detect_turns,
            turn_threshold=turn_threshold,
            turn_silence=turn_silence,
            turn_timeout=turn_timeout,
            drain_timeout=drain_timeout,
            max_backlog=max_backlog,
        )
        able = capabilities(
            streaming=True,
            interim_results=interim_results,
            aligned_transcript="word",
            offline_recognize=True,
            keyterms=True,
            chat_context=chat_context,
            manual_flush=True,
        )
        super().__init__(options, able)
        self._warn_of_keyterms(options)
        self._http_session = http_session
        self._chat_context = ChatContextPrompt()
        self._streams = weakref.WeakSet[SpeechStream]()
        self._prewarm_task: asyncio.Task[None] | None = None

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> SpeechStream:
        """Open a stream, which connects in the background. ``language`` is for this stream alone."""
        stream = SpeechStream(stt=self, options=self._options_for(language), conn_options=conn_options)
        self._streams.add(stream)
        return stream

    async def _recognize_impl(
        self, buffer: AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frames = buffer if isinstance(buffer, list) else [buffer]
        options = replace(self._options_for(language), interim_results=False, detect_turns=False)
        recognition = Recognition(frames, options, conn_options, self.connector)
        event = await recognition.run()
        if recognition.ready is not None:
            self._on_ready(recognition.ready)
        return event

    def _options_for(self, language: NotGivenOr[str]) -> Options:
        return replace(self._options, language=asked_language(language)) if is_given(language) else self._options

    def update_options(
        self,
        *,
        language: NotGivenOr[str | None] = NOT_GIVEN,
        languages: NotGivenOr[Sequence[str]] = NOT_GIVEN,
        keyterms: NotGivenOr[Sequence[str]] = NOT_GIVEN,
        prompt: NotGivenOr[str | None] = NOT_GIVEN,
        silence: NotGivenOr[float | None] = NOT_GIVEN,
        max_segment: NotGivenOr[float | None] = NOT_GIVEN,
        turn_threshold: NotGivenOr[float | None] = NOT_GIVEN,
        turn_silence: NotGivenOr[float | None] = NOT_GIVEN,
        turn_timeout: NotGivenOr[float | None] = NOT_GIVEN,
    ) -> None:
        """Change options for new streams, and for those that run, without a new connection.

        A change of keyterms or prompt waits for the end of the utterance; a change of language, endpointing or
        turns cuts it.
        Raises `ValueError`, and then nothing has changed.
        """
        changes: dict[str, object] = {}
        if is_given(language):
            changes["language"] = asked_language(language)
        if is_given(languages):
            changes["languages"] = tuple(languages)
        if is_given(keyterms):
            changes["keyterms"] = tuple(keyterms)
        others = {
            "prompt": prompt,
            "silence": silence,
            "max_segment": max_segment,
            "turn_threshold": turn_threshold,
            "turn_silence": turn_silence,
            "turn_timeout": turn_timeout,
        }
        for name, value in others.items():
            if is_given(value):
                changes[name] = value
        self._change_options(changes)

    def _change_options(self, changes: dict[str, object]) -> None:
        self._options = with_changes(self._options, changes)
        self._warn_of_keyterms(self._options)
        for stream in self._streams:
            stream.change_options(changes)

    def _warn_of_keyterms(self, options: Options) -> None:
        """Say so where not all of them are used. They come from the framework too, which could do nothing about it."""
        given = len({*options.keyterms, *options.session_keyterms})
        used = len(options.bias.terms)
        if used < given:
            logger.warning(
                "%d of %d keyterms are left out: a server takes %d, of %d characters each",
                given - used, given, MOST_KEYTERMS, LONGEST_KEYTERM,
            )  # fmt: skip

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        self._change_options({"session_keyterms": tuple(keyterms)})

    def _push_conversation_item(self, ev: ConversationItemAddedEvent) -> None:
        if not self._capabilities.chat_context:
            super()._push_conversation_item(ev)
            return
        prompt = self._chat_context.add(ev.item)
        if prompt is not None:
            self._change_options({"context": prompt})

    def prewarm(self) -> None:
        """Open and close a session in the background: the server loads its model, and a wrong address is logged early.

        Does nothing where no event loop is running.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._prewarm_task is None:
            self._prewarm_task = loop.create_task(self._prewarm(), name="auricle prewarm")

    async def _prewarm(self) -> None:
        options = self._options
        limits = client_limits(DEFAULT_API_CONNECT_OPTIONS, options.drain_timeout)
        try:
            async with connect(
                options.url, options.start(), api_key=options.api_key, limits=limits, connector=self.connector
            ) as client:
                self._on_ready(client.ready)
        except SessionOver as over:
            secrets = secrets_of(options.url, options.api_key)
            logger.warning("prewarm failed: %s", redact(secrets, over.closed.message))

    async def aclose(self) -> None:
        """Close every stream, without waiting for transcripts."""
        if self._prewarm_task is not None:
            self._prewarm_task.cancel()
            await asyncio.gather(self._prewarm_task, return_exceptions=True)
        await asyncio.gather(*(stream.aclose() for stream in tuple(self._streams)))
