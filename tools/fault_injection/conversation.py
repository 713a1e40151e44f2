"""What every session says, and what comes of it: the same, whatever happens to its connections."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import trio

import auricle.transports.asyncio as asyncio_transport
import auricle.transports.trio as trio_transport
from auricle.core import AuricleError, Configured, Features, Flushed, Limits, SessionClosed, Start
from auricle.core import Final as FinalMessage
from auricle.core.events import Accounting, Restarted
from auricle.core.messages import Resumed
from auricle.transports.client import BaseClient
from fault_injection.listening.engine import PAUSE_SAMPLES, spoken, text_of

Backend = Literal["trio", "asyncio"]
BACKENDS: Final[tuple[Backend, ...]] = ("trio", "asyncio")
LIMITS: Final = Limits(
    silence_timeout_s=3.0,
    connect_timeout_s=120.0,
    reconnect_timeout_s=120.0,
    reconnect_min_s=0.05,
    reconnect_max_s=0.5,
    max_reconnects=10_000,
)
"""Of the clients: they notice a dead path within 3 s."""
CONFIG: Final = Start(features=Features(words=True))
CHUNK_BYTES: Final = 6_400
UTTERANCES: Final = tuple(tuple(100 * number + word for word in range(1, 2 + number % 4)) for number in range(1, 11))
"""The values that are said as words, an utterance a tuple."""
SAID: Final = tuple(text_of(words) for words in UTTERANCES)
AUDIO_BYTES: Final = len(spoken(UTTERANCES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What must be the same, cut or not."""

    finals: tuple[FinalMessage, ...]
    flushed: tuple[Flushed, ...]
    """Without ``empty``: the finals may have come before the server was lost, and the flush after."""
    configured: tuple[tuple[str, int], ...]
    """Ids of changes, and the samples from which they hold."""
    complete: bool | None
    reason: str
    accounting: Accounting | None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one session came to."""

    answers: Answers | None = None
    """None: it never got as far as a session."""
    failure: str | None = None
    """Why not, or what was raised."""
    seconds: float = 0.0
    restarts: int = 0
    resumes: int = 0
    lost_samples: int = 0
    went_on: list[float] = field(default_factory=list)
    """When it was resumed or begun anew, in seconds of `time.monotonic`."""

    def differences(self, uncut: Answers) -> list[str]:
        """Return in what it differs from the uncut run, a sentence each."""
        answers = self.answers
        if answers is None:
            return [self.failure or "it never began"]
        told = [] if self.failure is None else [self.failure]
        for name in Answers.__dataclass_fields__:
            ours, theirs = getattr(answers, name), getattr(uncut, name)
            if ours != theirs:
                told.append(f"{name}: {ours} instead of {theirs}")
        return told


def converse(backend: Backend, url: str, *, patience_s: float) -> Outcome:
    """Hold the conversation, and return what came of it; a hang counts as a failure after ``patience_s``."""
    outcome, began = Outcome(), time.monotonic()
    arguments: dict[str, Any] = {"config": CONFIG, "limits": LIMITS}
    events: list[Any] = []

    async def hold(client: BaseClient) -> None:
        await _speak(client, _Listener(client, events, outcome))

    async def with_trio() -> None:
        with trio.fail_after(patience_s):
            async with trio_transport.connect(url, **arguments) as client:
                await hold(client)

    async def with_asyncio() -> None:
        async with asyncio.timeout(patience_s), asyncio_transport.connect(url, **arguments) as client:
            await hold(client)

    try:
        if backend == "trio":
            trio.run(with_trio)
        else:
            asyncio.run(with_asyncio())
    except (trio.TooSlowError, TimeoutError):
        outcome.failure = f"it had not ended after {patience_s:g} s"
    except AuricleError as error:
        outcome.failure = f"{type(error).__name__}: {error}"
    except Exception as error:  # whatever it is, it is this session's result
        outcome.failure = f"{type(error).__name__}: {error}"
    outcome.seconds = time.monotonic() - began
    outcome.answers = _answers(events)
    return outcome


class _Listener:
    """The events of one client, read in order."""

    def __init__(self, client: BaseClient, events: list[Any], outcome: Outcome) -> None:
        self._iterator = aiter(client)
        self._events = events
        self._outcome = outcome

    async def until(self, kind: type) -> None:
        """Read up to the next event of a kind, or to the end."""
        async for event in self._iterator:
            self._take(event)
            if isinstance(event, kind):
                return

    def _take(self, event: Any) -> None:
        self._events.append(event)
        match event:
            case Resumed():
                self._outcome.resumes += 1
                self._outcome.went_on.append(time.monotonic())
            case Restarted(lost_samples=lost):
                self._outcome.restarts += 1
                self._outcome.lost_samples += lost
                self._outcome.went_on.append(time.monotonic())
            case _:
                pass


async def _speak(client: BaseClient, listener: _Listener) -> None:
    """Say everything that a client can say, wait for the answers here and there, and hear it to the end."""
    say = _saying(client)
    await say(UTTERANCES[:2])
    await client.flush()
    await say(UTTERANCES[2:4])
    await listener.until(Flushed)
    await client.configure(language="en", endpointing={"silence_ms": 700})
    await say(UTTERANCES[4:6])
    await client.skip(PAUSE_SAMPLES)
    await client.mark()
    await listener.until(Configured)
    await say(UTTERANCES[6:8])
    await client.flush()
    await listener.until(Flushed)
    await say(UTTERANCES[8:])
    await client.end_input()
    await listener.until(SessionClosed)


def _saying(client: BaseClient) -> Callable[[tuple[tuple[int, ...], ...]], Awaitable[None]]:
    async def say(utterances: tuple[tuple[int, ...], ...]) -> None:
        audio = spoken(utterances)
        for at in range(0, len(audio), CHUNK_BYTES):
            await client.send_audio(audio[at : at + CHUNK_BYTES])

    return say


def _answers(events: list[Any]) -> Answers | None:
    closed = events[-1] if events and isinstance(events[-1], SessionClosed) else None
    if not events:
        return None
    return Answers(
        finals=tuple(replace(event, seq=1) for event in events if isinstance(event, FinalMessage)),
        flushed=tuple(replace(event, seq=1, empty=False) for event in events if isinstance(event, Flushed)),
        configured=tuple((event.id, event.from_) for event in events if isinstance(event, Configured)),
        complete=None if closed is None else closed.complete,
        reason="it did not end" if closed is None else closed.reason,
        accounting=None if closed is None else closed.accounting,
    )
