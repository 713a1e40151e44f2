"""Live: the real server in a process of its own, and clients on the loopback that speak at the pace of speech."""

import asyncio
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clips import LEAD_S, Tape
from cpu import children_cpu_s
from pacing import frame_deadline, frames, heard_by
from recording import Recording, Said
from words.heard import Heard, Hearing, heard_of
from words.patience import PATIENT, refusals
from words.samples import Sample
from words.virtual import SAMPLE_BYTES, tape_of

from auricle.core import ClientEvent, Final, Partial, SessionClosed, Start
from auricle.core.parts import Endpointing, Features, Word
from auricle.engines.protocol import ENGINE_RATE, FinalResult, PartialResult, Result, StreamDone, TimedWord
from auricle.transports.asyncio import Client, ConnectFailed, SessionOver, connect

SERVE = "from auricle.server.cli.entry import main; main()"
LISTENS = re.compile(r"listens on (\S+)")
PATIENCE_S = 60.0
"""How long the end of a session is waited for when its tape has been played."""
STOP_S = 10.0
APART_S = 0.37
"""Between the begins of sessions that run side by side."""


@contextmanager
def served(model: Path, *options: str) -> Iterator[str]:
    """Run ``auricle serve`` with one model and more options; yield its URL once the model is loaded and warm."""
    command = [
        sys.executable, "-c", SERVE, "serve", "--port", "0", "--engine", "whisper", "--model", str(model), *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = LISTENS.search(server.stdout.readline())
            if found is None:
                raise SystemExit("The server did not start; what it said is above.")
            yield found[1]
        finally:
            server.terminate()
            try:
                server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Live with partials: each clip in a session of its own, so many of them at once, as far as the server takes them.

    Whoever is refused waits for a turn and begins to speak then.
    """

    model: Path
    silence_s: float
    sessions: int
    frame_s: float
    detect_language: bool

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Play all clips. Those that run side by side begin with the longest, so that all are busy to the end."""
        order = list(samples) if self.sessions == 1 else sorted(samples, key=lambda one: -one.clip.seconds)
        with served(self.model) as url:
            cpu_s, wall_s = children_cpu_s(), time.monotonic()
            played = asyncio.run(self._play_all(url, order, tell))
            cpu_s, wall_s = children_cpu_s() - cpu_s, time.monotonic() - wall_s
            refused = refusals(url)
        heard: list[Heard] = [
            heard_of(sample.name, played[sample.name].recording, offset_s=LEAD_S, paced=True) for sample in samples
        ]
        return Hearing(
            heard=tuple(heard),
            cpu_s=cpu_s,
            wall_s=wall_s,
            late_s=max((one.recording.late_s for one in played.values()), default=0.0),
            refusals=refused,
            admission_s=max((one.admission_s for one in played.values()), default=0.0),
        )

    async def _play_all(self, url: str, samples: Sequence[Sample], tell: Callable[[str], None]) -> "dict[str, Played]":
        waiting, played = deque(samples), dict[str, Played]()

        async def speaker(index: int) -> None:
            await asyncio.sleep(index * APART_S)
            while waiting:
                sample = waiting.popleft()
                tell(sample.name)
                language = None if self.detect_language else sample.language
                start = start_message(language, self.silence_s)
                played[sample.name] = await play_live(url, tape_of(sample, self.silence_s), start, self.frame_s)

        async with asyncio.TaskGroup() as speakers:
            for index in range(self.sessions):
                speakers.create_task(speaker(index))
        return played


def start_message(language: str | None, silence_s: float) -> Start:
    """Return what a session asks for: partials, and words with their times."""
    return Start(
        language=language,
        features=Features(partials=True, words=True),
        endpointing=Endpointing(silence_ms=round(silence_s * 1000)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of one session."""

    recording: Recording
    admission_s: float
    """From when it wanted to connect to when it was ready, refusals and all; what is recorded begins there."""


@dataclass(slots=True)
class _Log:
    begin_s: float
    said: list[Said] = field(default_factory=list)
    finish_s: float = 0.0
    late_s: float = 0.0
    closed: SessionClosed | None = None
    failure: str | None = None


async def play_live(url: str, tape: Tape, start: Start, frame_s: float) -> Played:
    """Let one session of a server hear a tape as it is spoken, from when the server takes it."""
    now = asyncio.get_running_loop().time
    asked_s = now()
    log = _Log(begin_s=asked_s)
    try:
        async with connect(url, start, limits=PATIENT) as client:
            log.begin_s = now()
            async with asyncio.timeout(tape.seconds + PATIENCE_S), asyncio.TaskGroup() as tasks:
                tasks.create_task(_listen(client, log))
                tasks.create_task(_speak(client, tape, frame_s, log))
    except (ConnectFailed, TimeoutError) as error:
        log.failure = str(error) or f"it had not ended after {PATIENCE_S:g} s"
    if log.closed is not None and log.closed.complete is not True:
        log.failure = log.closed.message
    is_done = log.closed is not None and log.failure is None
    recording = Recording(
        tape=tape,
        frame_s=frame_s,
        said=tuple(log.said),
        finish_s=log.finish_s,
        done_s=log.said[-1].at_s if is_done else None,
        late_s=log.late_s,
        failure=log.failure,
    )
    return Played(recording=recording, admission_s=log.begin_s - asked_s)


async def _speak(client: Client, tape: Tape, frame_s: float, log: _Log) -> None:
    now = asyncio.get_running_loop().time
    try:
        for index, frame in enumerate(frames(tape.pcm, round(frame_s * ENGINE_RATE) * SAMPLE_BYTES)):
            last_s = log.begin_s + heard_by(tape.seconds, frame_s)
            deadline_s = min(frame_deadline(log.begin_s, index, frame_s), last_s)
            await asyncio.sleep(deadline_s - now())
            log.late_s = max(log.late_s, now() - deadline_s)
            await client.send_audio(frame)
        log.finish_s = now() - log.begin_s
        await client.end_input()
    except SessionOver:
        pass  # the listener has been told why


async def _listen(client: Client, log: _Log) -> None:
    now = asyncio.get_running_loop().time
    async for event in client:
        result = result_of(event)
        if result is not None:
            log.said.append(Said(at_s=now() - log.begin_s, result=result))
        if isinstance(event, SessionClosed):
            log.closed = event


def result_of(event: ClientEvent) -> Result | None:
    """Return what an event is where there is no wire in between; None where it is nothing that is measured."""
    match event:
        case Partial():
            return PartialResult(
                text=event.text,
                start_s=event.start,
                end_s=event.end,
                stable=event.stable,
                words=_timed(event.words),
            )
        case Final():
            return FinalResult(
                end_sample=event.audio[1],
                text=event.text,
                start_s=event.start,
                end_s=event.end,
                confidence=event.confidence,
                reason=event.reason,
                words=_timed(event.words),
            )
        case SessionClosed():
            return StreamDone(upto_sample=event.accounting.committed)
        case _:
            return None


def _timed(words: tuple[Word, ...] | None) -> tuple[TimedWord, ...]:
    return tuple(TimedWord(text=word.text, start_s=word.start, end_s=word.end) for word in words or ())
