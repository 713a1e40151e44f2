"""One session at the engine: what waits to be heard, whose turn it is, and what there is to tell.

Everything but the turns themselves runs on the event loop. A turn is a function for a worker thread; the actor never
runs two of one session at once, so the recogniser needs no lock.
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
    Result,
    StreamConfig,
    StreamDone,
)
from auricle.engines.scheduling.decode_request import DecodeCommand, DecodeRequest, Outcome
from auricle.engines.session.recogniser import open_recogniser
from auricle.engines.session.stateful_recogniser import StatefulRecogniser
from auricle.engines.session.window_recogniser import Output, WindowRecogniser

TURN_S: Final = 0.5
"""Most audio heard in one turn: partials keep flowing, and others get theirs."""

Turn = Callable[[], Sequence[Output]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flush:
    flush_id: str
    at_sample: int


@dataclass(frozen=True, slots=True)
class _Finish:
    pass


class Host(Protocol):
    """What runs a session. Called on the event loop."""

    def schedule(self, session: "EngineSession") -> None:
        """Give ``session`` a turn, soon."""

    def dispatch(self, session: "EngineSession", wish: DecodeCommand) -> None:
        """See to a decode. What comes of it is told to `EngineSession.take`."""

    @property
    def partial_interval_s(self) -> float | None:
        """How often partials may be decoded now; None: not at all."""


class EngineSession:
    """Made by `EngineActor.open`. Its verbs are synchronous, never wait, and are obeyed in order."""

    def __init__(self, engine: Engine, config: StreamConfig, host: Host) -> None:
        self.over = False
        """Whether it holds nothing of the engine, and never will again."""
        self._engine = engine
        self._config = config
        self._host = host
        self._outcomes: list[tuple[int, Outcome]] = []
        self._waiting: deque[bytearray | _Flush | _Finish] = deque()
        self._waiting_bytes = 0
        self._turn_bytes = max(1, round(config.audio.sample_rate * TURN_S)) * config.audio.frame_bytes
        self._wanted_bytes = 0
        """So much audio is worth a turn."""
        self._scheduled = False
        self._finished = False
        self._recogniser: StatefulRecogniser | WindowRecogniser | None = None
        self._results: list[Result] = []
        self._news = anyio.Event()
        self._failure: str | None = None
        self._done = False
        """There will be no more results."""

    # ------------------------------------------------------------------------ for its owner

    def feed(self, pcm: bytes) -> None:
        """Let it hear whole sample frames. Raises `ValueError` inside a frame, `RuntimeError` after `finish`."""
        if len(pcm) % self._config.audio.frame_bytes:
            raise ValueError(f"{len(pcm)} bytes are not whole sample frames of {self._config.audio.frame_bytes}")
        self._check_open()
        if self._done or not pcm:
            return
        if self._waiting and isinstance(self._waiting[-1], bytearray):
            self._waiting[-1] += pcm
        else:
            self._waiting.append(bytearray(pcm))
        self._waiting_bytes += len(pcm)
        if self._has_work:
            self._want_turn()

    def flush(self, flush_id: str, at_sample: int) -> None:
        """Decide everything before session sample ``at_sample``, which has been fed. Raises as `feed`."""
        self._ask(_Flush(flush_id=flush_id, at_sample=at_sample))

    def finish(self) -> None:
        """No more audio will come: decide everything. Raises as `feed`."""
        self._ask(_Finish())
        self._finished = True

    def close(self) -> None:
        """Nobody listens any more: what waits is dropped. Safe to call twice, and at any time."""
        self._results.clear()
        self._end()

    @property
    def backlog_samples(self) -> int:
        """Session samples that have been fed and not yet given a turn."""
        return self._waiting_bytes // self._config.audio.frame_bytes

    async def receive(self) -> Sequence[Result]:
        """Wait for results and return all there are; an empty sequence once the session is over.

        For one task at a time. A `Processed` or a `PartialResult` nobody has taken is replaced by its successor. Raises
        `EngineError` when the engine broke the session, after everything it had said before.
        """
        await self._wait()
        results, self._results = self._results, []
        return results

    def __aiter__(self) -> Self:
        """Iterate over the results one by one, to the end; what an iteration leaves, `receive` or another one takes."""
        return self

    async def __anext__(self) -> Result:
        """Wait for the next result. Raises as `receive`."""
        await self._wait()
        if not self._results:
            raise StopAsyncIteration
        return self._results.pop(0)

    # ------------------------------------------------------------------------ for the actor

    def take(self, job: int, outcome: Outcome) -> None:
        """Take what came of a decode that was wished for."""
        if not self._done:
            self._outcomes.append((job, outcome))
            self._want_turn()

    def next_turn(self) -> Turn:
        """Take what is next and return it as a function for a worker thread."""
        if self._done:
            return self.release
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            return lambda: self._learn(outcomes)
        head = self._waiting[0]
        if not isinstance(head, bytearray):
            self._waiting.popleft()
            return lambda: self._obey(head)
        piece = bytes(head[: self._turn_bytes])
        del head[: self._turn_bytes]
        self._waiting_bytes -= len(piece)
        if not head:
            self._waiting.popleft()
        # While more audio is waiting already, a partial would be old before it is there.
        interval_s = None if head else self._host.partial_interval_s
        return lambda: self._hear(piece, interval_s)

    def end_turn(self, outputs: Sequence[Output]) -> None:
        """Tell what came of the turn, and queue up for the next one where there is more to do."""
        self._scheduled = False
        if self._recogniser is not None:
            self._wanted_bytes = self._recogniser.wanted * self._config.audio.frame_bytes
        for output in outputs:
            match output:
                case DecodeRequest() | Promote() | Drop():
                    if not self._done:
                        self._host.dispatch(self, output)
                case _:
                    self._tell(output)
        if self._outcomes or self._has_work or (self._done and not self.over):
            self._want_turn()

    def fail(self, message: str) -> None:
        """End the session with an `EngineError`. Nothing happens to one that is over."""
        if not self._done:
            self._failure = message
            self._end()

    def release(self) -> Sequence[Output]:
        """Give back what the engine lent. The last turn of every session; for a worker thread."""
        recogniser, self._recogniser = self._recogniser, None
        if recogniser is not None:
            recogniser.close()
        self.over = True
        return ()

    # ------------------------------------------------------------------------ inside

    async def _wait(self) -> None:
        """Wait until there are results, or never will be. Nothing is taken, so a cancelled waiter loses nothing."""
        if self._results or self._done:
            await anyio.lowlevel.checkpoint()
        while not self._results and not self._done:
            self._news = anyio.Event()
            await self._news.wait()
        if not self._results and self._failure is not None:
            raise EngineError(self._failure)

    def _ask(self, control: _Flush | _Finish) -> None:
        self._check_open()
        if not self._done:
            self._waiting.append(control)
            self._want_turn()

    def _check_open(self) -> None:
        if self._finished:
            raise RuntimeError("the input of this session has been finished")

    @property
    def _has_work(self) -> bool:
        """Whether a control is waiting, or audio enough for a turn."""
        if self._waiting and (len(self._waiting) > 1 or not isinstance(self._waiting[0], bytearray)):
            return True
        return self._waiting_bytes >= max(self._config.audio.frame_bytes, self._wanted_bytes)

    def _want_turn(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._host.schedule(self)

    def _end(self) -> None:
        self._done = True
        self._waiting.clear()
        self._waiting_bytes = 0
        self._news.set()
        self._want_turn()

    def _tell(self, result: Result) -> None:
        if self._done:
            return
        match result:
            case Processed() | PartialResult():
                self._results = [untaken for untaken in self._results if type(untaken) is not type(result)]
            case _:
                pass
        self._results.append(result)
        self._news.set()
        if isinstance(result, StreamDone):
            self._end()

    # ------------------------------------------------------------------------ in a worker thread

    def _recognise(self) -> StatefulRecogniser | WindowRecogniser:
        if self._recogniser is None:
            self._recogniser = open_recogniser(self._engine, self._config)
        return self._recogniser

    def _hear(self, pcm: bytes, interval_s: float | None) -> Sequence[Output]:
        recogniser = self._recognise()
        paced = recogniser.pace(interval_s) if isinstance(recogniser, WindowRecogniser) else ()
        return [*paced, *recogniser.accept(pcm)]

    def _learn(self, outcomes: Sequence[tuple[int, Outcome]]) -> Sequence[Output]:
        recogniser = self._recognise()
        assert isinstance(recogniser, WindowRecogniser), "a stateful engine decodes in its turns"
        outputs: list[Output] = []
        for job, outcome in outcomes:
            outputs += recogniser.failed(job, outcome) if isinstance(outcome, str) else recogniser.heard(job, outcome)
        return outputs

    def _obey(self, control: _Flush | _Finish) -> Sequence[Output]:
        match control:
            case _Flush(flush_id=flush_id, at_sample=at_sample):
                return self._recognise().flush(flush_id, at_sample)
            case _Finish():
                return self._recognise().finish()
