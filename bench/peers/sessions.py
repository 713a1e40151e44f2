"""One session with a server: audio at the pace of speech, and what was shown of its words, and when."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from clips import Tape
from pacing import frame_deadline, frames

from auricle.engines.protocol import ENGINE_RATE

FRAME_S: Final = 0.1
SAMPLE_BYTES: Final = 2
PATIENCE_S: Final = 60.0
"""How long the end of a session is waited for when its tape has been played."""


class Shown(NamedTuple):
    """The whole text of a session at one moment: what a user would see."""

    at_s: float
    """Since the first frame began."""
    final: str
    """What the server says will not change any more."""
    open: str
    """What follows, and may change."""

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.final} {self.open}".strip()


@dataclass(slots=True)
class Session:
    """A session that is being held, and what came of it."""

    tape: Tape
    shown: list[Shown] = field(default_factory=list)
    input_end_s: float | None = None
    """When the client said that there is no more audio."""
    done_s: float | None = None
    """When the server had said, in the way of its protocol, that this was all; None: it never did."""
    late_s: float = 0.0
    """How late the latest frame was sent: what the bench itself did not hold."""
    failure: str | None = None
    _begin_s: float | None = None

    def now_s(self) -> float:
        """Return the seconds since the first frame began; zero before."""
        return 0.0 if self._begin_s is None else asyncio.get_running_loop().time() - self._begin_s

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield the tape as 16-bit PCM at 16 kHz, each frame when it has been said; begins the session's time."""
        now = asyncio.get_running_loop().time
        self._begin_s = now()
        for index, frame in enumerate(frames(self.tape.pcm, round(FRAME_S * ENGINE_RATE) * SAMPLE_BYTES)):
            deadline_s = frame_deadline(self._begin_s, index, FRAME_S)
            await asyncio.sleep(deadline_s - now())
            self.late_s = max(self.late_s, now() - deadline_s)
            yield frame

    def show(self, *, final: str, open_: str = "") -> None:
        """Note what is shown now."""
        if not self.shown or (final, open_) != self.shown[-1][1:]:
            self.shown.append(Shown(self.now_s(), final, open_))

    def end_input(self) -> None:
        """Note that the client says now that there is no more audio."""
        self.input_end_s = self.now_s()

    def done(self) -> None:
        """Note that the server has said that this was all."""
        self.done_s = self.now_s()

    async def until_quiet(self, last_s: Callable[[], float], quiet_s: float) -> None:
        """Wait until so many seconds have gone by since what ``last_s`` returns, which may come again meanwhile."""
        while True:
            rest_s = last_s() + quiet_s - self.now_s()
            if rest_s <= 0:
                return
            await asyncio.sleep(rest_s)

    @property
    def has_ended(self) -> bool:
        """Whether it ended as it should."""
        return self.done_s is not None and self.failure is None


Converse = Callable[[int, Session], Awaitable[None]]
"""Holds a session with the server on a port, as its own clients do. What it raises ends the session, and is told."""


async def hold(converse: Converse, port: int, tape: Tape) -> Session:
    """Hold one session to its end; one that has not ended in time is given up."""
    session = Session(tape=tape)
    try:
        async with asyncio.timeout(tape.seconds + PATIENCE_S):
            await converse(port, session)
    except TimeoutError:
        session.failure = f"it had not ended {PATIENCE_S:g} s after its last frame"
    except Exception as error:  # whatever a peer's client meets is the result of this session
        session.failure = _told(error)
    if session.failure is None and session.done_s is None:
        session.failure = "its connection ended before the server had said that this was all"
    return session


def _told(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def hold_all(converse: Converse, port: int, rounds: list[list[Tape]], apart_s: float) -> list[Session]:
    """Hold the sessions of each round side by side, one round after the other.

    Those of a round begin ``apart_s`` after each other, so that their utterances do not end together.
    """

    async def later(index: int, tape: Tape) -> Session:
        await asyncio.sleep(index * apart_s)
        return await hold(converse, port, tape)

    held: list[Session] = []
    for tapes in rounds:
        held += await asyncio.gather(*(later(index, tape) for index, tape in enumerate(tapes)))
    return held
