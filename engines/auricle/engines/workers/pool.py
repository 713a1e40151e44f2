"""The pool of workers: as many as there is room for, watched, and called one call at a time each.

One thread of its own (`_keep`) starts workers, hears whether they are alive, and replaces those that are lost. Calls
come from worker threads of the gateway. A call whose worker is lost, or falls silent, is made again on another one: it
depends on nothing but what it is given, so that an answer that comes after all does no harm.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Final

from auricle.engines.failures import STOPPED
from auricle.engines.isolation.frames import FrameError
from auricle.engines.isolation.messages import Decode, LoadFailed, Ready, Reply
from auricle.engines.protocol import EngineError, EngineUnavailable, LoadProgress, Transcript, Window
from auricle.engines.scheduling.budgets import ATTEMPTS, attempt_budget_s
from auricle.engines.supervised import CallGivenUp, EngineTrouble, WorkersStatus
from auricle.engines.workers.payload import packed, unpacked_answer
from auricle.engines.workers.protocol import Cluster, NodeLost, Worker, WorkerLost
from auricle.engines.workers.slot import Slot

logger = logging.getLogger(__name__)

LOOK_S: Final = 0.25
"""Seconds between two looks at the workers."""
COUNT_S: Final = 1.0
"""Seconds between two looks at how much room there is."""
SILENT_S: Final = 2.0
"""A worker that was not heard for so long gets no call, and the one it has is made elsewhere. Reason: what is between
the machines notices the loss of one only after 15 s or more (notes/operations.md §3.1)."""
GONE_S: Final = 15.0
"""A worker that was not heard for so long is ended and replaced: no busy machine keeps one from answering for it."""
WAIT_S: Final = 60.0
"""Seconds that a call waits for a worker where all are lost: some start, and load their model, meanwhile."""
REFUSED_S: Final = 30.0
"""Seconds until another worker takes the place of one that could not be used: mostly the next could not be either."""
EXCESS_S: Final = 5.0
"""Seconds until workers that wait for room that has gone are given up. Reason: with a node goes its room, and each
worker that was to begin there ends; the ones that are left may all be about to be ready."""
LASTING_S: Final = 10.0
"""Without any worker for so long nobody knows when there will be one."""
MOST_REFUSED: Final = 8
"""Reasons that are remembered."""


class WorkerPool:
    """The workers of one engine in a cluster.

    At most ``most`` of them; None: as many as there is room for. Workers of another ``version`` of Auricle are refused.
    A request is sent in pieces of at most ``piece_bytes``. ``clock`` returns monotonic seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        address: str,
        version: str,
        most: int | None,
        piece_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._address = address
        self._version = version
        self._most = most
        self._piece_bytes = piece_bytes
        self._clock = clock
        self._changed = threading.Condition()
        self._slots: list[Slot] = []
        self._reference: Ready | None = None
        """What the first worker has, and all others must have."""
        self._refused: deque[tuple[float, str]] = deque(maxlen=MOST_REFUSED)
        """When a worker was refused, and why."""
        self._wanted = 0
        self._lost = 0
        self._answers = 0
        self._repeated = 0
        self._excess_s: float | None = None
        """Since when there are more workers than wanted; None: there are not."""
        self._served_s = clock()
        """When there was last a worker."""
        self._stopped = threading.Event()
        self._numbers = count(1)
        self._keeper = threading.Thread(target=self._keep, name="engine workers", daemon=True)

    # ------------------------------------------------------------------------ for the engine

    def start(self, progress: LoadProgress) -> Ready:
        """Start workers, and wait for the first. Raises `EngineUnavailable` where that cannot be used."""
        self._keeper.start()
        while True:
            with self._changed:
                if self._reference is not None:
                    return self._reference
                if self._stopped.is_set():
                    raise EngineUnavailable(STOPPED)
                if self._refused:
                    raise EngineUnavailable(self._refused[-1][1])
                stage = (
                    "Starting an engine worker" if self._slots else f"Waiting for room for a worker on {self._address}"
                )
                self._changed.wait(LOOK_S)
            progress(stage, None)

    def call(self, windows: tuple[Window, ...], budget_s: float) -> tuple[Transcript, ...]:
        """Decode windows on some worker. An attempt may take ``budget_s`` seconds, and longer ones after a wedged one.

        Raises `EngineError` as the worker tells, and where there is none; `CallGivenUp` after `ATTEMPTS`.
        """
        try:
            request = packed(Decode(number=next(self._numbers), windows=windows), self._piece_bytes)
        except FrameError as error:
            raise EngineError(str(error)) from error
        wedged = 0
        for _ in range(ATTEMPTS):
            slot, awaited = self._take()
            slot.worker.decode(request).add_done_callback(partial(self._answered, slot, awaited))
            try:
                return _transcripts(awaited.result(attempt_budget_s(budget_s, wedged)))
            except TimeoutError:
                wedged += 1
                self._lose(slot, "it did not answer a call in time")
            except WorkerLost:
                pass
            with self._changed:
                self._repeated += 1
            if self._stopped.is_set():
                raise EngineError(STOPPED)
        raise CallGivenUp(f"{ATTEMPTS} engine workers were lost over this.")

    @property
    def serving(self) -> int:
        """How many workers can be called, or are."""
        with self._changed:
            return sum(slot.is_serving and not slot.is_silent for slot in self._slots)

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the workers from answering; None: nothing."""
        if self.serving:
            return None
        with self._changed:
            missing_s = self._clock() - self._served_s
            reason = f" {self._refused[-1][1]}" if self._refused else ""
        return EngineTrouble(
            why=f"There is no engine worker on {self._address}.{reason}", lasting=missing_s > LASTING_S
        )

    @property
    def status(self) -> WorkersStatus:
        """What they do just now."""
        with self._changed:
            return WorkersStatus(
                address=self._address,
                wanted=self._wanted,
                workers=tuple(slot.status for slot in self._slots),
                refused=tuple(dict.fromkeys(why for _, why in self._refused)),
                lost=self._lost,
                answered=self._answers,
                repeated=self._repeated,
            )

    def close(self) -> None:
        """End all workers; calls raise `EngineError`. Safe to call twice, and at any time."""
        self._stopped.set()
        with self._changed:
            slots, self._slots = self._slots, []
            self._changed.notify_all()
        for slot in slots:
            slot.give_up_call(STOPPED)
        if self._keeper.is_alive() and threading.current_thread() is not self._keeper:
            self._keeper.join(COUNT_S)
        for slot in slots:
            slot.worker.kill()
        self._cluster.close()

    # ------------------------------------------------------------------------ calls

    def _take(self) -> "tuple[Slot, Future[bytes]]":
        """Return a worker that is free, and idle for longest, and where its answer will be. Raises `EngineError`."""
        until_s = self._clock() + WAIT_S
        with self._changed:
            while not self._stopped.is_set():
                free = [slot for slot in self._slots if slot.is_free]
                if free:
                    slot = min(free, key=lambda slot: slot.idle_since_s)
                    slot.is_busy, slot.awaited = True, Future()
                    return slot, slot.awaited
                left_s = until_s - self._clock()
                if left_s <= 0.0:
                    raise EngineError(f"There was no engine worker on {self._address} for {WAIT_S:g} s.")
                self._changed.wait(left_s)
        raise EngineError(STOPPED)

    def _answered(self, slot: Slot, awaited: "Future[bytes]", answer: "Future[bytes]") -> None:
        """Pass an answer on, in a thread of the cluster's; a worker that is lost is forgotten."""
        error = answer.exception()
        with self._changed:
            slot.is_busy, slot.idle_since_s = False, self._clock()
            if error is None:
                slot.calls += 1
                self._answers += 1
                slot.heard_s, slot.is_silent = self._clock(), False
            self._changed.notify_all()
        if error is None:
            with suppress(InvalidStateError):  # it was asked of another one meanwhile
                awaited.set_result(answer.result())
        else:
            self._lose(slot, str(error))

    def _lose(self, slot: Slot, why: str) -> None:
        """Forget a worker, end it, and let its call be made elsewhere."""
        with self._changed:
            known = slot in self._slots
            if known:
                self._slots.remove(slot)
                self._lost += slot.is_serving
            self._changed.notify_all()
        slot.give_up_call(why)
        if known and not self._stopped.is_set():
            logger.warning("The engine worker %s of node %s is lost: %s", slot.worker.name, slot.node or "?", why)
            slot.worker.kill()

    # ------------------------------------------------------------------------ keeping workers

    def _keep(self) -> None:
        count_at_s = self._clock()
        while not self._stopped.is_set():
            try:
                if self._clock() >= count_at_s:
                    self._start_missing()
                    count_at_s = self._clock() + COUNT_S
                self._look()
            except Exception:  # of the cluster, which may be away for a while
                logger.exception("The engine workers cannot be looked after just now")
            self._stopped.wait(LOOK_S)

    def _start_missing(self) -> None:
        """Start workers where there is room, and give up those that wait for room that has gone."""
        room = self._cluster.room()
        with self._changed:
            self._wanted = room if self._most is None else self._most
            now_s = self._clock()
            refused = sum(now_s - at_s < REFUSED_S for at_s, _ in self._refused)
            missing = self._wanted - refused - len(self._slots)
            waiting = [slot for slot in self._slots if not slot.is_serving]
        if missing >= 0 or not waiting:
            self._excess_s = None
        elif self._excess_s is None:
            self._excess_s = now_s
        elif now_s - self._excess_s >= EXCESS_S:
            # Room is given in the order of asking: the latest have none yet.
            for slot in waiting[missing:]:
                self._withdraw(slot)
        for _ in range(missing):
            self._add(self._cluster.start())

    def _add(self, worker: Worker) -> None:
        slot = Slot(worker=worker, loading=worker.load(), heard_s=self._clock())
        with self._changed:
            self._slots.append(slot)
            self._changed.notify_all()
        if self._stopped.is_set():
            worker.kill()

    def _withdraw(self, slot: Slot) -> None:
        with self._changed:
            if slot in self._slots:
                self._slots.remove(slot)
        slot.worker.kill()

    def _look(self) -> None:
        with self._changed:
            slots = list(self._slots)
        for slot in slots:
            if slot.is_serving:
                self._hear(slot)
            elif slot.loading.done():
                self._loaded(slot)
        with self._changed:
            if any(slot.is_serving for slot in self._slots):
                self._served_s = self._clock()

    def _loaded(self, slot: Slot) -> None:
        """Take a worker into service that says that it is ready, or refuse it."""
        error = slot.loading.exception()
        if isinstance(error, NodeLost):
            logger.info("An engine worker did not start: %s", error)
            self._withdraw(slot)
            return
        if error is not None:
            self._refuse(slot, f"An engine worker did not start: {error}")
            return
        node, version, answer = slot.loading.result()
        slot.node = node
        why, ready = _refusal(node, version, answer, self._version, self._reference)
        if ready is None:
            self._refuse(slot, why)
            return
        with self._changed:
            self._reference = self._reference or ready
            slot.is_serving, slot.heard_s, slot.idle_since_s = True, self._clock(), self._clock()
            self._changed.notify_all()
        logger.info("An engine worker on node %s is ready", node)

    def _refuse(self, slot: Slot, why: str) -> None:
        logger.warning("%s", why)
        with self._changed:
            self._refused.append((self._clock(), why))
        self._withdraw(slot)

    def _hear(self, slot: Slot) -> None:
        """Ask a worker whether it is alive, and hear what it said to that."""
        now_s = self._clock()
        if slot.ping is not None and slot.ping.done():
            if slot.ping.exception() is not None:
                self._lose(slot, str(slot.ping.exception()))
                return
            with self._changed:
                slot.heard_s, slot.is_silent, slot.ping = now_s, False, None
                self._changed.notify_all()
        if slot.ping is None:
            slot.ping = slot.worker.ping()
        silence_s = now_s - slot.heard_s
        if silence_s > GONE_S:
            self._lose(slot, f"it has said nothing for {silence_s:.0f} s")
        elif silence_s > SILENT_S and not slot.is_silent:
            logger.warning("The engine worker %s of node %s is silent", slot.worker.name, slot.node)
            with self._changed:
                slot.is_silent = True
            slot.give_up_call("it is silent")


