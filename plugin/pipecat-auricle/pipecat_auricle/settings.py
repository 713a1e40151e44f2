"""What can be set of the service, also while it runs, and the messages of the protocol made of it."""

from dataclasses import dataclass, field
from typing import Final, Literal, cast

from pipecat.services.settings import STTSettings
from pipecat.utils.types import NOT_GIVEN, NotGiven

from auricle.core import AudioFormat, Bias, Endpointing, Features, Product, Start
from auricle.core.schema import FieldError
from auricle.transports.asyncio import Change
from pipecat_auricle.version import __version__

MOST_KEYTERMS: Final = 500
LONGEST_KEYTERM: Final = 200
"""Keyterms, and characters of one, that a server takes (``bias.terms``)."""
DETECTED: Final = frozenset({"auto", "multi"})
"""What other services call a language that is to be detected."""
CHANGEABLE: Final = frozenset({"language", "languages", "keyterms", "prompt", "silence_s", "max_segment_s"})
"""Settings that a session takes while it runs. A model is the server's own, and only checked when a session begins."""


def _not_given() -> NotGiven:
    return NOT_GIVEN


@dataclass
class AuricleSTTSettings(STTSettings):
    """Settings of `AuricleSTTService`. What is not given is unchanged, and None is the server's own."""

    languages: list[str] | NotGiven | None = field(default_factory=_not_given)
    """Where no ``language`` is set it is detected, for each utterance, among these."""
    keyterms: list[str] | NotGiven | None = field(default_factory=_not_given)
    """Words that are likely to be said."""
    prompt: str | NotGiven | None = field(default_factory=_not_given)
    """Text that might have been said before."""
    silence_s: float | NotGiven | None = field(default_factory=_not_given)
    """Silence that ends an utterance, where Pipecat's own voice detector has not ended it before."""
    max_segment_s: float | NotGiven | None = field(default_factory=_not_given)
    """Longest utterance, in seconds."""


def stored() -> AuricleSTTSettings:
    """Return settings with everything left to the server."""
    return AuricleSTTSettings(
        model=None, language=None, languages=None, keyterms=None, prompt=None, silence_s=None, max_segment_s=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What is set once, for every session. ``reference`` and ``tags`` are for the server's log."""

    sample_rate: int
    interim_results: bool
    task: Literal["transcribe", "translate"]
    reference: str | None
    tags: tuple[str, ...]


def start_of(settings: AuricleSTTSettings, fixed: Fixed) -> Start:
    """Return the ``start`` of a session. Raises `ValueError`, with one sentence about what cannot be used."""
    try:
        return Start(
            audio=AudioFormat(sample_rate=fixed.sample_rate),
            language=_language(settings),
            languages=_languages(settings),
            task=fixed.task,
            model=cast(str | None, settings.model),
            features=Features(partials=fixed.interim_results, words=True),
            endpointing=_endpointing(settings),
            bias=_bias(settings),
            client=Product(name="pipecat-auricle", version=__version__, reference=fixed.reference, tags=fixed.tags),
        )
    except FieldError as error:
        raise ValueError(f"A setting of AuricleSTTService cannot be used: {error}.") from None


def change_of(settings: AuricleSTTSettings) -> Change:
    """Return all that a running session can change, as it is set now."""
    return {
        "language": _language(settings),
        "languages": _languages(settings),
        "bias": _bias(settings),
        "endpointing": _endpointing(settings),
    }


def usable_keyterms(terms: list[str] | None) -> tuple[str, ...]:
    """Return the terms, each once, without those that are too long, and only the first of too many."""
    return tuple(term for term in dict.fromkeys(terms or ()) if len(term) <= LONGEST_KEYTERM)[:MOST_KEYTERMS]


def _language(settings: AuricleSTTSettings) -> str | None:
    language = cast(str | None, settings.language)
    return None if not language or language.lower() in DETECTED else str(language)


def _languages(settings: AuricleSTTSettings) -> tuple[str, ...]:
    return tuple(str(language) for language in cast(list[str] | None, settings.languages) or ())


def _bias(settings: AuricleSTTSettings) -> Bias:
    terms = usable_keyterms(cast(list[str] | None, settings.keyterms))
    return Bias(terms=terms, prompt=cast(str | None, settings.prompt) or None)


def _endpointing(settings: AuricleSTTSettings) -> Endpointing:
    return Endpointing(
        silence_ms=_milliseconds(settings.silence_s), max_segment_ms=_milliseconds(settings.max_segment_s)
    )


def _milliseconds(seconds: object) -> int | None:
    return None if seconds is None else round(cast(float, seconds) * 1000)
