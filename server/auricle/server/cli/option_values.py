"""What options of commands take that are no plain text: numbers within bounds, and one of some words."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Generic, Protocol, TypeVar

from auricle.server.cli.option_errors import OptionError
from auricle.server.keys.scopes import Scope
from auricle.server.printable import printable
from auricle.server.settings.kinds import BadValue, Choice, Number, Whole, quoted
from auricle.server.transcripts.format_names import Format, named_format

Value_co = TypeVar("Value_co", covariant=True)
ANY_NUMBER: Final = 1_000_000
"""A bound that nobody reaches."""


class Kind(Protocol[Value_co]):
    """What values an option takes: see `auricle.server.settings.kinds`."""

    def from_text(self, text: str) -> Value_co:
        """Return the value that the text says. Raises `BadValue`."""


@dataclass(frozen=True, slots=True)
class OptionValue(Generic[Value_co]):
    """The value of an option."""

    flag: str
    kind: Kind[Value_co]

    def read(self, text: str | None) -> Value_co | None:
        """Return the value, None where the option is not given. Raises `OptionError` where it takes no such value."""
        return None if text is None else self.read_given(text)

    def read_given(self, text: str) -> Value_co:
        """Return the value. Raises `OptionError` where the option takes no such value."""
        try:
            return self.kind.from_text(text)
        except BadValue as takes:
            raise OptionError(
                f"{self.flag} takes {takes}, and not {printable(quoted(text))}{self._near(text)}"
            ) from None

    def _near(self, text: str) -> str:
        near = get_close_matches(text.lower(), self.words, n=1)
        return f": did you mean {near[0]}?" if near else "."

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it takes, where it takes words."""
        return self.kind.words if isinstance(self.kind, Choice | FormatChoice) else ()

    def complete(self, incomplete: str) -> list[str]:
        """Return the words that begin as what has been typed."""
        return [word for word in self.words if word.startswith(incomplete)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatChoice:
    """A format of transcripts."""

    words: tuple[str, ...] = tuple(each.value for each in Format)

    def from_text(self, text: str) -> Format:
        """As `Kind.from_text`."""
        form = named_format(text)
        if form is None:
            raise BadValue(Choice(words=self.words).takes)
        return form


FORMAT: Final = OptionValue("--format", FormatChoice())
TASK: Final = OptionValue("--task", Choice(words=("transcribe", "translate")))
CHANNEL: Final = OptionValue("--channel", Whole(least=1, most=1_000))
SILENCE: Final = OptionValue("--silence", Number(least=0.1, most=10))
MAX_SEGMENT: Final = OptionValue("--max-segment", Number(least=1, most=28))
BEAM_SIZE: Final = OptionValue("--beam-size", Whole(least=1, most=10))
THREADS: Final = OptionValue("--threads", Whole(least=1, most=1_024))
SCOPE: Final = OptionValue("--scope", Choice(words=tuple(each.value for each in Scope)))
SESSIONS: Final = OptionValue("--sessions", Whole(least=1, most=ANY_NUMBER))
REQUESTS: Final = OptionValue("--requests-per-minute", Whole(least=1, most=ANY_NUMBER))
AUDIO_MINUTES: Final = OptionValue("--audio-minutes-per-day", Number(least=0.1, most=ANY_NUMBER, unit="minutes"))
TIMEOUT: Final = OptionValue("--timeout", Number(least=0.1, most=ANY_NUMBER))
