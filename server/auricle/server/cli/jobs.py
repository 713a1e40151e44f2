"""What ``auricle transcribe`` has to do: which recordings, and where the transcript of each one goes.

All that can be known is found out here, before a model is loaded or a sample is read.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from auricle.server.cli.output_checks import already_there, check_places, existing
from auricle.server.cli.output_kind import understood_output
from auricle.server.cli.output_plan import OutputError, OutputPlan, plan_output
from auricle.server.cli.recording_files import with_folders
from auricle.server.printable import printable
from auricle.server.recordings.recording import STDIN, Recording, RecordingError
from auricle.server.transcripts.format_names import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user asked for."""

    files: Sequence[str]
    form: Format
    recursive: bool = False
    """Whether folders stand for the recordings in them."""
    channel: int | None = None
    """The channel to take, counted from 1; None: the average of all."""
    output: str | None = None
    template: str | None = None
    times_words: bool = False
    overwrite: bool = False
    resume: bool = False
    """Whether recordings whose transcript is there are skipped."""
    confirm: Callable[[str], bool] | None = None
    """Asks the user a question; None where nobody can answer."""


class Job(NamedTuple):
    """One recording, and the file for its transcript; None where it joins the others."""

    file: str
    place: Path | None


class Jobs(NamedTuple):
    """The plan, the recordings that are to be transcribed, and those whose transcript is there already."""

    plan: OutputPlan
    todo: tuple[Job, ...]
    done: tuple[Job, ...]


def plan_jobs(wanted: Wanted) -> Jobs:
    """Return the jobs, each of whose places can be written. Raises `OutputError` where the user has to decide."""
    several = wanted.recursive or len(wanted.files) > 1 or wanted.template is not None
    wanted = replace(wanted, output=understood_output(wanted.output, wanted.form, several=several))
    files = with_folders(wanted.files) if wanted.recursive else wanted.files
    if wanted.times_words and not wanted.form.may_time_words and wanted.form is not Format.JSON:
        raise OutputError(f"--words has no place in {wanted.form.value}: give --format json, vtt, tsv or lrc.")
    plan = plan_output(files, wanted.form, wanted.output, wanted.template, given=wanted.files)
    plan = replace(plan, times_words=wanted.times_words)
    jobs = [Job(file, place) for file, place in zip(files, plan.each or [None] * len(files), strict=True)]
    check_places(plan, files)
    if wanted.resume:
        _check_resume(wanted, plan)
        there = set(existing(plan.each))
        done = tuple(job for job in jobs if job.place in there)
        return Jobs(plan, tuple(job for job in jobs if job.place not in there), done)
    _check_existing(wanted, plan)
    return Jobs(plan, tuple(jobs), ())


def unreadable(jobs: Sequence[Job], wanted: Wanted) -> Iterator[tuple[Job, RecordingError]]:
    """Yield the jobs whose recording cannot even be opened. Pipes are not tried: what is read from them is gone."""
    for job in jobs:
        try:
            if wanted.recursive and Path(job.file).is_dir():
                raise RecordingError(job.file, "it is a folder without recordings", "name the recordings themselves")
            if not _is_pipe(job.file):
                Recording.open(job.file, channel=wanted.channel).close()
        except RecordingError as error:
            yield job, error


def _is_pipe(file: str) -> bool:
    """Whether the recording comes from a pipe. A terminal is none, and is refused before anything is read from it."""
    path = Path(file)
    try:
        if file == STDIN:
            return sys.stdin is not None and not sys.stdin.isatty()
        return path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):
        return False


def _check_resume(wanted: Wanted, plan: OutputPlan) -> None:
    if wanted.overwrite:
        raise OutputError("--resume keeps the transcripts that are there and --overwrite replaces them: give one.")
    if not plan.each:
        raise OutputError("--resume needs a file for each transcript to look for: give `--output DIRECTORY/`.")


def _check_existing(wanted: Wanted, plan: OutputPlan) -> None:
    there = existing(plan.places)
    if not there or wanted.overwrite:
        return
    more = f" and {len(there) - 1} more" if len(there) > 1 else ""
    question = f"Replace {printable(str(there[0]))}{more}?"
    if wanted.confirm is None or not wanted.confirm(question):
        raise OutputError(already_there(there))
