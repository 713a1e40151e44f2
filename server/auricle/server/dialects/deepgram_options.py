"""The query of Deepgram's ``/v1/listen``: what a session is asked for, what of that is not done, and what is refused.

Unknown parameters are accepted, and so is every feature that is switched off. Source: Deepgram's API reference of
``/v1/listen``, and what its SDKs, LiveKit and pipecat send (notes/wire-protocols.md §4.1).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from auricle.core.language_names import language_tag
from auricle.core.messages import Start
from auricle.core.parts import AudioFormat, Bias, Encoding, Endpointing, Features
from auricle.server.dialects.handshake import DECODED
from auricle.server.dialects.query_values import Query, is_on, is_plain_flag, last, whole

ENCODINGS: Final[dict[str, Encoding]] = {"linear16": "pcm_s16le", "mulaw": "mulaw", "alaw": "alaw"}
CONTAINED: Final = ("", "ogg-opus", "flac", "amr-nb", "amr-wb", "mp3", "aac")
"""Encodings that begin with a header of their own; without ``encoding`` the audio is in any container."""
DEFAULT_RATE: Final = 16_000
G711_RATE: Final = 8_000
SHORTEST_SILENCE_MS: Final = 200
"""Least ``endpointing`` that is taken as it is: Whisper hears in windows, and pieces of less than that lose words."""
LONGEST_SILENCE_MS: Final = 10_000
MAX_TERMS: Final = 500
MAX_TERM_LENGTH: Final = 200
MAX_LANGUAGES: Final = 32

NOT_DONE: Final = (
    "custom_intent", "custom_topic", "detect_entities", "diarize", "diarize_model", "dictation", "extra",
    "filler_words", "intents", "measurements", "numerals", "paragraphs", "profanity_filter", "redact", "replace",
    "search", "sentiment", "summarize", "topics",
)  # fmt: skip
"""Features of Deepgram that this server has not."""
FORMATTING: Final = ("punctuate", "smart_format")


class QueryRefused(Exception):
    """The query asks for a session that cannot be had. The message is one sentence; ``parameter`` is its reason."""

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__(why)
        self.parameter = parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One row of ``warnings``: a parameter that is accepted, and not done as asked."""

    parameter: str
    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOptions:
    """What a session of this dialect tells, beside its ``start``."""

    interim_results: bool = False
    vad_events: bool = False
    utterance_end_s: float | None = None
    formatted: bool = False
    """Whether the transcript has punctuation and capitals; a word always has both of its forms."""
    endpointing: bool = True
    """Whether a pause is told as the end of speech (``speech_final``)."""
    multilingual: bool = False
    """Whether the languages of a transcript are told."""
    warnings: tuple[Warned, ...] = ()


def read_options(query: Query, models: Collection[str] = ()) -> ListenOptions:
    """Return what a query asks to be told. ``models`` are those that there are to choose from."""
    interim = is_on(last(query, "interim_results"))
    utterance_end_ms = whole(last(query, "utterance_end_ms"))
    return ListenOptions(
        interim_results=interim,
        vad_events=is_on(last(query, "vad_events")),
        utterance_end_s=None if not utterance_end_ms or utterance_end_ms < 0 else utterance_end_ms / 1000,
        formatted=any(is_on(last(query, name)) for name in FORMATTING),
        endpointing=(last(query, "endpointing") or "10").lower() != "false",
        multilingual=last(query, "language") == "multi",
        warnings=tuple(_warnings(query, models)),
    )


def read_start(query: Query) -> Start:
    """Return the ``start`` of a query. Raises `QueryRefused`."""
    if is_on(last(query, "callback")):
        raise QueryRefused("callback", "There are no callbacks here: results come on this WebSocket.")
    detects = is_on(last(query, "detect_language"))
    language = None if detects else language_tag((last(query, "language") or "")[:35])
    return Start(
        audio=_audio(query),
        language=language,
        languages=() if language else _languages(query),
        model=(last(query, "model") or "")[:200] or None,
        features=Features(partials=is_on(last(query, "interim_results")), words=True),
        endpointing=Endpointing(silence_ms=_silence_ms(query)),
        bias=Bias(terms=usable_terms(asked_terms(query))),
        resume=False,
    )


