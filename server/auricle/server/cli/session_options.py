"""What a user may ask of a session on the command line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from auricle.server.cli.option_errors import OptionError
from auricle.server.cli.option_values import MAX_SEGMENT, SILENCE, TASK
from auricle.server.printable import printable

_LANGUAGE_CODE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
"""BCP 47, as far as its form goes."""
MAX_LANGUAGES: Final = 32
"""The limit of the protocol (`auricle.core.messages.Start`)."""
MAX_TERMS: Final = 500
MAX_TERM: Final = 200
MAX_PROMPT: Final = 2_000
"""Limits of the protocol (`auricle.core.parts.Bias`): terms, and characters of a term and of the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """Options of a session; None means the server's default."""

    language: str | None = None
    languages: tuple[str, ...] = ()
    """Those among which it is detected."""
    task: Literal["transcribe", "translate"] = "transcribe"
    prompt: str | None = None
    terms: tuple[str, ...] = ()
    silence_s: float | None = None
    max_segment_s: float | None = None
    live: bool = True
    """Whether somebody waits for the words; a recording gets better ones, later."""


class Given(NamedTuple):
    """The options as they were typed."""

    language: str | None
    languages: str | None
    task: str
    prompt: str | None
    keyterms: str | None
    silence: str | None
    max_segment: str | None

    def checked(self, *, live: bool) -> SessionOptions:
        """Return the options of a session. Raises `OptionError` where one is wrong."""
        return SessionOptions(
            language=checked_language(self.language),
            languages=checked_languages(self.languages, self.language),
            task="translate" if TASK.read_given(self.task) == "translate" else "transcribe",
            prompt=checked_prompt(self.prompt),
            terms=read_terms(self.keyterms),
            silence_s=SILENCE.read(self.silence),
            max_segment_s=MAX_SEGMENT.read(self.max_segment),
            live=live,
        )


def checked_prompt(prompt: str | None) -> str | None:
    """Return the prompt. Raises `OptionError` where the protocol does not take it."""
    if prompt is not None and len(prompt) > MAX_PROMPT:
        raise OptionError(f"--prompt has {len(prompt)} characters, and {MAX_PROMPT} are the most: shorten it.")
    return prompt


def checked_language(language: str | None) -> str | None:
    """Return the language. Raises `OptionError` for what is no code; whether it is understood the engine knows."""
    if language is not None and not _LANGUAGE_CODE.fullmatch(language):
        raise OptionError(
            f"--language takes a code, as in en, de or pt-BR, and not {printable(repr(language))}; without it the "
            "language is detected."
        )
    return language


def checked_languages(languages: str | None, language: str | None) -> tuple[str, ...]:
    """Return the languages of ``--languages``. Raises `OptionError` for what is no code, too many, or no choice."""
    if languages is None:
        return ()
    codes = tuple(dict.fromkeys(code for part in languages.split(",") if (code := part.strip())))
    wrong = next((code for code in codes if not _LANGUAGE_CODE.fullmatch(code)), None)
    if wrong is not None or not codes:
        said = "nothing" if wrong is None else printable(repr(wrong))
        raise OptionError(f"--languages takes codes with commas between them, as in en,de,pt-BR, and not {said}.")
    if len(codes) > MAX_LANGUAGES:
        raise OptionError(
            f"--languages names {len(codes)} languages, and {MAX_LANGUAGES} are the most: leave some out."
        )
    if language is not None:
        raise OptionError("--language says which language it is, and --languages that it is to be found out: give one.")
    return codes


def read_terms(given: str | None) -> tuple[str, ...]:
    """Return the terms of ``--keyterms``: separated by commas, or with ``@FILE`` a line each.

    Raises `OptionError` where the file cannot be read, and where the protocol does not take them.
    """
    if given is None:
        return ()
    parts = _lines_of(given[1:]) if given.startswith("@") else given.split(",")
    terms = tuple(dict.fromkeys(term for part in parts if (term := part.strip())))
    if not terms:
        raise OptionError("--keyterms names no terms: give them as 'one, two', or @FILE with a line each.")
    if len(terms) > MAX_TERMS:
        raise OptionError(f"--keyterms names {len(terms)} terms, and {MAX_TERMS} are the most: leave some out.")
    too_long = next((term for term in terms if len(term) > MAX_TERM), None)
    if too_long is not None:
        raise OptionError(
            f"--keyterms has a term of {len(too_long)} characters ({printable(too_long[:30])}…), and {MAX_TERM} are "
            "the most: separate terms by commas, or by lines in a file."
        )
    return terms


def _lines_of(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it is not UTF-8 text").lower()
        raise OptionError(
            f"Cannot read the terms of {printable(file) or 'a file without a name'}: {reason}; give @FILE with a "
            "line for each term."
        ) from error
