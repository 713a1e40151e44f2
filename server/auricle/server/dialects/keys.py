"""Where the clients of each dialect put their key: pure functions of a request, before anything else of it is read.

What a key is worth is not decided here. Sources: RFC 6750 (``Bearer``); Deepgram's "Using the Sec-WebSocket-Protocol";
OpenAI's realtime guide for browsers; ``auricle.auth.`` of `auricle.server.http.negotiation`.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from auricle.core import Frame, codec
from auricle.server.dialects.query_values import last, parse_query

KEY_PARAMETER: Final = "key"
"""Query parameter for clients that can set neither a header nor a subprotocol. Prefer those: addresses are logged."""
AURICLE_PREFIX: Final = "auricle.auth."
OPENAI_PREFIX: Final = "openai-insecure-api-key."
DEEPGRAM_SCHEMES: Final = ("token", "bearer")
LONGEST_START: Final = 65_536
"""Bytes of a call's ``start`` in which a key is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlaces:
    """The parts of a request that may hold a key. None of them is in the ``repr``."""

    authorization: str = field(default="", repr=False)
    """Value of the ``Authorization`` header."""
    subprotocols: tuple[str, ...] = field(default=(), repr=False)
    """In the client's order."""
    query: str = field(default="", repr=False)
    """As it was sent, still percent-encoded."""


FindKey = Callable[[KeyPlaces], str | None]
"""Returns the key of a request, None where it has none. Never raises."""


def auricle_key(places: KeyPlaces) -> str | None:
    """Return the key of ``auricle.v1``, of ``curl`` and of the operator's requests.

    ``Bearer``, the subprotocol ``auricle.auth.<base64url>``, or the query.
    """
    return _credentials(places, "bearer") or _base64url(_behind(AURICLE_PREFIX, places)) or _from_query(places)


def deepgram_key(places: KeyPlaces) -> str | None:
    """Return the key of ``/v1/listen``: ``Token`` or ``Bearer``, the same pair as subprotocols, or the query."""
    return _credentials(places, *DEEPGRAM_SCHEMES) or _after_scheme(places) or _from_query(places)


def openai_key(places: KeyPlaces) -> str | None:
    """Return the key of OpenAI's paths: ``Bearer``, a browser's ``openai-insecure-api-key.`` subprotocol, the query."""
    return _credentials(places, "bearer") or _behind(OPENAI_PREFIX, places) or _from_query(places)


def twilio_key(places: KeyPlaces) -> str | None:
    """Return the key of those who listen to a call; Twilio itself can send none before `twilio_call_key`."""
    return _credentials(places, "bearer") or _from_query(places)


def twilio_call_key(frame: Frame) -> str | None:
    """Return the key of a call, from its ``start`` message: ``<Parameter name="key">`` of the ``<Stream>``.

    Twilio sends no headers of one's own, and no query. None for any other frame.
    """
    body = codec.parse_object(frame, LONGEST_START) if isinstance(frame, str) else None
    start = body.get("start") if isinstance(body, dict) and body.get("event") == "start" else None
    parameters = start.get("customParameters") if isinstance(start, dict) else None
    value = parameters.get(KEY_PARAMETER) if isinstance(parameters, dict) else None
    return value.strip() or None if isinstance(value, str) else None


KEYS: Final[Mapping[str, FindKey]] = MappingProxyType(
    {
        "/v1/listen": deepgram_key,
        "/v1/realtime": openai_key,
        "/v1/audio": openai_key,
        "/v1/models": openai_key,
        "/v1/twilio": twilio_key,
    }
)
"""The dialect's function for the paths that begin so."""


def key_of(path: str, places: KeyPlaces) -> str | None:
    """Return the key of a request for ``path``, as the clients of its dialect send it; None where it has none."""
    find = next((find for known, find in KEYS.items() if path == known or path.startswith(f"{known}/")), auricle_key)
    return find(places)


def _credentials(places: KeyPlaces, *schemes: str) -> str | None:
    scheme, _, value = places.authorization.strip().partition(" ")
    return value.strip() or None if scheme.lower() in schemes else None


def _after_scheme(places: KeyPlaces) -> str | None:
    pairs = zip(places.subprotocols, places.subprotocols[1:], strict=False)
    return next((key for scheme, key in pairs if scheme.lower() in DEEPGRAM_SCHEMES), None)


def _behind(prefix: str, places: KeyPlaces) -> str | None:
    found = (item.removeprefix(prefix) for item in places.subprotocols if item.startswith(prefix))
    return next(found, None) or None


def _base64url(text: str | None) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() or None if text else None
    except (binascii.Error, ValueError):
        return None


def _from_query(places: KeyPlaces) -> str | None:
    return last(parse_query(places.query), KEY_PARAMETER) or None