def _languages(query: Query) -> tuple[str, ...]:
    """Return the languages among which one is detected: ``language_hint``, and those that ``detect_language`` names."""
    named = (*query.get("language_hint", ()), *query.get("detect_language", ()))
    asked = (part for value in named for part in value.split(",") if not is_plain_flag(part.strip()))
    tags = (language_tag(part[:35]) for part in asked)
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:MAX_LANGUAGES]


def asked_terms(query: Query) -> tuple[str, ...]:
    """Return ``keyterm`` and ``keywords``, the latter without their weights (``name:2``)."""
    weighted = (re.sub(r":-?[\d.]+$", "", keyword) for keyword in query.get("keywords", ()))
    return (*query.get("keyterm", ()), *weighted)


def usable_terms(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the terms that the engine can be told: as many, and as long, as a session may have."""
    return tuple(dict.fromkeys(term.strip()[:MAX_TERM_LENGTH] for term in terms if term.strip()))[:MAX_TERMS]


def media_kind(query: Query) -> Literal["opus", "container"] | None:
    """Return how the audio is compressed, None where it is not."""
    name = (last(query, "encoding") or "").lower()
    return "opus" if name == "opus" else "container" if name in CONTAINED else None


def _audio(query: Query) -> AudioFormat:
    channels = last(query, "channels")
    if (is_on(channels) and whole(channels) != 1) or is_on(last(query, "multichannel")):
        raise QueryRefused("channels", "Only one channel is heard here: mix them, or open a connection for each.")
    if media_kind(query) is not None:
        return DECODED
    name = (last(query, "encoding") or "").lower()
    if name not in ENCODINGS:
        known = ", ".join((*ENCODINGS, "opus", *CONTAINED[1:]))
        raise QueryRefused("encoding", f"The encoding {name[:40]!r} is not understood here; send one of {known}.")
    asked = last(query, "sample_rate")
    rate = whole(asked) if asked else (DEFAULT_RATE if name == "linear16" else G711_RATE)
    if rate is None or not 4_000 <= rate <= 192_000:
        raise QueryRefused("sample_rate", "The sample_rate must be a number of Hz from 4000 to 192000.")
    return AudioFormat(encoding=ENCODINGS[name], sample_rate=rate)


def _silence_ms(query: Query) -> int | None:
    """Return the silence that ends an utterance; None for the server's own."""
    asked = whole(last(query, "endpointing"))
    if asked is None or asked < SHORTEST_SILENCE_MS:
        return None
    return min(asked, LONGEST_SILENCE_MS)


def _warnings(query: Query, models: Collection[str]) -> Iterator[Warned]:
    for name in NOT_DONE:
        value = last(query, name)
        if is_on(value) and (name not in ("diarize_model",) or value):
            yield Warned(parameter=name, type="unsupported_feature", message=f"{name} is not done here.")
    model = last(query, "model")
    if model and model not in models:
        why = f"There is no model {model[:60]!r} here, and the default answers; see models."
        yield Warned(parameter="model", type="unsupported_model", message=why)
    endpointing = last(query, "endpointing")
    silence_ms = whole(endpointing)
    if silence_ms is not None and 0 < silence_ms < SHORTEST_SILENCE_MS:
        why = f"Pauses below {SHORTEST_SILENCE_MS} ms end no utterance here: the server's own length is used."
        yield Warned(parameter="endpointing", type="unsupported_value", message=why)
    elif endpointing and silence_ms is None and not is_plain_flag(endpointing):
        yield Warned(parameter="endpointing", type="unsupported_value", message="endpointing is not a number of ms.")
    if len(asked_terms(query)) > MAX_TERMS:
        why = f"Only the first {MAX_TERMS} terms are used."
        yield Warned(parameter="keyterm", type="unsupported_value", message=why)
