"""What an answer to an uploaded recording is, whatever the dialect: text that comes with the events, and its end."""

from dataclasses import dataclass
from typing import Protocol

from auricle.core import ClientEvent
from auricle.server.transcripts.format_names import Format
from auricle.server.transcripts.formats import render
from auricle.server.transcripts.transcript import Transcript


class BadRequest(Exception):
    """A parameter of a request that cannot be used. The message is one sentence with the remedy."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request has no answer, or no more of it."""

    status: int
    """The HTTP status, where none has been sent yet."""
    code: str
    """A code of `auricle.core.errors.ERROR_CODES`, or of the HTTP side."""
    message: str
    """One sentence."""
    param: str | None = None
    """The parameter that is to blame."""
    retry_after_s: float | None = None


class Document(Protocol):
    """The answer to one request. Everything that its methods return is sent, in order."""

    @property
    def media_type(self) -> str:
        """The value of ``Content-Type``."""

    def heard(self, event: ClientEvent) -> str:
        """Return what is to be sent because of an event of the session; empty: nothing yet."""

    def end(self, transcript: Transcript, warnings: tuple[str, ...]) -> str:
        """Return the rest. ``warnings`` are sentences on what of the request was not done."""

    def cut(self, failure: Failure) -> str:
        """Return the end of an answer that has begun, and cannot be finished."""


@dataclass(frozen=True, slots=True)
class WholeDocument:
    """A document of `auricle.server.transcripts` that is written at the end."""

    form: Format
    media_type: str

    def heard(self, event: ClientEvent) -> str:
        """Return nothing."""
        return ""

    def end(self, transcript: Transcript, warnings: tuple[str, ...]) -> str:
        """Return the document, which has no place for warnings."""
        return render(transcript, self.form)

    def cut(self, failure: Failure) -> str:
        """Return nothing: half a document is none."""
        return ""