def _refusal(node: str, version: str, answer: bytes, ours: str, reference: Ready | None) -> tuple[str, Ready | None]:
    """Return why a worker cannot be used, and None; or nothing, and what it has."""
    if version != ours:
        return (
            f"The engine worker on node {node} has Auricle {version}, and this server {ours}: install the same.",
            None,
        )
    try:
        said = unpacked_answer(answer)
    except FrameError as error:
        return f"The engine worker on node {node} said what is no answer: {error}", None
    if not isinstance(said, Ready):
        why = said.message if isinstance(said, LoadFailed) else "it answered something else."
        return f"The engine worker on node {node} could not load its engine: {why}", None
    if reference is not None and _kind(said) != _kind(reference):
        theirs, expected = (
            f"{info.name} {info.model} {info.version or ''}".strip() for info in (said.info, reference.info)
        )
        return (
            f"The engine worker on node {node} has {theirs}, and the others {expected}: give all nodes the same model.",
            None,
        )
    return "", said


def _kind(ready: Ready) -> tuple[object, ...]:
    """Return what must be the same for all workers of an engine."""
    info, lanes = ready.info, ready.lanes
    assert lanes is not None, "a host loads window engines alone"
    return info.name, info.model, info.version, dict(ready.parts), lanes.batch, lanes.buckets


def _transcripts(data: bytes) -> tuple[Transcript, ...]:
    """Return what an answer tells. Raises `EngineError`."""
    try:
        reply = unpacked_answer(data)
    except FrameError as error:
        raise EngineError(f"An engine worker said what is no answer: {error}") from error
    if not isinstance(reply, Reply):
        raise EngineError("An engine worker answered something else.")
    if reply.error is not None:
        raise EngineError(reply.error)
    return reply.transcripts
