"""Checks of an output plan before the work begins: nothing is overwritten unasked, and every place can be written.

An hour of work cannot fail at its end, and no recording is lost to a transcript of it.
"""

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from auricle.server.cli.atomic_file import check_writable, is_full_device
from auricle.server.cli.output_plan import OutputError, OutputPlan
from auricle.server.printable import printable
from auricle.server.recordings.recording import STDIN, Recording, RecordingError

PARTIAL: Final = ".partial-99"
"""What the longest name of a partial transcript has before its ending."""
SHORTER: Final = "give a shorter name with `--output`, or names by `--output-template '{number}.{format}'`"


def check_places(plan: OutputPlan, recordings: Sequence[str]) -> None:
    """Raise `OutputError` where a place is an input, another recording, or cannot be written."""
    inputs = [status for each in recordings if (status := _input_status(each)) is not None]
    for place in _resolved(plan.places):
        _check_no_input(place, inputs)
        _check_no_recording(place)
    probed: set[Path] = set()
    for place in _resolved(plan.places):
        _check_place(place, probed)
    if not plan.places:
        _check_standard_output()


def existing(places: Iterable[Path]) -> list[Path]:
    """Return the places at which there is a file already. Devices and pipes are not replaced, and do not count."""
    return [place for place in places if os.path.isfile(os.path.realpath(place))]


def already_there(places: Sequence[Path]) -> str:
    """Return the sentence about files that would be replaced."""
    more = f" (and {len(places) - 1} more of them)" if len(places) > 1 else ""
    return (
        f"{printable(str(places[0]))} is there already{more}: give --overwrite to replace what is there, --resume to "
        "transcribe only what is missing, or another --output."
    )


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return the error for a place that refuses."""
    reason = (error.strerror or "unknown reason").lower()
    remedy = SHORTER if error.errno == errno.ENAMETOOLONG else "give another place with `--output`"
    return OutputError(f"Cannot write {printable(str(path))}: {reason}; {remedy}.")


def _resolved(places: Iterable[Path]) -> list[Path]:
    """Return where the places really are: behind links, and where a folder in ``folder/..`` does not exist yet."""
    try:
        return [Path(os.path.realpath(place)) for place in places]
    except ValueError as error:  # a zero byte in the path
        raise OutputError("The name after `--output` is not a possible path: give another place.") from error


def _input_status(recording: str) -> os.stat_result | None:
    try:
        return os.fstat(sys.stdin.fileno()) if recording == STDIN else os.stat(recording)
    except (OSError, ValueError, AttributeError):  # AttributeError: standard input is closed
        return None


def _check_no_input(place: Path, inputs: Sequence[os.stat_result]) -> None:
    try:
        status = place.stat()
    except OSError:
        return
    if place.is_file() and any(os.path.samestat(status, each) for each in inputs):
        raise OutputError(
            f"{printable(str(place))} is a recording that is to be transcribed, and the transcript would replace it: "
            "give another place with `--output`."
        )


def _check_no_recording(place: Path) -> None:
    """Refuse what is there and can be opened as a recording, whatever was asked: it is hardly an old transcript."""
    if not os.path.isfile(place):
        return
    try:
        Recording.open(place).close()
    except RecordingError:
        return
    raise OutputError(
        f"{printable(str(place))} is a recording, which a transcript would replace: give another place with `--output`."
    )


def _check_place(place: Path, probed: set[Path]) -> None:
    """Check the place, or the nearest folder above it that exists; each folder is probed once."""
    try:
        folder = next(each for each in place.absolute().parents if os.path.exists(each))
        _check_names(folder, place)
        if place.exists():
            check_writable(place)
        elif folder not in probed:
            check_writable(folder / place.name)
            probed.add(folder)
    except OSError as error:
        raise cannot_write(place, error) from error


def _check_names(folder: Path, place: Path) -> None:
    """Raise `OSError` where a name from ``folder`` to the place is too long, or that of a partial one would be."""
    for name in (*place.absolute().relative_to(folder).parts, f"{place.stem}{PARTIAL}{place.suffix}"):
        (folder / name).exists()


def _check_standard_output() -> None:
    try:
        full = is_full_device(os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):
        return  # closed, or not a file of the system
    if full:
        raise OutputError("Cannot write to standard output: no space left on device; give a place with `--output`.")
