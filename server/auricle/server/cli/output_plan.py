"""Destination of transcripts: standard output, one file, or a directory with a file for each recording.

The plan is made and checked before the first sample is read, so that an hour of work cannot fail at its end.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from auricle.server.cli.formats import Format, render
from auricle.server.cli.printable import encodable, printable
from auricle.server.cli.recordings import STDIN
from auricle.server.cli.transcript import Transcript


class OutputError(Exception):
    """Transcripts cannot be written to the destination. The message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """A checked destination. ``single`` is None for standard output; ``each`` is not empty for a directory."""

    form: Format
    single: Path | None = None
    each: Mapping[str, Path] = field(default_factory=dict)
    """Recording's path as given, to the file for its transcript."""

    def write(self, transcripts: Sequence[Transcript], stdout: TextIO) -> None:
        """Write all transcripts, replacing existing files. Raises `OutputError` where a file cannot be written."""
        if self.each:
            for path, transcript in zip(self.each.values(), transcripts, strict=True):
                _write(path, render([transcript], self.form))
        elif self.single is not None:
            _write(self.single, render(transcripts, self.form))
        else:
            stdout.write(encodable(render(transcripts, self.form), stdout))
            stdout.flush()


def plan_output(recordings: Sequence[str], form: Format, output: str | None) -> OutputPlan:
    """Return the output plan of ``recordings``. ``output`` is None, a file, or a directory.

    A directory is one that exists, or a name that ends in a slash. Raises `OutputError` when subtitles of several
    recordings would share one file, when two files would have the same name, or when the directory does not exist.
    """
    if output is not None and (output.endswith(os.sep) or Path(output).is_dir()):
        return OutputPlan(form=form, each=_names(recordings, form, Path(output)))
    if len(recordings) != 1 and not form.holds_many:
        raise OutputError(
            f"One {form.value} file cannot hold {len(recordings)} recordings: give `--output DIRECTORY/` to get one "
            "file for each."
        )
    if output is not None and not Path(output).absolute().parent.is_dir():
        raise OutputError(f"Cannot write {printable(output)}: its directory does not exist; create it first.")
    return OutputPlan(form=form, single=None if output is None else Path(output))


def _names(recordings: Sequence[str], form: Format, directory: Path) -> dict[str, Path]:
    names = {each: "stdin" if each == STDIN else Path(each).stem for each in recordings}
    counts = Counter(names.values())
    twins = [each for each, name in names.items() if counts[name] > 1]
    if len(names) < len(recordings) or twins:
        both = " and ".join(printable(each) for each in twins[:2]) or "the same recording twice"
        raise OutputError(
            f"Cannot write {both} to {printable(str(directory))}: the files would have the same name; transcribe them "
            "one after the other into different directories."
        )
    return {each: directory / f"{name}{form.suffix}" for each, name in names.items()}


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OutputError(
            f"Cannot write {printable(str(path))}: {reason}; give another place with `--output`."
        ) from error
