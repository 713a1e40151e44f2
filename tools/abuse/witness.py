"""The witness: somebody with an ordinary session, who must hear every word, exactly, whatever others do meanwhile.

In a process of its own (`python -m abuse.witness URL`), so that what the attackers cost does not delay it: it speaks at
real pace in frames of 20 ms until its standard input ends, then on to the next pause, and says what it heard as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import trio

from auricle.core import Final as FinalMessage
from auricle.core import Partial, SessionClosed
from auricle.engines.protocol import ENGINE_RATE
from auricle.engines.scripted.script import COUNTING, PAUSE_S, WORD_S, WORDS_PER_UTTERANCE
from auricle.transports.trio import Client, connect

FRAME: Final = ENGINE_RATE // 50
"""Samples of 20 ms."""
STRETCH: Final = round((WORDS_PER_UTTERANCE * WORD_S + PAUSE_S) * ENGINE_RATE)
"""Samples of an utterance and its pause: where the witness may end."""
TOOLS: Final = str(Path(__file__).parents[1])
PATIENCE_S: Final = 120.0
"""For the end of its session, on the busiest machine."""


@dataclass(slots=True)
class Statement:
    """What the witness heard."""

    words: int = 0
    seconds: float = 0.0
    is_exact: bool = False
    """Whether each word that was said was heard, once and in its place, and the session ended complete."""
    worst_s: float = 0.0
    """From the moment when a word had been sent to the one when it was shown: the worst of all words."""
    interrupted: int = 0
    """How often its connection was lost."""
    failure: str | None = None


@dataclass(slots=True)
class _Heard:
    sent_at: list[float] = field(default_factory=list)
    """When each frame was sent."""
    finals: list[str] = field(default_factory=list)
    shown: int = 0
    statement: Statement = field(default_factory=Statement)

    def take(self, partial: str = "") -> None:
        """Note how late the words are that are shown for the first time."""
        said = " ".join([*self.finals, partial]).split()
        ends = [word.end for word in COUNTING.words_ended_within(0, len(self.sent_at) * FRAME)]
        for end in ends[self.shown : len(said)]:
            late_s = trio.current_time() - self.sent_at[-(-end // FRAME) - 1]
            self.statement.worst_s = max(self.statement.worst_s, round(late_s, 3))
        self.shown = max(self.shown, len(said))


async def _speak(client: Client, heard: _Heard, over: trio.Event) -> None:
    begin = trio.current_time()
    while not (over.is_set() and heard.sent_at and len(heard.sent_at) * FRAME % STRETCH == 0):
        await trio.sleep_until(begin + (len(heard.sent_at) + 1) * FRAME / ENGINE_RATE)
        heard.sent_at.append(trio.current_time())
        await client.send_audio(bytes(2 * FRAME))
    await client.end_input()


async def _listen(client: Client, heard: _Heard) -> None:
    told = heard.statement
    async for event in client:
        match event:
            case FinalMessage():
                heard.finals.append(event.text)
                heard.take()
            case Partial():
                heard.take(event.text)
            case SessionClosed():
                samples = len(heard.sent_at) * FRAME
                said = [word.text for word in COUNTING.words_ended_within(0, samples)]
                words = " ".join(heard.finals).split()
                told.words, told.seconds = len(words), samples / ENGINE_RATE
                told.is_exact = words == said and event.complete is True
                told.failure = None if event.complete else event.message
            case _:
                told.interrupted += type(event).__name__ == "Interrupted"


async def witness(url: str, over: trio.Event) -> Statement:
    """Hold a session from now until ``over`` is set, and say so on standard output; return what was heard."""
    heard = _Heard()
    try:
        async with connect(url) as client, trio.open_nursery() as nursery:
            print(flush=True)
            nursery.start_soon(_speak, client, heard, over)
            nursery.start_soon(_listen, client, heard)
    except* Exception as failure:  # whatever it is, it is what the witness says
        heard.statement.failure = repr(failure.exceptions[0])
    return heard.statement


async def _main(url: str) -> None:
    over = trio.Event()
    told: list[Statement] = []

    async def testify() -> None:
        told.append(await witness(url, over))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(testify)
        await trio.to_thread.run_sync(sys.stdin.read)
        over.set()
    print(json.dumps(asdict(told[0])))


@asynccontextmanager
async def witnessing(port: int) -> AsyncIterator[Statement]:
    """Have a witness for the length of the block; behind it the statement is what it heard."""
    statement = Statement(failure="it never said anything")
    command = [sys.executable, "-m", "abuse.witness", f"ws://127.0.0.1:{port}/ws/transcribe"]
    paths = os.pathsep.join([TOOLS, *filter(None, [os.environ.get("PYTHONPATH")])])
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with trio.fail_after(PATIENCE_S):
            await process.stdout.receive_some(1)
        yield statement
        await process.stdin.aclose()
        said = b""
        with trio.fail_after(PATIENCE_S):
            while more := await process.stdout.receive_some(4096):
                said += more
        for name, value in _told(said).items():
            setattr(statement, name, value)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


def _told(said: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(said) if said else {}
    return told


if __name__ == "__main__":
    trio.run(_main, sys.argv[1])
