"""Sessions at the pace of speech, in one process: ours and the naive one through the same verbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import anyio
from clips import Tape
from pacing import frame_deadline, frames, heard_by
from recording import Recording, Said

from auricle.engines.protocol import EngineError, Processed, Result, StreamConfig, StreamDone

FRAME_S = 0.04
"""Audio in one frame."""
PIECE_S = 0.5
"""Audio given at once where the pace is the machine's."""
SAMPLE_BYTES = 2
RATE = 16_000


class Session(Protocol):
    """What a session can do: `auricle.engines.session.engine_session.EngineSession` and `naive.NaiveSession`."""

    def feed(self, pcm: bytes) -> None:
        """Let it hear audio."""

    def finish(self) -> None:
        """No more audio will come."""

    async def receive(self) -> Sequence[Result]:
        """Wait for results; an empty sequence once it is over."""

    def close(self) -> None:
        """Nobody listens any more."""


class Service(Protocol):
    """What opens sessions."""

    def open(self, config: StreamConfig) -> Session:
        """Begin a session."""


@dataclass(slots=True)
class _Log:
    begin_s: float
    said: list[Said]
    finish_s: float = 0.0
    done_s: float | None = None
    late_s: float = 0.0
    failure: str | None = None


async def play(
    service: Service, tape: Tape, config: StreamConfig, *, patience_s: float, delay_s: float = 0.0
) -> Recording:
    """Let one session hear a tape as it is spoken, after ``delay_s``; then wait ``patience_s`` for its end."""
    begin_s = anyio.current_time() + delay_s
    await anyio.sleep_until(begin_s)
    session, log = service.open(config), _Log(begin_s=begin_s, said=[])
    with anyio.move_on_after(tape.seconds + patience_s):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_listen, session, log)
            await _speak(session, tape, log)
    session.close()
    return Recording(
        tape=tape,
        frame_s=FRAME_S,
        said=tuple(log.said),
        finish_s=log.finish_s,
        done_s=log.done_s,
        late_s=log.late_s,
        failure=log.failure,
    )


async def play_all(
    service: Service, tapes: Sequence[Tape], delays_s: Sequence[float], config: StreamConfig, *, patience_s: float
) -> list[Recording]:
    """Play a tape in each of many sessions at once. The recordings are in the order of the tapes."""
    recordings: dict[int, Recording] = {}

    async def one(index: int, tape: Tape, delay_s: float) -> None:
        recordings[index] = await play(service, tape, config, patience_s=patience_s, delay_s=delay_s)

    async with anyio.create_task_group() as tasks:
        for index, (tape, delay_s) in enumerate(zip(tapes, delays_s, strict=True)):
            tasks.start_soon(one, index, tape, delay_s)
    return [recordings[index] for index in range(len(tapes))]


async def rush(service: Service, tape: Tape, config: StreamConfig, *, patience_s: float) -> Recording:
    """Let one session hear a tape as fast as it can: the next piece comes when the one before has been heard."""
    session, log = service.open(config), _Log(begin_s=anyio.current_time(), said=[])
    fed = 0
    with anyio.move_on_after(patience_s):
        for piece in frames(tape.pcm, round(PIECE_S * RATE) * SAMPLE_BYTES):
            session.feed(piece)
            fed += len(piece) // SAMPLE_BYTES
            heard = 0
            while heard < fed:
                results = await session.receive()
                log.said += [Said(at_s=anyio.current_time() - log.begin_s, result=result) for result in results]
                heard = max((r.upto_sample for r in results if isinstance(r, Processed)), default=heard)
        log.finish_s = anyio.current_time() - log.begin_s
        session.finish()
        await _listen(session, log)
    session.close()
    return Recording(
        tape=tape,
        frame_s=PIECE_S,
        said=tuple(log.said),
        finish_s=log.finish_s,
        done_s=log.done_s,
        late_s=0.0,
        failure=log.failure,
    )


async def _speak(session: Session, tape: Tape, log: _Log) -> None:
    for index, frame in enumerate(frames(tape.pcm, round(FRAME_S * RATE) * SAMPLE_BYTES)):
        deadline_s = min(frame_deadline(log.begin_s, index, FRAME_S), log.begin_s + heard_by(tape.seconds, FRAME_S))
        await anyio.sleep_until(deadline_s)
        log.late_s = max(log.late_s, anyio.current_time() - deadline_s)
        session.feed(frame)
    log.finish_s = anyio.current_time() - log.begin_s
    session.finish()


async def _listen(session: Session, log: _Log) -> None:
    try:
        while results := await session.receive():
            now_s = anyio.current_time() - log.begin_s
            log.said += [Said(at_s=now_s, result=result) for result in results]
            if isinstance(results[-1], StreamDone):
                log.done_s = now_s
    except EngineError as error:
        log.failure = str(error)
