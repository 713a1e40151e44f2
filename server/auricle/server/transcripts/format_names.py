"""The names of the output formats, apart from what writes them, which takes longer to import."""

from enum import StrEnum


class Format(StrEnum):
    """Output format of a transcript."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    TSV = "tsv"
    LRC = "lrc"

    @property
    def suffix(self) -> str:
        """File name suffix."""
        return ".txt" if self is Format.TEXT else f".{self.value}"

    @property
    def holds_many(self) -> bool:
        """Whether one document can hold several recordings. A subtitle file has one timeline, so it cannot."""
        return self in (Format.TEXT, Format.JSON)

    @property
    def may_time_words(self) -> bool:
        """Whether it has two forms, without and with a time for each word. JSON always has them."""
        return self in (Format.VTT, Format.TSV, Format.LRC)


def named_format(name: str) -> Format | None:
    """Return the format of that name, or of the suffix that its files have (``txt``); None where there is none."""
    lower = name.lower()
    return next((form for form in Format if lower in (form.value, form.suffix.removeprefix("."))), None)
