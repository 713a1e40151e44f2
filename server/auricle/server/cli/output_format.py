"""The format of transcripts: the one that is asked for, or the one that the name of the output says."""

from pathlib import PurePath

from auricle.server.cli.option_values import FORMAT
from auricle.server.transcripts.format_names import Format, named_format


def output_format(form: str | None, output: str | None, template: str | None) -> Format:
    """Return the format of ``--format``; without it that of ``--output talk.srt``, and text where no name says another.

    Raises `OptionError` where there is no such format.
    """
    if form is not None:
        return FORMAT.read_given(form)
    named = (named_format(PurePath(name).suffix.removeprefix(".")) for name in (template, output) if name is not None)
    return next((each for each in named if each is not None), Format.TEXT)
