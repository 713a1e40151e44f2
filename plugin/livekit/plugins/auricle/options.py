"""The options of `STT`, validated before anything is connected, and the ``start`` message made of them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from livekit.agents import LanguageCode
from livekit.plugins.auricle.version import __version__

from auricle.core import AudioFormat, Bias, Endpointing, Features, Product, Start, Turns
from auricle.core.schema import FieldError
from auricle.transports.address import parse_address
from auricle.transports.asyncio import InvalidURL

DEFAULT_URL: Final = "ws://127.0.0.1:8765"
SAMPLE_RATE: Final = 16_000
"""Sample rate that is sent to the server, in Hz. The framework resamples other rates."""
MOST_KEYTERMS: Final = 500
LONGEST_KEYTERM: Final = 200
"""Keyterms, and characters of one, that a server takes (``bias.terms``)."""
DETECTED: Final = frozenset({"auto", "multi"})
"""What other providers and the framework call a language that is to be detected."""
CHANGEABLE: Final = ("language", "languages", "bias", "endpointing", "turns")
"""Fields of ``start`` that may change while a stream runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a session. Times in seconds. Raises `ValueError` for a value that cannot be used."""

    url: str = DEFAULT_URL
    api_key: str | None = field(default=None, repr=False)
    language: str | None = None
    """None: the server detects it, or uses its own."""
    languages: tuple[str, ...] = ()
    """Among these it is detected; empty: among all that the server knows."""
    task: Literal["transcribe", "translate"] = "transcribe"
    reference: str | None = None
    tags: tuple[str, ...] = ()
    model: str | None = None
    """None: whatever the server runs."""
    keyterms: tuple[str, ...] = ()
    session_keyterms: tuple[str, ...] = ()
    """Keyterms that the framework adds."""
    prompt: str | None = None
    context: str | None = None
    """The last turns of the conversation, as the end of the prompt."""
    silence: float | None = None
    """Silence that ends an utterance. None: the server's default."""
    max_segment: float | None = None
    interim_results: bool = True
    preflight_after: float | None = 0.25
    """After so much silence what has been said is offered as a preflight. None: never."""
    detect_turns: bool = True
    """End speech with the turn, where the server tells turns."""
    turn_threshold: float | None = None
    """Probability from which on a turn is taken to be over. None: the server's default, as for the next two."""
    turn_silence: float | None = None
    """Silence that ends a turn which is taken to be over."""
    turn_timeout: float | None = None
    """Silence that ends any turn."""
    drain_timeout: float = 10.0
    """Longest time without progress after the end of input."""
    max_backlog: float = 90.0
    """Audio that may wait for a server that cannot be reached."""

    def __post_init__(self) -> None:
        check_url(self.url)
        for name in ("drain_timeout", "max_backlog"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0 seconds, not {getattr(self, name)!r}.")
        if self.preflight_after is not None and self.preflight_after < 0:
            raise ValueError(f"preflight_after must not be negative, it is {self.preflight_after!r}.")
        self.start()

    def start(self, *, sample_rate: int = SAMPLE_RATE) -> Start:
        """Return the ``start`` of a session. Raises `ValueError`."""
        try:
            return Start(
                audio=AudioFormat(sample_rate=sample_rate),
                language=self.language,
                languages=self.languages,
                task=self.task,
                model=self.model,
                features=Features(partials=self.interim_results, words=True, turns=self.detect_turns),
                endpointing=self.endpointing,
                turns=self.turns,
                bias=self.bias,
                client=Product(
                    name="livekit-plugins-auricle", version=__version__, reference=self.reference, tags=self.tags
                ),
            )
        except FieldError as error:
            raise ValueError(f"An option of auricle.STT cannot be used: {error}.") from None

    @property
    def endpointing(self) -> Endpointing:
        """When a silence ends an utterance, and when it is told as a pause."""
        return Endpointing(
            silence_ms=_milliseconds(self.silence),
            max_segment_ms=_milliseconds(self.max_segment),
            pause_ms=_milliseconds(self.preflight_after),
        )

    @property
    def turns(self) -> Turns:
        """When a turn is over."""
        return Turns(
            threshold=self.turn_threshold,
            silence_ms=_milliseconds(self.turn_silence),
            timeout_ms=_milliseconds(self.turn_timeout),
        )

    @property
    def bias(self) -> Bias:
        """The keyterms, each once and no more than the server takes, and the prompt."""
        terms = usable_keyterms((*self.keyterms, *self.session_keyterms))
        prompt = " ".join(part for part in (self.prompt, self.context) if part)
        return Bias(terms=terms, prompt=prompt or None)

    def changeable(self) -> Mapping[str, object]:
        """Return the options that a running session can change, by their fields of ``start``."""
        return {name: getattr(self, name) for name in CHANGEABLE}


def usable_keyterms(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the terms, each once, without those that are too long, and only the first of too many."""
    return tuple(term for term in dict.fromkeys(terms) if len(term) <= LONGEST_KEYTERM)[:MOST_KEYTERMS]


def asked_language(language: str | None) -> str | None:
    """Return a language as ``start`` has it: ``auto`` and ``multi`` mean that it is to be detected."""
    return None if not language or language.lower() in DETECTED else LanguageCode(language)


def check_url(url: str) -> None:
    """Raise `ValueError` for a URL that cannot be the address of a server."""
    try:
        parse_address(url)
    except InvalidURL as error:
        raise ValueError(f"auricle.STT cannot use its url: {error}") from None


def from_environment(url: str | None, api_key: str | None) -> tuple[str, str | None]:
    """Return URL and key: those given, else from ``AURICLE_URL`` and ``AURICLE_API_KEY``, else the defaults."""
    return (
        url or os.environ.get("AURICLE_URL") or DEFAULT_URL,
        api_key or os.environ.get("AURICLE_API_KEY") or None,
    )


def with_changes(options: Options, changes: Mapping[str, object]) -> Options:
    """Return options with some of them changed. Raises `ValueError`, and then nothing has changed."""
    return replace(options, **changes)  # type: ignore[arg-type]  # whoever calls has typed them


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
