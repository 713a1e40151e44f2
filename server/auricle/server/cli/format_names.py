"""The names of the output formats, apart from what writes them, which takes longer to import."""

from enum import StrEnum


class Format(StrEnum):
    """Output format of a transcript."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"

    @property
    def suffix(self) -> str:
        """File name suffix."""
        return ".txt" if self is Format.TEXT else f".{self.value}"

    @property
    def holds_many(self) -> bool:
        """Whether one document can hold several recordings. A subtitle file has one timeline, so it cannot."""
        return self in (Format.TEXT, Format.JSON)
