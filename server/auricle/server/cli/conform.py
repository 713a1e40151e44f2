"""``auricle conform URL``: check any server against the protocol, from outside, and report the failed checks."""

import json
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.text import Text

from auricle.server.cli.exit_codes import Exit
from auricle.server.printable import printable
from auricle.server.recordings.pcm import SAMPLE_BYTES, SAMPLE_RATE
from auricle.server.recordings.recording import Recording, RecordingError
from auricle.transports.errors import InvalidURL
from auricle.transports.testing.conformance import CHECKS, Check, Unreachable, Verdict, check_server

STYLES: Final = {"passed": "green", "failed": "bold red", "not applicable": "dim"}
MAX_SPEECH_S: Final = 15.0
"""Seconds after which the recording is cut, because every check sends it again."""


class Request(NamedTuple):
    """The arguments of the command."""

    url: str
    only: tuple[str, ...]
    audio: str | None
    api_key: str | None
    timeout_s: float
    as_json: bool


async def conform(request: Request) -> Exit:
    """Check a server: 0 when every check passed or does not apply, 1 when one failed, 2 when it cannot be asked."""
    try:
        checks = select(request.only)
        speech = None if request.audio is None else _speech(request.audio)
    except (LookupError, RecordingError) as problem:
        print(printable(str(problem.args[0])), file=sys.stderr)
        return Exit.BAD_INPUT
    verdicts: list[Verdict] = []
    try:
        async for verdict in check_server(
            request.url, checks=checks, speech=speech, api_key=request.api_key, timeout_s=request.timeout_s
        ):
            verdicts.append(verdict)
            _report(verdict, as_json=request.as_json)
    except (InvalidURL, Unreachable) as problem:
        print(printable(str(problem)), file=sys.stderr)
        return Exit.BAD_INPUT
    failed = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    if not request.as_json:
        skipped = sum(verdict.outcome == "not applicable" for verdict in verdicts)
        passed = len(verdicts) - len(failed) - skipped
        print(f"{passed} passed, {len(failed)} failed, {skipped} not applicable.")
    return Exit.INCOMPLETE if failed else Exit.GOOD


def _speech(path: str) -> bytes:
    """Return the first `MAX_SPEECH_S` of a recording as 16 kHz mono ``pcm_s16le``. Raises `RecordingError`."""
    pcm = b""
    with Recording.open(path) as recording:
        for chunk in recording.chunks():
            pcm += chunk
            if len(pcm) >= MAX_SPEECH_S * SAMPLE_RATE * SAMPLE_BYTES:
                break
    return pcm


def list_checks() -> None:
    """Print the id, title and source of every check."""
    for check in CHECKS:
        print(f"{check.id:20} {check.title} [{check.source}]")


def select(only: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks with these ids, or all where none is given. Raises `LookupError` with one sentence."""
    known = {check.id: check for check in CHECKS}
    unknown = [id for id in only if id not in known]
    if unknown:
        raise LookupError(f"There is no check {unknown[0]!r}; --list names them all.")
    return tuple(known[id] for id in only) or CHECKS


def _report(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        check = verdict.check
        body = {"id": check.id, "title": check.title, "source": check.source, "outcome": verdict.outcome}
        print(json.dumps({**body, "why": verdict.why, "trace": verdict.trace}), flush=True)
        return
    console = Console(soft_wrap=True, highlight=False)
    line = Text.assemble((f"{verdict.outcome:15}", STYLES[verdict.outcome]), f"{verdict.check.id:20} ")
    line.append(verdict.check.title if verdict.outcome == "passed" else printable(verdict.why))
    console.print(line)
    for entry in verdict.trace:
        console.print(Text(f"    {printable(entry)}", style="dim"))
