"""A cluster of threads in this process: workers that answer when a test says so, fall silent, and die."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import count

from auricle.engines.workers.host import EngineHost, own_version
from auricle.engines.workers.protocol import Hosted, LoadAnswer, NodeLost, Pieces, WorkerLost

CREATE = "engines.isolation.brittle:window_counting"


class FakeWorker:
    """One worker of a node. What it does not answer at once it answers when it is told to."""

    def __init__(self, name: str, node: str, hosted: Hosted, version: str, loads: threading.Event) -> None:
        self.name = name
        self.node = node
        self.requests: list[Pieces] = []
        self.answers = threading.Event()
        """While it is not set, calls are kept."""
        self.answers.set()
        self.is_silent = False
        self.is_dead = False
        self._version = version
        self._loads = loads
        self._host = EngineHost(hosted.create, hosted.arguments)
        self._open: list[Future] = []
        self._threads: list[threading.Thread] = []

    def load(self) -> "Future[LoadAnswer]":
        def load() -> LoadAnswer:
            self._loads.wait(30.0)
            return self.node, self._version, self._host.load()

        return self._asked(load)

    def decode(self, request: Pieces) -> "Future[bytes]":
        self.requests.append(request)

        def decode() -> bytes:
            self.answers.wait(30.0)
            return self._host.decode(*request)

        return self._asked(decode)

    def ping(self) -> "Future[object]":
        if self.is_silent:
            future: Future[object] = Future()
            self._open.append(future)
            return future
        return self._asked(lambda: None)

    def speak(self) -> None:
        """Answer all pings again, those that were kept too."""
        self.is_silent = False
        for future in self._open:
            with suppress(InvalidStateError):
                future.set_result(None)

    def kill(self) -> None:
        self._end(WorkerLost("it was killed"))

    def lose_node(self) -> None:
        self._end(NodeLost("its node has died"))

    def _end(self, why: WorkerLost) -> None:
        self.is_dead = True
        self.answers.set()
        for future in list(self._open):
            with suppress(InvalidStateError):
                future.set_exception(why)

    def _asked(self, call: Callable[[], object]) -> Future:
        future: Future = Future()
        if self.is_dead:
            future.set_exception(WorkerLost("it was killed"))
            return future
        self._open.append(future)

        def run() -> None:
            result = call()
            with suppress(InvalidStateError):
                if self.is_dead:
                    future.set_exception(WorkerLost("it was killed"))
                else:
                    future.set_result(result)

        threading.Thread(target=run, daemon=True).start()
        return future


class FakeCluster:
    """Nodes by name, each with room for so many workers."""

    def __init__(self, *, hosted: Hosted | None = None, **room: int) -> None:
        self.hosted = hosted or Hosted(create=CREATE, arguments=(), device=None, threads=1)
        self.by_node = dict(room)
        self.versions: dict[str, str] = {}
        """Of nodes that have another version of Auricle."""
        self.arguments: dict[str, tuple[object, ...]] = {}
        """Of nodes whose engine is another one."""
        self.workers: list[FakeWorker] = []
        self.loads = threading.Event()
        """While it is not set, workers that are started do not become ready."""
        self.loads.set()
        self.closed = False
        self.looks = 0
        """How often somebody has asked for the room."""
        self._numbers = count(1)

    def room(self) -> int:
        self.looks += 1
        return sum(self.by_node.values())

    def start(self) -> FakeWorker:
        alive = [worker.node for worker in self.workers if not worker.is_dead]
        node = max(self.by_node, key=lambda name: self.by_node[name] - alive.count(name))
        hosted = Hosted(
            create=self.hosted.create,
            arguments=self.arguments.get(node, self.hosted.arguments),
            device=None,
            threads=1,
        )
        version = self.versions.get(node, own_version())
        worker = FakeWorker(f"w{next(self._numbers)}", node, hosted, version, self.loads)
        self.workers.append(worker)
        return worker

    def nodes(self) -> dict[str, bool]:
        return dict.fromkeys(self.by_node, True)

    def close(self) -> None:
        self.closed = True

    def lose(self, node: str) -> None:
        """Lose a node and its workers."""
        self.by_node.pop(node)
        for worker in self.workers:
            if worker.node == node:
                worker.lose_node()
