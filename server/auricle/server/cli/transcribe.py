"""``auricle transcribe``: transcribe recordings through a server, over a WebSocket."""

import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from auricle.core import Start
from auricle.server.cli.display import Display, choose_display
from auricle.server.cli.exit_codes import Exit, worst
from auricle.server.cli.formats import Format
from auricle.server.cli.output_plan import OutputPlan
from auricle.server.cli.recordings import Recording, RecordingError
from auricle.server.cli.server_choice import ServerChoice, server_url
from auricle.server.cli.streaming import paced, stream, summary, transcript
from auricle.server.cli.transcript import Transcript
from auricle.transports.trio import ConnectFailed, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of the command."""

    files: Sequence[str]
    plan: OutputPlan
    config: Start
    server: ServerChoice
    realtime: bool

    @property
    def shows_text(self) -> bool:
        """Whether finals are written to standard output as they come, rather than a document at the end."""
        return self.plan.form is Format.TEXT and self.plan.single is None and not self.plan.each


async def transcribe(request: Request) -> Exit:
    """Transcribe every recording in turn; one that cannot be read does not stop the others."""
    stdout = sys.stdout if request.shows_text else None
    transcripts: list[Transcript] = []
    results = [Exit.GOOD]
    with choose_display(stdout, sys.stderr, recordings=len(request.files)) as display:
        async with server_url(request.server, display) as url:
            for file in request.files:
                written, result = await _transcribe_one(file, url, request, display)
                transcripts.append(written)
                results.append(result)
    if not request.shows_text:
        request.plan.write(transcripts, sys.stdout)
    return worst(results)


async def _transcribe_one(file: str, url: str, request: Request, display: Display) -> tuple[Transcript, Exit]:
    nothing = Transcript(file=file, finals=(), complete=False)
    try:
        with Recording.open(file) as recording:
            async with connect(url, request.config, api_key=request.server.api_key, allow_legacy=True) as client:
                display.start(recording.name, recording.duration_s)
                async with aclosing(paced(recording.chunks(), realtime=request.realtime)) as chunks:
                    outcome = await stream(client, chunks, display)
                display.finish(summary(recording.name, client, outcome).line())
                if outcome.problem is not None:
                    display.note(str(outcome.problem))
                    return transcript(file, client, outcome), Exit.BAD_INPUT
                assert outcome.closed is not None
                result = Exit.INCOMPLETE if outcome.closed.complete is False else Exit.GOOD
                return transcript(file, client, outcome), result
    except RecordingError as error:
        display.note(str(error))
        return nothing, Exit.BAD_INPUT
    except ConnectFailed as error:
        display.note(f"{file}: {error}")
        return nothing, Exit.INCOMPLETE
