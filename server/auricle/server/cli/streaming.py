"""Streaming of audio through one session: the same for a recording and for a microphone."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from dataclasses import dataclass, field

import trio

from auricle.core import (
    Ack,
    ErrorMessage,
    Features,
    Final,
    Flushed,
    Interrupted,
    Partial,
    Restarted,
    Resumed,
    SessionClosed,
    Start,
    WarningMessage,
)
from auricle.core.parts import Bias, Endpointing, Product, ServerInfo
from auricle.server.cli.display import Display
from auricle.server.cli.session_options import SessionOptions
from auricle.server.cli.summary import Summary
from auricle.server.recordings.pcm import SAMPLE_BYTES, SAMPLE_RATE
from auricle.server.recordings.recording import RecordingError
from auricle.server.transcripts.transcript import Transcript
from auricle.transports.trio import Client, SessionOver


def start_message(options: SessionOptions) -> Start:
    """Return the configuration of a command-line session: mono 16 kHz, with words."""
    return Start(
        language=options.language,
        languages=options.languages,
        task=options.task,
        features=Features(words=True),
        endpointing=Endpointing(
            silence_ms=_milliseconds(options.silence_s),
            max_segment_ms=_milliseconds(options.max_segment_s),
            offline=None if options.live else True,
        ),
        bias=Bias(terms=options.terms, prompt=options.prompt),
        client=Product(name="auricle-cli"),
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


@dataclass(slots=True)
class Outcome:
    """The result of one stream: finals, times and accounting. Times are seconds of trio's clock."""

    finals: list[Final] = field(default_factory=list)
    closed: SessionClosed | None = None
    sent_bytes: int = 0
    committed_sample: int = 0
    ended_at: float | None = None
    last_final_at: float | None = None
    problem: RecordingError | None = None
    """The error of the source, raised after all readable audio had been sent."""
    on_final: Callable[[Final], None] | None = None
    """Is called with each final when it comes."""
    interrupted: bool = False
    """Whether the sending was stopped before the end of the source."""

    @property
    def sent_s(self) -> float:
        """Seconds of audio that were sent."""
        return self.sent_bytes / (SAMPLE_RATE * SAMPLE_BYTES)

    @property
    def committed_s(self) -> float:
        """Seconds of audio that are committed."""
        return self.committed_sample / SAMPLE_RATE


async def stream(
    client: Client, chunks: AsyncIterable[bytes], display: Display, outcome: Outcome, sending: trio.CancelScope
) -> None:
    """Send every chunk, end the input, and display the events, until the session closes; ``outcome`` fills meanwhile.

    Cancelling ``sending`` ends the input where it is; its finals still come.
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send, client, chunks, display, outcome, sending)
        async for event in client:
            _show(event, display, outcome)
        nursery.cancel_scope.cancel()


async def _send(
    client: Client, chunks: AsyncIterable[bytes], display: Display, outcome: Outcome, sending: trio.CancelScope
) -> None:
    try:
        with sending:
            async for chunk in chunks:
                await client.send_audio(chunk)
                outcome.sent_bytes += len(chunk)
                display.progress(outcome.sent_s, outcome.committed_s)
    except RecordingError as problem:
        outcome.problem = problem
    except SessionOver:
        return  # the reason is in the terminal event
    outcome.interrupted = sending.cancelled_caught
    outcome.ended_at = trio.current_time()
    await client.end_input()


def _show(event: object, display: Display, outcome: Outcome) -> None:
    match event:
        case Partial():
            display.partial(event)
        case Final():
            outcome.finals.append(event)
            if outcome.on_final is not None:
                outcome.on_final(event)
            outcome.last_final_at = trio.current_time()
            _commit(event.audio[1], display, outcome)
            display.final(event)
        case Flushed(upto=upto):
            _commit(upto, display, outcome)
        case WarningMessage(message=message) | ErrorMessage(message=message, fatal=False):
            display.note(f"The server says: {message}.")
        case Interrupted(message=message):
            display.note(f"{message} Trying to get back.")
        case Resumed():
            display.note("The connection is back; nothing is lost.")
        case Restarted(lost_samples=lost):
            rest = f"{lost / SAMPLE_RATE:.1f} s of audio are lost" if lost else "nothing is lost"
            display.note(f"The server had forgotten the session; a new one goes on where it was; {rest}.")
        case Ack():
            display.progress(outcome.sent_s, outcome.committed_s)
        case SessionClosed():
            outcome.closed = event
            if outcome.interrupted:  # perhaps in the middle of a chunk
                outcome.sent_bytes = event.accounting.offered * SAMPLE_BYTES
            if event.complete is not None:
                _commit(event.accounting.committed, display, outcome)
        case _:
            pass


def _commit(upto_sample: int, display: Display, outcome: Outcome) -> None:
    outcome.committed_sample = upto_sample
    display.progress(outcome.sent_s, outcome.committed_s)


async def paced(chunks: Iterator[bytes], *, realtime: bool) -> AsyncGenerator[bytes, None]:
    """Yield chunks as fast as they are consumed, or with ``realtime`` each when its last sample would be recorded.

    Chunks are read in a worker thread, because reading a pipe blocks.
    """
    due = trio.current_time()
    while (chunk := await trio.to_thread.run_sync(next, chunks, None, abandon_on_cancel=True)) is not None:
        due += len(chunk) / (SAMPLE_RATE * SAMPLE_BYTES)
        if realtime:
            await trio.sleep_until(due)
        yield chunk


def summary(name: str, client: Client, outcome: Outcome) -> Summary:
    """Return the summary of a stream that has ended."""
    closed = outcome.closed
    assert closed is not None
    delay_s = None
    if outcome.last_final_at is not None and outcome.ended_at is not None:
        delay_s = outcome.last_final_at - outcome.ended_at
    return Summary(
        name=name,
        input_s=outcome.sent_s,
        committed_s=outcome.committed_s,
        complete=closed.complete,
        words=sum(len(final.words or final.text.split()) for final in outcome.finals),
        last_final_s=delay_s,
        engine=_engine(client),
        interrupted=outcome.interrupted,
        why=None if closed.complete else closed.message,
    )


def transcript(file: str, outcome: Outcome, engine: ServerInfo | None) -> Transcript:
    """Return the transcript of a stream that has ended, or what there is of one that was left."""
    closed = outcome.closed
    return Transcript(
        file=file,
        finals=tuple(outcome.finals),
        duration_s=outcome.sent_s,
        complete=False if closed is None else closed.complete,
        accounting=None if closed is None else closed.accounting,
        engine=engine,
        interrupted=outcome.interrupted or closed is None,
    )


def _engine(client: Client) -> str | None:
    server = client.ready.server
    return None if server is None else " ".join(part for part in (server.name, server.model) if part)
