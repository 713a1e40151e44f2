"""A Ray cluster as the pool wants it: room, workers, nodes.

Ray is joined from a worker thread, so that it leaves our signals alone, and its calls never run on the event loop.
"""

import logging
import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from itertools import count
from threading import Thread
from typing import Any, Final

import ray
from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)

from auricle.engines.protocol import EngineUnavailable
from auricle.engines.ray.actor import RayHost
from auricle.engines.workers.protocol import Hosted, LoadAnswer, NodeLost, Pieces, Worker, WorkerLost

logger = logging.getLogger(__name__)

SCHEME: Final = "ray"
CLIENT: Final = "ray://"
HEALTH, DECODE, LOAD = "health", "decode", "load"
"""Concurrency groups of an actor: a thread each, so that one that decodes can still say that it is alive."""

NODE_DIED: Final = "its node has died"
"""In what Ray says of an actor that has lost its node; nothing else tells that from a process that has ended."""


class RayCluster:
    """The cluster that this process has joined, and what its workers host."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._needs = {"GPU": 1.0} if hosted.device == "cuda" else {"CPU": float(hosted.threads)}
        self._numbers = count(1)
        self._actors = ray.remote(
            num_cpus=self._needs.get("CPU", 0.0),
            num_gpus=self._needs.get("GPU", 0.0),
            max_restarts=0,
            max_task_retries=0,
            concurrency_groups={HEALTH: 1, DECODE: 1, LOAD: 1},
        )(RayHost)

    def room(self) -> int:
        """Return how many workers the resources of all nodes are enough for."""
        resources: dict[str, float] = ray.cluster_resources()
        return min(math.floor(resources.get(name, 0.0) / each) for name, each in self._needs.items())

    def start(self) -> Worker:
        """Ask for an actor, which Ray places where there is room, apart from others as far as it can."""
        actor = self._actors.options(scheduling_strategy="SPREAD").remote(self._hosted.create, self._hosted.arguments)
        return RayWorker(f"worker-{next(self._numbers)}", actor)

    def nodes(self) -> Mapping[str, bool]:
        """Return the nodes by Ray's ids."""
        return {node["NodeID"]: bool(node["Alive"]) for node in ray.nodes()}

    def close(self) -> None:
        """Leave the cluster; one that was started for this process ends."""
        ray.shutdown()


class RayWorker:
    """An actor."""

    def __init__(self, name: str, actor: Any) -> None:
        self._name = name
        self._actor = actor

    @property
    def name(self) -> str:
        """Its number among those that this process has asked for."""
        return self._name

    def load(self) -> "Future[LoadAnswer]":
        """Load the engine. The actor may still have to be placed."""
        return _asked(lambda: self._actor.load.options(concurrency_group=LOAD).remote())

    def decode(self, request: Pieces) -> "Future[bytes]":
        """Decode. Pieces that are short enough travel with the call."""
        return _asked(lambda: self._actor.decode.options(concurrency_group=DECODE).remote(*request))

    def ping(self) -> "Future[object]":
        """Answer beside whatever is decoded."""
        return _asked(lambda: self._actor.ping.options(concurrency_group=HEALTH).remote())

    def kill(self) -> None:
        """Have the actor's process killed. Returns at once.

        Where the node is gone Ray waits for it, and its callbacks, in which workers are given up, wait for each other.
        """
        Thread(target=_kill, args=(self._actor,), name="ray kill", daemon=True).start()


def _kill(actor: Any) -> None:
    try:
        ray.kill(actor)
    except Exception as error:  # it is gone, or the cluster is
        logger.debug("An engine worker could not be killed: %s", error)


def _asked(call: Callable[[], Any]) -> "Future[Any]":
    """Make a call of an actor, and return where its answer will be. It fails with `WorkerLost` alone."""
    answer: Future[Any] = Future()

    def pass_on(done: "Future[Any]") -> None:
        error = done.exception()
        if error is None:
            answer.set_result(done.result())
        else:
            answer.set_exception(_lost(error))

    try:
        call().future().add_done_callback(pass_on)
    except Exception as error:  # Ray's client raises where it is not connected
        answer.set_exception(_lost(error))
    return answer


def _lost(error: BaseException) -> WorkerLost:
    """Return what Ray's error says of the worker."""
    sentence = _sentence(error)
    return NodeLost(sentence) if _is_of_node(error) else WorkerLost(sentence)


def _is_of_node(error: BaseException) -> bool:
    """Whether the node is gone, not the worker's process alone: of that its node would have told within a second."""
    return isinstance(error, ActorUnavailableError | NodeDiedError) or (
        isinstance(error, RayActorError) and NODE_DIED in str(error)
    )


def _sentence(error: BaseException) -> str:
    """Return one line of what Ray tells in many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    match error:
        case RayTaskError():
            # The cause is the last line of the worker's traceback.
            return lines[-1] if lines else type(error).__name__
        case _ if _is_of_node(error):
            return f"its node is gone, or cannot be reached ({type(error).__name__})"
        case RayActorError() | WorkerCrashedError():
            return f"its process has ended ({type(error).__name__})"
        case _:
            return f"{type(error).__name__}: {lines[0] if lines else 'no reason is given'}"


def connect(address: str, hosted: Hosted) -> RayCluster:
    """Join the cluster at an address. Raises `EngineUnavailable`.

    ``ray``: the cluster that this machine is a node of (``RAY_ADDRESS`` names another), or one of its own where it is a
    node of none. ``ray:HOST:PORT``: the head node of a cluster of which this machine is a node. ``ray://HOST:PORT``:
    Ray's client, for a machine that is no node.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        _join(address)
    except (ConnectionError, RuntimeError, ValueError, OSError, ImportError) as error:
        why = " ".join(str(error).split())[:200]
        raise EngineUnavailable(f"The Ray cluster {address} cannot be joined: {why}") from error
    return RayCluster(hosted)


def _join(address: str) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "auricle"}
    if address.startswith(CLIENT):
        ray.init(address, **quiet)
    elif address != SCHEME:
        ray.init(address.removeprefix(f"{SCHEME}:"), **quiet)
    else:
        try:
            ray.init("auto", **quiet)
        except ConnectionError:
            ray.init("local", include_dashboard=False, **quiet)
