"""What the name of an output means: a file or a directory, where the user did not say which."""

import os
from pathlib import PurePath

from auricle.server.cli.output_plan import STDOUT, OutputError
from auricle.server.cli.recording_files import SUFFIXES
from auricle.server.printable import printable
from auricle.server.transcripts.format_names import Format


def understood_output(output: str | None, form: Format, *, several: bool) -> str | None:
    """Return ``output``, with a slash at its end where it means a directory that is not there yet.

    For ``several`` recordings, or files with names of a template, that is a name without an ending, as in ``-o texts``.
    Raises `OutputError` for no name at all, and for a new file that would have the name of a recording.
    """
    if output is None or output == STDOUT or output.endswith(os.sep) or _is_there(output):
        return output
    if not output:
        raise OutputError("--output is empty: name a file, or a directory that ends in a slash, or leave it out.")
    name = PurePath(output)
    if name.suffix.lower() in SUFFIXES:
        raise OutputError(
            f"{printable(output)} has the name of a recording, and a transcript is none: give a name such as "
            f"{printable(str(name.with_suffix(form.suffix)))}."
        )
    return output + os.sep if several and not name.suffix else output


def _is_there(output: str) -> bool:
    try:
        return bool(output) and os.path.exists(os.path.realpath(output))
    except ValueError:  # a zero byte
        return False
