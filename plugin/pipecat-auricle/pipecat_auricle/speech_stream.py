"""One stream of audio to a server, and what it says: over as many sessions as it takes, and without losing a word.

The client of a session reconnects and resumes by itself. A stream goes on where a session has ended for good: the next
one hears again what was not decided. It knows nothing of Pipecat.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, cast

from auricle.core import (
    Ack,
    BacklogFull,
    ClientEvent,
    Configured,
    ErrorMessage,
    Flushed,
    FlushTimedOut,
    Interrupted,
    Partial,
    Restarted,
    Resumed,
    SessionClosed,
    SpeechEnd,
    SpeechStart,
    Start,
)
from auricle.core import Final as FinalMessage
from auricle.transports.asyncio import Change, Client, ConnectFailed, SessionOver
from pipecat_auricle.stream_events import (
    Away,
    Connected,
    Disconnected,
    FlushAnswered,
    Heard,
    Lost,
    Refused,
    Report,
    StreamEvent,
    StreamFailed,
    moved,
)
from pipecat_auricle.undecided_audio import UndecidedAudio

SPEECH_START_LAG_S: Final = 1.0
"""Speech may begin so long before the sample at which a server detects it."""
LONGEST_UTTERANCE_S: Final = 60.0
"""No utterance that is still open began earlier: ``max_segment_ms`` allows 28 s at most."""
FIRST_DELAY_S: Final = 0.1
LONGEST_DELAY_S: Final = 2.0
"""Between two sessions of which the first came to nothing."""
RATE_LIMITED: Final = "rate_limited"
"""The code of what a server does not take now, because of how much it has taken just before."""
RATE_PAUSE_S: Final = 1.0
"""Pause before it is asked again: a server takes several flushes and changes a second."""
PLANNED: Final = frozenset({"completed", "shutdown", "session_limit", "idle", "cancelled"})
"""Ends that a server chose: nothing was wrong with what was asked, and another session may have it."""


class _Flush(NamedTuple):
    at: int
    number: int


class _Configure(NamedTuple):
    at: int
    change: Change
    start: Start


class SpeechStream:
    """Give it audio whenever there is some; `run` tells what is heard, until the input has ended and is decided.

    ``open_client`` opens a session with a ``start``, and ``tell`` takes the events, one after another.
    ``max_backlog_s``: audio that may wait for a server. ``give_up_after_s``: the same for how long none can be had;
    None: for ever. ``drain_timeout_s`` takes its place once the input has ended.
    """

    def __init__(
        self,
        start: Start,
        *,
        open_client: Callable[[Start], AbstractAsyncContextManager[Client]],
        tell: Callable[[StreamEvent], Awaitable[None]],
        max_backlog_s: float,
        drain_timeout_s: float,
        give_up_after_s: float | None = None,
    ) -> None:
        self._start = start
        self._rate = start.audio.sample_rate
        self._open_client = open_client
        self._tell = tell
        self._drain_timeout_s = drain_timeout_s
        self._give_up_after_s = give_up_after_s
        self._audio = UndecidedAudio(most_samples=round(max_backlog_s * self._rate))
        self._dropping = 0
        """Samples that were dropped, and of which nobody has been told."""
        self._flushes: list[_Flush] = []
        """Those without an answer."""
        self._flush_count = 0
        self._todo: deque[_Flush | _Configure] = deque()
        """What is to be said to the present session, in the order of positions."""
        self._sent_flushes: dict[str, _Flush] = {}
        self._changes: dict[str, _Configure] = {}
        """Changes without an answer."""
        self._accepted = start
        self._late_fields: set[str] = set()
        """Fields of changes that came too soon after others, and are to be said once more."""
        self._late: asyncio.TimerHandle | None = None
        """When that is done; None: nothing came too soon."""
        self._wake = asyncio.Event()
        self._ended = False
        self._over = False
        self._speaking = False
        self._processed = 0
        self._sessions = 0
        self._lost = 0
        self._progress = 0

    # ------------------------------------------------------------------------ what the application says

    def send(self, pcm: bytes) -> None:
        """Take audio, 16-bit and mono. Never waits; where too much waits already, it is dropped and told as lost."""
        self._dropping += self._audio.append(pcm)
        self._wake.set()

    def flush(self) -> int:
        """Ask for the finals of all audio so far. Return the number of this flush; two at one position are one."""
        at = self._audio.end
        if self._flushes and self._flushes[-1].at == at:
            return self._flushes[-1].number
        self._flush_count += 1
        flush = _Flush(at, self._flush_count)
        self._flushes.append(flush)
        self._todo.append(flush)
        self._wake.set()
        return flush.number

    def change(self, start: Start, change: Change) -> None:
        """Go on with another configuration: the audio from here on, and later sessions with ``start``."""
        self._start = start
        in_flight = self._changes or any(isinstance(item, _Configure) for item in self._todo)
        if start == self._accepted and not in_flight:
            return
        self._todo.append(_Configure(self._audio.end, change, start))
        self._wake.set()

    def end_input(self) -> None:
        """No more audio will come. Idempotent."""
        self._ended = True
        self._wake.set()

    @property
    def report(self) -> Report:
        """The numbers so far."""
        waiting = len(self._audio)
        return Report(
            sessions=self._sessions,
            given_s=self._audio.end / self._rate,
            decided_s=(self._audio.end - waiting - self._lost) / self._rate,
            lost_s=self._lost / self._rate,
            complete=(not waiting and not self._lost) if self._over else None,
        )

    @property
    def progress(self) -> int:
        """A number that changes whenever a server has got on with the audio."""
        return self._progress

    # ------------------------------------------------------------------------ session after session

    async def run(self) -> None:
        """Serve until the input has ended and is decided. Raises `StreamFailed`; what is undecided is lost then."""
        clock = asyncio.get_running_loop().time
        delay_s, away_since, told = FIRST_DELAY_S, None, False
        try:
            while True:
                before = self._audio.start
                closed = await self._run_session()
                if self._ended and not self._audio:
                    return
                if self._audio.start > before:
                    delay_s, away_since, told = FIRST_DELAY_S, None, False
                away_since = clock() if away_since is None else away_since
                if not _may_help(closed) or self._gives_up(clock() - away_since):
                    raise StreamFailed(closed)
                if closed.reason not in PLANNED and not told:
                    told = True
                    await self._tell(Away(closed, len(self._audio) / self._rate))
                await asyncio.sleep(max(delay_s, min(closed.retry_after_s or 0.0, LONGEST_DELAY_S)))
                delay_s = min(2 * delay_s, LONGEST_DELAY_S)
        finally:
            self._over = True
            self._forget_late()
            self._lost += len(self._audio)
            self._audio.release(self._audio.end)

    def _gives_up(self, away_s: float) -> bool:
        patience_s = self._drain_timeout_s if self._ended else self._give_up_after_s
        return patience_s is not None and away_s >= patience_s

    async def _run_session(self) -> SessionClosed:
        """Serve with one session, and return how it ended."""
        offset = self._audio.start
        self._todo = deque(self._flushes)
        self._sent_flushes.clear()
        self._changes.clear()
        self._forget_late()
        self._speaking, self._processed = False, 0
        start = self._start
        try:
            async with self._open_client(start) as client, asyncio.TaskGroup() as tasks:
                client.warns_after_s = None  # a muted microphone is nothing forgotten
                self._accepted = start
                self._sessions += 1
                self._progress += 1
                await self._tell(Connected(client.ready))
                pump = tasks.create_task(self._pump(client, offset))
                async for event in client:
                    await self._hear(event, offset)
                pump.cancel()
        except ConnectFailed as failed:
            return failed.closed
        closed = client.closed
        assert closed is not None, "the events of a client end with its SessionClosed"
        return closed

    # ------------------------------------------------------------------------ to the server

    async def _pump(self, client: Client, position: int) -> None:
        """Send what waits, from a position on, and then whatever comes."""
        try:
            while True:
                self._wake.clear()
                chunk = self._audio.first_from(position)
                if self._todo and (chunk is None or self._todo[0].at <= position):
                    await self._say(client, self._todo.popleft())
                elif chunk is not None:
                    if chunk.pcm is None:
                        await client.skip(chunk.end - chunk.start)
                    else:
                        await client.send_audio(chunk.pcm)
                    position = chunk.end
                elif self._dropping:
                    dropped_s, self._dropping = self._dropping / self._rate, 0
                    await self._tell(Lost(dropped_s, "more of it waited for the server than may wait."))
                elif self._ended:
                    await client.end_input()
                    return
                else:
                    await self._wake.wait()
        except SessionOver:
            return  # its events say how it ended

    async def _say(self, client: Client, what: _Flush | _Configure) -> None:
        while True:
            try:
                if isinstance(what, _Configure):
                    self._changes[await client.configure(**what.change)] = what
                elif what in self._flushes:  # an answer to a later one may have been its own
                    self._sent_flushes[await client.flush()] = what
                return
            except BacklogFull:  # one of those that wait is answered first
                self._wake.clear()
                await self._wake.wait()

    # ------------------------------------------------------------------------ from the server

    async def _hear(self, event: ClientEvent, offset: int) -> None:
        match event:
            case SpeechStart() | SpeechEnd():
                self._speaking = isinstance(event, SpeechStart)
            case Ack(committed=committed, processed=processed):
                self._progress += processed > self._processed
                self._processed = max(self._processed, processed)
                self._decide(offset + max(committed, self._end_of_non_speech(processed)))
            case Partial():
                await self._tell(Heard(moved(event, offset / self._rate), None))
            case FinalMessage(audio=(_, end), flush=flush_id):
                self._decide(offset + end)
                flush = self._sent_flushes.get(flush_id or "")
                number = None if flush is None else flush.number
                await self._tell(Heard(moved(event, offset / self._rate), number))
            case Flushed(id=flush_id, upto=upto):
                self._decide(offset + upto)
                await self._answer(flush_id)
            case FlushTimedOut(id=flush_id):
                await self._answer(flush_id)
            case Configured(id=change_id):
                change = self._changes.pop(change_id, None)
                self._accepted = self._accepted if change is None else change.start
                self._wake.set()
            case ErrorMessage():
                await self._hear_error(event, offset)
            case Interrupted(message=message):
                await self._tell(Disconnected(message))
            case Resumed():
                await self._tell(Connected(None))
            case Restarted(origin_sample=origin, lost_samples=lost):
                self._speaking = False
                await self._lose(offset + origin - lost, offset + origin, "the server had lost it")
                await self._tell(Connected(None))
            case SessionClosed():
                self._decide(offset + event.accounting.committed)
            case _:
                pass

    async def _hear_error(self, error: ErrorMessage, offset: int) -> None:
        if error.audio is not None:
            begin, end = error.audio
            await self._lose(offset + begin, offset + end, error.message)
        if error.ref is None:
            return
        refused = self._changes.pop(error.ref, None)
        if error.code == RATE_LIMITED:
            self._sent_flushes.pop(error.ref, None)
            self._ask_later(() if refused is None else refused.change)
        elif refused is None:
            await self._answer(error.ref)
        else:
            self._wake.set()
            await self._tell(Refused(refused.start, self._accepted, error.message))

    async def _answer(self, flush_id: str) -> None:
        """Take an answer to a flush. It is one to those before it too that were not taken when they were said."""
        flush = self._sent_flushes.pop(flush_id, None)
        if flush is None:
            return
        sent = self._sent_flushes.values()
        answered = [one for one in self._flushes if one.number <= flush.number and one not in sent]
        self._flushes = [one for one in self._flushes if one not in answered]
        self._wake.set()
        for one in answered:
            await self._tell(FlushAnswered(one.number))

    def _ask_later(self, fields: Iterable[str]) -> None:
        """Have said once more, a little later, what the server has not taken because of what came just before it."""
        self._late_fields.update(fields)
        self._wake.set()
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(RATE_PAUSE_S, self._ask_again)

    def _ask_again(self) -> None:
        """Say one change for all, and the last flush for those before it."""
        self._late = None
        if self._late_fields:
            change = cast(Change, {name: getattr(self._start, name) for name in self._late_fields})
            self._late_fields.clear()
            self._todo.appendleft(_Configure(0, change, self._start))
        is_asked = self._sent_flushes or any(isinstance(item, _Flush) for item in self._todo)
        if self._flushes and not is_asked:
            self._todo.append(self._flushes[-1])
        self._wake.set()

    def _forget_late(self) -> None:
        """Nothing is said again: the next session begins with all of it."""
        self._late_fields.clear()
        if self._late is not None:
            self._late.cancel()
            self._late = None

    async def _lose(self, begin: int, end: int, message: str) -> None:
        self._decide(begin)
        lost = min(end, self._audio.end) - self._audio.start
        if lost > 0:
            self._audio.release(end)
            self._lost += lost
            await self._tell(Lost(lost / self._rate, message))

    def _decide(self, upto: int) -> None:
        before = self._audio.start
        self._lost += self._audio.release(upto)
        self._progress += self._audio.start > before

    def _end_of_non_speech(self, processed: int) -> int:
        """Return the sample before which no final can begin any more.

        A server commits silence only with the next final; an hour of it should not wait here.
        """
        open_s = LONGEST_UTTERANCE_S if self._speaking else SPEECH_START_LAG_S
        return processed - round(open_s * self._rate)


def _may_help(closed: SessionClosed) -> bool:
    """Return whether another session may do better."""
    if closed.reason in PLANNED:
        return True
    refused = closed.error is not None or 4400 <= closed.code < 4600
    return closed.retriable or (closed.reason == "lost" and not refused)
