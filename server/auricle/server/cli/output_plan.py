"""Destination of transcripts: standard output, one file for all, or a file for each recording.

The plan only names places; `output_checks` finds out whether they can be written, before the first sample is read.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auricle.server.printable import printable
from auricle.server.recordings.recording import STDIN
from auricle.server.transcripts.format_names import Format

STDOUT: Final = "-"
"""The ``--output`` that means: standard output."""
DEFAULT_TEMPLATE: Final = "{stem}.{format}"
APART: Final = ("{folder}/{stem}.{format}", "{folder}/{name}.{format}", "{number}-{name}.{format}")
"""Templates that tell recordings of one name apart: of several folders, of several kinds, and any."""
_FIELD: Final = re.compile(r"\{([^{}]*)\}")


class OutputError(Exception):
    """Transcripts cannot be written to the destination. The message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """Where transcripts go: to ``together``, one file for all; to ``each``; or, with neither, to standard output."""

    form: Format
    times_words: bool = False
    """Whether each word has its time, in formats that can be without."""
    together: Path | None = None
    each: tuple[Path, ...] = ()
    """A file for each recording, in their order."""
    several: bool = False
    """Whether ``together``, or standard output, is for several recordings, however many of them can be read."""

    @property
    def places(self) -> tuple[Path, ...]:
        """Every file that will be written."""
        return self.each if self.together is None else (self.together,)


def plan_output(recordings: Sequence[str], form: Format, output: str | None, template: str | None = None) -> OutputPlan:
    """Return the output plan of ``recordings``. ``output`` is None or ``-`` (standard output), a file, or a directory.

    A directory is one that exists, or a name that ends in a slash. ``template`` names the file of each recording, below
    the directory where there is one: `fields` are filled in. Raises `OutputError` when subtitles of several recordings
    would share one file, when two files would have the same name, and for a template that is not one.
    """
    if output == STDOUT:
        output = None
    directory = output is not None and (output.endswith(os.sep) or Path(output).is_dir())
    if template is not None and output is not None and not directory:
        raise OutputError(
            f"--output-template names the files, so {printable(output)} must be the directory for them: end it in a "
            "slash, or leave --output-template out."
        )
    if template is not None or directory:
        folder = Path(output) if output is not None else Path()
        return OutputPlan(form=form, each=_named(recordings, form, folder, template or DEFAULT_TEMPLATE))
    if len(recordings) != 1 and not form.holds_many:
        raise OutputError(
            f"One {form.value} file cannot hold {len(recordings)} recordings: give `--output DIRECTORY/` to get one "
            "file for each."
        )
    if output is not None and len(recordings) == 1:
        return OutputPlan(form=form, each=(Path(output),))
    return OutputPlan(form=form, together=None if output is None else Path(output), several=len(recordings) > 1)


def fields(recording: str, number: int, form: Format) -> dict[str, str]:
    """Return what a template may name: ``number`` counts the recordings from 1."""
    path = Path("stdin" if recording == STDIN else recording)
    return {
        "folder": str(path.parent),
        "name": path.name,
        "stem": path.stem,
        "number": str(number),
        "format": form.suffix.removeprefix("."),
    }


def _named(recordings: Sequence[str], form: Format, folder: Path, template: str) -> tuple[Path, ...]:
    _check_template(template, form)
    paths = _paths(recordings, form, folder, template)
    counts = Counter(paths)
    twins = [each for each, path in zip(recordings, paths, strict=True) if counts[path] > 1]
    if twins:
        both = " and ".join(printable(each) for each in twins[:2])
        place = printable(str(paths[recordings.index(twins[0])]))
        apart = next(each for each in APART if _all_different(_paths(recordings, form, folder, each)))
        raise OutputError(
            f"The transcripts of {both} would both be written to {place}: give them different names, as with "
            f"`--output-template '{apart}'`."
        )
    return paths


def _paths(recordings: Sequence[str], form: Format, folder: Path, template: str) -> tuple[Path, ...]:
    return tuple(
        _below(folder, _filled(template, fields(each, number, form))) for number, each in enumerate(recordings, 1)
    )


def _all_different(paths: Sequence[Path]) -> bool:
    return len(set(paths)) == len(paths)


def _check_template(template: str, form: Format) -> None:
    known = fields("x", 1, form)
    unknown = [name for name in _FIELD.findall(template) if name not in known]
    if unknown or "{" in _FIELD.sub("", template) or "}" in _FIELD.sub("", template):
        wrong = f"{{{unknown[0]}}}" if unknown else "a single brace"
        names = ", ".join(f"{{{name}}}" for name in known)
        raise OutputError(f"--output-template does not know {printable(wrong)}: it fills in {names}.")
    if not template or template.endswith(os.sep):
        raise OutputError("--output-template must name a file, as in '{stem}.{format}'.")


def _filled(template: str, values: dict[str, str]) -> str:
    return _FIELD.sub(lambda match: values[match[1]], template)


def _below(folder: Path, name: str) -> Path:
    """Return ``name`` as a path below ``folder``; where there is a folder, no template leads out of it."""
    if folder == Path():
        return Path(name)
    path = Path(os.path.normpath(name.lstrip(os.sep)))
    inside = [part for part in path.parts if part != os.pardir]
    return folder.joinpath(*inside)
