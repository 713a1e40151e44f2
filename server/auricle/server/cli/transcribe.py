"""``auricle transcribe``: transcribe recordings through a server, over a WebSocket."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from auricle.core import Start
from auricle.core.parts import ServerInfo
from auricle.server.cli.cut_transcripts import remove_superseded
from auricle.server.cli.display import Display, choose_display
from auricle.server.cli.exit_codes import Exit, worst
from auricle.server.cli.jobs import Job, Jobs, Wanted, plan_jobs, unreadable
from auricle.server.cli.output_plan import OutputError, OutputPlan
from auricle.server.cli.server_choice import ServerChoice, server_url
from auricle.server.cli.speakers import Naming, naming
from auricle.server.cli.stop_signals import StopSignals
from auricle.server.cli.streaming import Outcome, paced, stream, summary, transcript
from auricle.server.cli.summary import RunSummary
from auricle.server.cli.transcript_writer import TranscriptWriter
from auricle.server.printable import printable
from auricle.server.recordings.recording import Recording, RecordingError
from auricle.server.sessions.loading import load_embedder
from auricle.server.transcripts.format_names import Format
from auricle.server.transcripts.formats import heading
from auricle.server.transcripts.transcript import Transcript
from auricle.transports.trio import ConnectFailed, connect

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of the command."""

    wanted: Wanted
    config: Start
    server: ServerChoice
    realtime: bool
    speakers: str | None = None
    """What tells speakers apart; None: nobody has asked who speaks."""


async def transcribe(request: Request) -> Exit:
    """Transcribe every recording in turn; one that cannot be read or written does not stop the others.

    Raises `OutputError` before the work, where transcripts could not be written, and `EngineUnavailable` where nothing
    can answer, or tell speakers apart.
    """
    jobs = plan_jobs(request.wanted)
    stdout = sys.stdout if shows_text(jobs.plan) else None
    with choose_display(stdout, sys.stderr, recordings=len(jobs.todo) + len(jobs.done)) as display:
        run = _Run(request, jobs, display)
        async with trio.open_nursery() as nursery:
            await nursery.start(run.stop.watch)
            with run.stop.everything:
                await run.all()
            nursery.cancel_scope.cancel()
        run.finish()
        return worst(run.results)


def shows_text(plan: OutputPlan) -> bool:
    """Whether finals are written to standard output as they come, rather than a document at the end."""
    return plan.form is Format.TEXT and not plan.places


