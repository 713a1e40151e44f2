"""Destination of transcripts: standard output, one file for all, or a file for each recording.

The plan only names places; `output_checks` finds out whether they can be written, before the first sample is read.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

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


def plan_output(
    recordings: Sequence[str],
    form: Format,
    output: str | None,
    template: str | None = None,
    *,
    given: Sequence[str] | None = None,
) -> OutputPlan:
    """Return the output plan of ``recordings``. ``output`` is None or ``-`` (standard output), a file, or a directory.

    A directory is one that exists, or a name that ends in a slash. ``template`` names the file of each recording, below
    the directory where there is one: `fields` are filled in. ``given`` are the files and folders that the recordings
    were found by, where these are not the recordings themselves. Raises `OutputError` when subtitles of several
    recordings would share one file, when two files would have the same name, and for a template that is not one.
    """
    if output == STDOUT:
        output = None
    directory = output is not None and (output.endswith(os.sep) or os.path.isdir(output))
    if template is not None and output is not None and not directory:
        raise OutputError(
            f"--output-template names the files, so {printable(output)} must be the directory for them: end it in a "
            "slash, or leave --output-template out."
        )
    if template is not None or directory:
        naming = _Naming(form, None, None)
        if output is not None:
            naming = _Naming(form, Path(output), shared_folder(recordings if given is None else given))
        return OutputPlan(form=form, each=_named(recordings, naming, template or DEFAULT_TEMPLATE))
    if len(recordings) != 1 and not form.holds_many:
        raise OutputError(
            f"One {form.value} file cannot hold {len(recordings)} recordings: give `--output DIRECTORY/` to get one "
            "file for each."
        )
    if output is not None and len(recordings) == 1:
        return OutputPlan(form=form, each=(Path(output),))
    return OutputPlan(form=form, together=None if output is None else Path(output), several=len(recordings) > 1)


def shared_folder(given: Sequence[str]) -> str | None:
    """Return the deepest folder that holds all that was given, files and folders; None where nothing is on the disk.

    It depends on no recording that is found in a folder, so that a run over more of them finds the transcripts of the
    last one where it looks for them.
    """
    on_disk = [each for each in given if each != STDIN]
    folders = [os.path.abspath(each if os.path.isdir(each) else os.path.dirname(each)) for each in on_disk]
    return os.path.commonpath(folders) if folders else None


def fields(recording: str, number: int, form: Format, shared: str | None = None) -> dict[str, str]:
    """Return what a template may name: ``number`` counts the recordings from 1.

    The folder is that of the recording; below ``shared``, a folder, it is what leads from there to it.
    """
    path = Path("stdin" if recording == STDIN else recording)
    within = shared is not None and recording != STDIN
    return {
        "folder": os.path.relpath(os.path.abspath(path.parent), shared) if within else str(path.parent),
        "name": path.name,
        "stem": path.stem,
        "number": str(number),
        "format": form.suffix.removeprefix("."),
    }


class _Naming(NamedTuple):
    """What the names of files depend on beside the template."""

    form: Format
    directory: Path | None
    """Where they go; None: the template itself leads there."""
    shared: str | None
    """The folder from which on recordings have folders of their own there."""

    def paths(self, recordings: Sequence[str], template: str) -> tuple[Path, ...]:
        """Return the place of each transcript."""
        names = (_filled(template, fields(each, at, self.form, self.shared)) for at, each in enumerate(recordings, 1))
        return tuple(Path(name) if self.directory is None else _below(self.directory, name) for name in names)


def _named(recordings: Sequence[str], naming: _Naming, template: str) -> tuple[Path, ...]:
    _check_template(template, naming.form)
    paths = naming.paths(recordings, template)
    counts = Counter(paths)
    twins = [each for each, path in zip(recordings, paths, strict=True) if counts[path] > 1]
    if twins:
        both = " and ".join(printable(each) for each in twins[:2])
        place = printable(str(paths[recordings.index(twins[0])]))
        apart = next(each for each in APART if _all_different(naming.paths(recordings, each)))
        raise OutputError(
            f"The transcripts of {both} would both be written to {place}: give them different names, as with "
            f"`--output-template '{apart}'`."
        )
    return paths


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
    """Return ``name`` as a path below ``folder``: no template leads out of it."""
    path = Path(os.path.normpath(name.lstrip(os.sep)))
    inside = [part for part in path.parts if part != os.pardir]
    return folder.joinpath(*inside)
