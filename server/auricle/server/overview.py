"""What a server is and does just now, for ``/status``, ``/readyz`` and ``/metrics``."""

import os
from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Final

import trio

from auricle.server.metrics.scrape import ModelReading, Reading
from auricle.server.models.pool import ModelPool
from auricle.server.models.process_memory import resident_bytes
from auricle.server.models.served_model import ModelState, ServedModel
from auricle.server.sessions.conversation import Conversation
from auricle.server.sessions.node_name import random_node_name
from auricle.server.status import ModelStatus, ServerStatus

STAYING: Final = (ModelState.SERVING, ModelState.UNLOADING)


class Overview:
    """Of one server, whose conversations and whose draining are the caller's to tell."""

    def __init__(
        self,
        models: ModelPool,
        conversations: Iterable[Conversation],
        *,
        node: str | None,
        max_sessions: int | None,
        is_draining: Callable[[], bool],
    ) -> None:
        self._models = models
        self._conversations = conversations
        self.node: Final = node or random_node_name()
        """The name of the server among several."""
        self._max_sessions = max_sessions
        self._is_draining = is_draining
        self.began_at = 0.0
        """When the server began to listen, on trio's clock."""

    def ready(self) -> tuple[bool, str]:
        """Return whether new sessions should be sent here, and one sentence on why or why not.

        The default model has to answer, and no other one that is loaded may be stuck. One that an operator loads now,
        or that could not be loaded, changes nothing for those who use the others.
        """
        if self._is_draining():
            return False, "The server is shutting down."
        now = trio.current_time()
        default, *others = self._models
        for model in (default, *(model for model in others if model.state in STAYING)):
            problem = model.problem(now)
            if problem is not None:
                return False, problem if model is default else f"{model.name}: {problem}"
        info = default.actor.info
        return True, f"{info.name} {info.model} answers."

    def status(self) -> ServerStatus:
        """Return what ``/status`` tells."""
        now, default = trio.current_time(), self._models.default
        is_ready, why = self.ready()
        return ServerStatus(
            node=self.node,
            version=metadata.version("auricle"),
            uptime_s=now - self.began_at,
            draining=self._is_draining(),
            ready=is_ready,
            detail=why,
            loading=default.actor.stage,
            engine=default.info,
            sessions=sorted(
                (conversation.status(now) for conversation in self._conversations), key=lambda session: -session.age_s
            ),
            max_sessions=self._max_sessions,
            load=default.actor.load,
            decodes=default.actor.decodes,
            queue=default.actor.queue_length,
            workers=default.actor.workers,
            models=self.models(),
            memory_bytes=resident_bytes(os.getpid()),
        )

    def models(self) -> list[ModelStatus]:
        """Return what there is to tell of each model."""
        return [self.model(model) for model in self._models]

    def model(self, model: ServedModel) -> ModelStatus:
        """Return what there is to tell of one."""
        now = trio.current_time()
        return ModelStatus(
            name=model.name,
            state=model.state.value,
            detail=model.problem(now),
            default=model is self._models.default,
            sessions=model.sessions,
            memory_bytes=model.memory_bytes,
            restarts=model.restarts,
            since_decode_s=model.since_decode_s(now),
            decodes=model.actor.decodes,
        )

    def reading(self) -> Reading:
        """Return what ``/metrics`` reads off."""
        now = trio.current_time()
        return Reading(
            version=metadata.version("auricle"),
            ready=self.ready()[0],
            draining=self._is_draining(),
            uptime_s=now - self.began_at,
            models=[_model_reading(model, now) for model in self._models],
        )


def _model_reading(model: ServedModel, now: float) -> ModelReading:
    load = model.actor.load
    return ModelReading(
        name=model.name,
        info=model.info,
        up=model.problem(now) is None,
        sessions=model.sessions,
        restarts=model.restarts,
        memory_bytes=model.memory_bytes,
        utilisation=None if load is None else load.utilisation,
        partial_interval_s=None if load is None else load.interval_s,
        idle_s=model.since_decode_s(now),
        workers=model.actor.workers,
    )