class _Run:
    """One run of the command."""

    def __init__(self, request: Request, jobs: Jobs, display: Display) -> None:
        self.stop = StopSignals(display.note)
        self.results = [Exit.GOOD]
        self._request = request
        self._jobs = jobs
        self._display = display
        self._writer = TranscriptWriter(jobs.plan, sys.stdout)
        self._live = shows_text(jobs.plan)
        self._began_at = trio.current_time()
        self._begun = self._unopened = 0
        self._failed: dict[str, None] = {}
        """Names, each once and in order."""
        self._audio_s = 0.0
        self._words = 0

    async def all(self) -> None:
        """Transcribe what there is to do, until a signal."""
        for job in self._jobs.done:
            self._display.note(f"{job.file}: its transcript is there already ({job.place}); skipped.")
        todo = await self._openable()
        if not todo:
            return
        embedder = await load_embedder(self._request.speakers)
        async with server_url(self._request.server, self._display) as url:
            self._began_at = trio.current_time()
            for job in todo:
                self._begun += 1
                async with naming(embedder, self._display.note) as names:
                    await self._one(job, url, names)
                if self.stop.exit is not None:
                    break

    def finish(self) -> None:
        """Write what is written at the end."""
        if not self._live:
            self._writer.finish()
        if self.stop.exit is not None:
            self.results.append(self.stop.exit)
        if len(self._jobs.todo) + len(self._jobs.done) > 1:
            for line in self._summary().lines():
                self._display.note(line)

    def _summary(self) -> RunSummary:
        begun_and_bad = self._unopened + self._begun
        return RunSummary(
            done=begun_and_bad - len(self._failed),
            skipped=len(self._jobs.done),
            failed=tuple(self._failed),
            left=len(self._jobs.todo) - begun_and_bad,
            audio_s=self._audio_s,
            words=self._words,
            elapsed_s=trio.current_time() - self._began_at,
        )

    async def _openable(self) -> list[Job]:
        """Return the jobs whose recording can be opened; the user is told of the others."""
        bad = await _in_thread(lambda: dict(unreadable(self._jobs.todo, self._request.wanted)))
        for job, error in bad.items():
            self._fail(job, str(error), Exit.BAD_INPUT)
        self._unopened = len(bad)
        return [job for job in self._jobs.todo if job not in bad]

    async def _one(self, job: Job, url: str, names: Naming) -> None:
        try:
            with await _in_thread(partial(Recording.open, job.file, channel=self._request.wanted.channel)) as recording:
                await self._stream(job, recording, url, names)
        except RecordingError as error:
            self._fail(job, str(error), Exit.BAD_INPUT)
        except ConnectFailed as error:
            self._fail(job, f"{job.file}: {error}", Exit.INCOMPLETE)

    async def _stream(self, job: Job, recording: Recording, url: str, names: Naming) -> None:
        server, outcome = self._request.server, Outcome(on_final=names.heard)
        async with connect(url, self._request.config, api_key=server.api_key, allow_legacy=True) as client:
            self._display.start(recording.name, recording.duration_s, (self._begun, len(self._jobs.todo)))
            self.stop.sending = trio.CancelScope()
            try:
                async with aclosing(names.passing(self._chunks(recording))) as chunks:
                    await stream(client, chunks, self._display, outcome, self.stop.sending)
                outcome.finals = list(await names.named(outcome.finals))
            finally:
                self.stop.sending = None
                self._keep(job, outcome, client.ready.server)
            told = summary(recording.name, client, outcome)
            self._display.finish(told.line())
            self._audio_s += told.input_s
            self._words += told.words
        if outcome.problem is not None:
            self._fail(job, str(outcome.problem), Exit.BAD_INPUT)
        if outcome.closed is not None and outcome.closed.complete is False:
            self.results.append(Exit.INCOMPLETE)

    async def _chunks(self, recording: Recording) -> AsyncGenerator[bytes, None]:
        """Yield the audio, and warn once where the channels cancel each other."""
        warned = False
        async with aclosing(paced(recording.chunks(), realtime=self._request.realtime)) as chunks:
            async for chunk in chunks:
                yield chunk
                if not warned and (why := recording.cancellation):
                    warned = True
                    self._display.note(why)

    def _keep(self, job: Job, outcome: Outcome, engine: ServerInfo | None) -> None:
        """Write the transcript, or what there is of one where the session did not come to its end."""
        written = transcript(job.file, outcome, engine)
        if written.partial:
            self._failed[job.file] = None
        if self._live:
            self._mark_partial(written)
            return
        try:
            place = self._writer.add(written, job.place)
        except OutputError as error:
            self._fail(job, f"{error} The transcript of {job.file} is on standard output.", Exit.BAD_INPUT)
            self._writer.show(written)
            return
        if written.partial and place is not None:
            self._display.note(f"The partial transcript of {job.file} is in {place}.")
        elif place is not None and written.complete and outcome.problem is None:
            self._tidy(job, place)

    def _tidy(self, job: Job, place: Path) -> None:
        """Remove what earlier runs, which were cut, have left of the recording, now that there is all of it."""
        for left in remove_superseded(place, job.file):
            self._display.note(
                f"{printable(str(left))} stays: it may have been changed since a run was cut; delete it where "
                f"{printable(str(place))} has all of it."
            )

    def _mark_partial(self, written: Transcript) -> None:
        if written.partial:
            self._display.remark(heading(written.partial))

    def _fail(self, job: Job, sentence: str, result: Exit) -> None:
        self._failed[job.file] = None
        self._display.note(printable(sentence))
        self.results.append(result)


async def _in_thread(read: Callable[[], Result]) -> Result:
    """Return what ``read`` returns, which may wait for a disk or a pipe; a signal does not wait for it."""
    return await trio.to_thread.run_sync(read, abandon_on_cancel=True)
