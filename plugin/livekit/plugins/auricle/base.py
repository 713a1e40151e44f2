"""The part of `STT` that its streams use: what is known of the server that answered last."""

import weakref
from collections.abc import Callable
from typing import Any, Never

import aiohttp
from livekit.agents import stt
from livekit.plugins.auricle.option_updates import Refusal
from livekit.plugins.auricle.options import Options, with_changes

from auricle.core import Ready, ServerInfo


class BaseSTT(stt.STT[Never]):
    """Holds the options, and gives the framework ``model`` and ``provider``, the labels of its metrics."""

    def __init__(self, options: Options, capabilities: stt.STTCapabilities) -> None:
        super().__init__(capabilities=capabilities)
        self._options = options
        self._adapters = weakref.WeakSet[stt.FallbackAdapter]()
        self._http_session: aiohttp.ClientSession | None = None
        self._server: ServerInfo | None = None
        """What the last ``ready`` said of its server."""

    @property
    def model(self) -> str:
        """The model of the server that answered last; before that, the model in the options."""
        model = self._server.model if self._server else None
        return model or self._options.model or "unknown"

    @property
    def provider(self) -> str:
        """Auricle, and the engine that answered last."""
        return f"Auricle ({self._server.name})" if self._server else "Auricle"

    @property
    def connector(self) -> aiohttp.BaseConnector | None:
        """The connector of the application's HTTP session, where it has given one."""
        return None if self._http_session is None else self._http_session.connector

    def take_back(self, refusal: Refusal) -> None:
        """Take back a change that a server has refused to one of the streams."""
        self._options = with_changes(self._options, refusal.undoing(self._options))

    def on(self, event: Any, callback: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Register a callback, as the base class does. A `FallbackAdapter` shows itself by this."""
        listener = getattr(callback, "__self__", None)
        if isinstance(listener, stt.FallbackAdapter):
            self._adapters.add(listener)
        return super().on(event, callback)

    @property
    def has_stand_in(self) -> bool:
        """Whether another STT takes over where this one fails: then failing soon is better than waiting."""
        return bool(self._adapters)

    def _on_ready(self, ready: Ready) -> None:
        self._server = ready.server or self._server
