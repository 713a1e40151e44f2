"""Writes each transcript when its recording has ended, so that whatever happens later, it is there."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TextIO

from auricle.server.cli.atomic_file import write_atomically
from auricle.server.cli.cut_transcripts import partial_place, seal
from auricle.server.cli.output_checks import cannot_write
from auricle.server.cli.output_plan import OutputPlan
from auricle.server.printable import encodable
from auricle.server.transcripts.formats import render, render_together, render_words
from auricle.server.transcripts.transcript import Transcript


class TranscriptWriter:
    """Writes the transcripts of one run as its plan says.

    A file of its own name holds a whole transcript; a partial one goes to ``NAME.partial.SUFFIX`` beside it. Where all
    go to one file, it is written anew after each recording.
    """

    def __init__(self, plan: OutputPlan, stdout: TextIO) -> None:
        self._plan = plan
        self._stdout = stdout
        self._together: list[Transcript] = []

    def add(self, transcript: Transcript, place: Path | None) -> Path | None:
        """Write the transcript to ``place``, its file; with None it joins the others. Return where it was written.

        That is None for standard output, which is written by `finish`. Raises `OutputError` where a file cannot be
        written; then `show` gives the transcript to the user nevertheless.
        """
        if place is not None:
            return self._add(transcript, place)
        self._together.append(transcript)
        if self._plan.together is not None:
            return _write(self._plan.together, self._document())
        return None

    def _add(self, transcript: Transcript, place: Path) -> Path:
        document = self._render(transcript)
        if not transcript.partial:
            return _write(place, document)
        sealed = partial(seal, recording=transcript.file, document=document)
        return _write(partial_place(place), document, sealed)

    def show(self, transcript: Transcript) -> None:
        """Write the transcript to standard output."""
        self._print(self._render(transcript))

    def finish(self) -> None:
        """Write the document of all transcripts, where they go to standard output."""
        if not self._plan.places and self._together:
            self._print(self._document())

    def _render(self, transcript: Transcript) -> str:
        return (render_words if self._plan.times_words else render)(transcript, self._plan.form)

    def _document(self) -> str:
        if self._plan.several:
            return render_together(self._together, self._plan.form)
        (transcript,) = self._together
        return self._render(transcript)

    def _print(self, document: str) -> None:
        self._stdout.write(encodable(document, self._stdout))
        self._stdout.flush()


def _write(path: Path, document: str, mark: Callable[[int], None] | None = None) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, document, mark)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path
