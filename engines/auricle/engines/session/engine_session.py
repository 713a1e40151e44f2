"""One session at the engine: its queue of audio and control, its turns, and its results.

Everything except a turn runs on the event loop. A turn is a function for a worker thread; the actor never runs two
turns of one session at once, so the recogniser needs no lock.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import anyio
import anyio.lowlevel

from auricle.engines.policy.events import Drop, Promote
from auricle.engines.protocol import (
    Engine,
    EngineError,
    PartialResult,
    Processed,
    QueueMoved,
    Result,
    StreamConfig,
    StreamDone,
)
from auricle.engines.scheduling.decode_request import DecodeCommand, DecodeRequest, Outcome
from auricle.engines.session.recogniser import open_recogniser
from auricle.engines.session.stateful_recogniser import StatefulRecogniser
from auricle.engines.session.window_recogniser import Output, WindowRecogniser
from auricle.engines.turn_taking.watch import TurnTaking

TURN_S: Final = 0.5
"""Most seconds of audio processed in one turn, so that partials appear in time and sessions share the workers."""

Turn = Callable[[], Sequence[Output]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flush:
    flush_id: str
    at_sample: int


@dataclass(frozen=True, slots=True)
class _EndInput:
    pass


class Host(Protocol):
    """The actor, as a session uses it. Called on the event loop."""

    def schedule(self, session: "EngineSession") -> None:
        """Put ``session`` at the end of the queue for turns."""

    def dispatch(self, session: "EngineSession", command: DecodeCommand) -> None:
        """Pass a decode command to the dispatcher; the outcome of a request comes back to `EngineSession.take`."""

    @property
    def partial_interval_s(self) -> float | None:
        """Seconds of speech between two partials under the present load; None: no partials."""


class EngineSession:
    """One session, returned by `EngineActor.open`.

    `feed`, `flush`, `finish` and `close` are synchronous and never block; audio and control are processed in the order
    of the calls. Results are read with `receive` or ``async for``.
    """

    def __init__(
        self,
        engine: Engine,
        config: StreamConfig,
        host: Host,
        owner: object | None = None,
        turns: TurnTaking | None = None,
    ) -> None:
        self.owner: Final = owner
        """Whoever opened the session, for those who watch (`EngineObserver`)."""
        self.over = False
        """Whether the session is done and has released what it held of the engine."""
        self._engine = engine
        self._config = config
        self._turns = turns
        self._host = host
        self._outcomes: list[tuple[int, Outcome]] = []
        self._queue: deque[bytearray | _Flush | _EndInput] = deque()
        self._queued_bytes = 0
        self._turn_bytes = max(1, round(config.audio.sample_rate * TURN_S)) * config.audio.frame_bytes
        self._preferred_bytes = 0
        """Audio to collect before a turn is worth its cost."""
        self._scheduled = False
        self.waits_since_s: float | None = None
        """Since when it has waited for a turn, on the event loop's clock; None while it has no work, and in a turn."""
        self._finished = False
        self._recogniser: StatefulRecogniser | WindowRecogniser | None = None
        self._results: list[Result] = []
        self._changed = anyio.Event()
        self._failure: str | None = None
        self._done = False
        """Whether no more results will be added."""

    # ------------------------------------------------------------------------ for the owner

    def feed(self, pcm: bytes) -> None:
        """Queue whole sample frames in the declared format.

        Raises `ValueError` when ``pcm`` ends inside a sample frame, `RuntimeError` after `finish`.
        """
        if len(pcm) % self._config.audio.frame_bytes:
            raise ValueError(f"{len(pcm)} bytes are not whole sample frames of {self._config.audio.frame_bytes}")
        self._check_open()
        if self._done or not pcm:
            return
        if self._queue and isinstance(self._queue[-1], bytearray):
            self._queue[-1] += pcm
        else:
            self._queue.append(bytearray(pcm))
        self._queued_bytes += len(pcm)
        if self._has_work:
            self._request_turn()

    def flush(self, flush_id: str, at_sample: int) -> None:
        """Have all audio before session sample ``at_sample`` decided; `FlushDone` with ``flush_id`` follows.

        ``at_sample`` must not lie beyond what has been fed. Raises `RuntimeError` after `finish`.
        """
        self._enqueue(_Flush(flush_id=flush_id, at_sample=at_sample))

    def finish(self) -> None:
        """End the input: all audio is decided, and `StreamDone` follows. Raises `RuntimeError` when called twice."""
        self._enqueue(_EndInput())
        self._finished = True

    def close(self) -> None:
        """End the session and discard queued audio and results. Safe to call twice, and at any time."""
        self._results.clear()
        self._end()

    @property
    def backlog_samples(self) -> int:
        """Session samples that have been fed and are not in a turn yet."""
        return self._queued_bytes // self._config.audio.frame_bytes

    @property
    def backlog_s(self) -> float:
        """The same in seconds."""
        return self.backlog_samples / self._config.audio.sample_rate

    async def receive(self) -> Sequence[Result]:
        """Wait for results and return all there are; an empty sequence once the session is over.

        For one task at a time. A `Processed`, `PartialResult` or `QueueMoved` that has not been received when a newer
        one is added is replaced by it. Raises `EngineError` when the engine has failed the session, after all
        earlier results. Cancellation loses no result.
        """
        await self._wait()
        results, self._results = self._results, []
        return results

    def __aiter__(self) -> Self:
        """Iterate over the results until the session is over. A later iteration continues where one stopped."""
        return self

    async def __anext__(self) -> Result:
        """Wait for the next result. Raises as `receive`."""
        await self._wait()
        if not self._results:
            raise StopAsyncIteration
        return self._results.pop(0)

    # ------------------------------------------------------------------------ for the actor

    def queue_moved(self, engine_s: float) -> None:
        """Report that the engine's queue has moved, in which work of this session waits. Part of `DecodeClient`."""
        self._publish(QueueMoved(engine_s=engine_s))

    def take(self, job: int, outcome: Outcome) -> None:
        """Take the outcome of the decode request ``job``; it is processed in a turn of its own."""
        if not self._done:
            self._outcomes.append((job, outcome))
            self._request_turn()

    def next_turn(self) -> Turn:
        """Remove the next work from the queue and return it as a function for a worker thread."""
        self.waits_since_s = None
        if self._done:
            return self.release
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            return lambda: self._apply_outcomes(outcomes)
        head = self._queue[0]
        if not isinstance(head, bytearray):
            self._queue.popleft()
            return lambda: self._apply_control(head)
        piece = bytes(head[: self._turn_bytes])
        del head[: self._turn_bytes]
        self._queued_bytes -= len(piece)
        if not head:
            self._queue.popleft()
        # While more audio is queued already, a partial would be outdated before it is decoded.
        interval_s = None if head else self._host.partial_interval_s
        return lambda: self._accept(piece, interval_s)

    def end_turn(self, outputs: Sequence[Output]) -> None:
        """Publish the outputs of the turn, and request another turn where there is more work."""
        self._scheduled = False
        if self._recogniser is not None:
            self._preferred_bytes = self._recogniser.preferred_chunk * self._config.audio.frame_bytes
        for output in outputs:
            match output:
                case DecodeRequest() | Promote() | Drop():
                    if not self._done:
                        self._host.dispatch(self, output)
                case _:
                    self._publish(output)
        if self._outcomes or self._has_work or (self._done and not self.over):
            self._request_turn()

    def fail(self, message: str) -> None:
        """End the session: `receive` raises `EngineError` with ``message``. Does nothing once the session is done."""
        if not self._done:
            self._failure = message
            self._end()

    def release(self) -> Sequence[Output]:
        """Release what the session holds of the engine. The last turn of every session, for a worker thread."""
        recogniser, self._recogniser = self._recogniser, None
        if recogniser is not None:
            recogniser.close()
        self.over = True
        return ()

    # ------------------------------------------------------------------------ inside

    async def _wait(self) -> None:
        """Wait until there are results or the session is done. Removes no result, so that cancellation loses none."""
        if self._results or self._done:
            await anyio.lowlevel.checkpoint()
        while not self._results and not self._done:
            self._changed = anyio.Event()
            await self._changed.wait()
        if not self._results and self._failure is not None:
            raise EngineError(self._failure)

    def _enqueue(self, control: _Flush | _EndInput) -> None:
        self._check_open()
        if not self._done:
            self._queue.append(control)
            self._request_turn()

    def _check_open(self) -> None:
        if self._finished:
            raise RuntimeError("the input of this session has been finished")

    @property
    def _has_work(self) -> bool:
        """Whether a control is queued, or enough audio for a turn."""
        if self._queue and (len(self._queue) > 1 or not isinstance(self._queue[0], bytearray)):
            return True
        return self._queued_bytes >= max(self._config.audio.frame_bytes, self._preferred_bytes)

    def _request_turn(self) -> None:
        if not self._scheduled:
            self._scheduled, self.waits_since_s = True, anyio.current_time()
            self._host.schedule(self)

    def _end(self) -> None:
        self._done = True
        self._queue.clear()
        self._queued_bytes = 0
        self._changed.set()
        self._request_turn()

    def _publish(self, result: Result) -> None:
        """Add ``result``; a newer `Processed`, `QueueMoved` or partial replaces the one before."""
        if self._done:
            return
        match result:
            case Processed() | PartialResult() | QueueMoved():
                self._results = [earlier for earlier in self._results if type(earlier) is not type(result)]
            case _:
                pass
        self._results.append(result)
        self._changed.set()
        if isinstance(result, StreamDone):
            self._end()

    # ------------------------------------------------------------------------ in a worker thread

    def _open_recogniser(self) -> StatefulRecogniser | WindowRecogniser:
        if self._recogniser is None:
            self._recogniser = open_recogniser(self._engine, self._config, self._turns)
        return self._recogniser

    def _accept(self, pcm: bytes, interval_s: float | None) -> Sequence[Output]:
        recogniser = self._open_recogniser()
        changed = recogniser.set_partial_interval(interval_s) if isinstance(recogniser, WindowRecogniser) else ()
        return [*changed, *recogniser.accept(pcm)]

    def _apply_outcomes(self, outcomes: Sequence[tuple[int, Outcome]]) -> Sequence[Output]:
        recogniser = self._open_recogniser()
        assert isinstance(recogniser, WindowRecogniser), "only sessions of a window engine send decode requests"
        outputs: list[Output] = []
        for job, outcome in outcomes:
            if isinstance(outcome, str):
                outputs += recogniser.decode_failed(job, outcome)
            else:
                outputs += recogniser.decoded(job, outcome)
        return outputs

    def _apply_control(self, control: _Flush | _EndInput) -> Sequence[Output]:
        match control:
            case _Flush(flush_id=flush_id, at_sample=at_sample):
                return self._open_recogniser().flush(flush_id, at_sample)
            case _EndInput():
                return self._open_recogniser().finish()
