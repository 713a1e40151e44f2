"""What no log holds: words that were said, audio, keys and tokens. What may hold one is dropped by its name."""

import re
from collections.abc import MutableMapping
from typing import Any, Final

DROPPED: Final = frozenset(
    {
        "audio", "body", "frame", "headers", "hypothesis", "key", "keyterms", "partial", "pcm", "prompt", "query",
        "said", "samples", "subprotocols", "terms", "text", "transcript", "word", "words",
    }
)  # fmt: skip
"""Names of fields that may hold what was said, or all of a request. Numbers by these names are counts, and stay."""
SECRETS: Final = ("api_key", "apikey", "authorization", "cookie", "password", "secret", "token")
"""Parts of the names of fields that hold a secret."""
SECRET_SHAPE: Final = re.compile(r"\b(?:ak|st)_[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{16,}")
"""Keys and session tokens of ours, wherever in a text they are. The tests of either hold that they look like this."""
SCHEME_SHAPE: Final = re.compile(r"(?i)\b(bearer|token)\s+[^\s'\",;]{6,}|\bopenai-insecure-api-key\.[^\s'\",;]+")
"""What clients send, whoever's key it is."""
REDACTED: Final = "[redacted]"


def drop_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop the fields that may hold a secret or what was said, also within fields; a processor of structlog."""
    return {name: _cleaned(value) for name, value in event.items() if not _is_dropped(name, value)}


def without_secrets(text: str) -> str:
    """Return a text without the keys and tokens in it."""
    return SCHEME_SHAPE.sub(REDACTED, SECRET_SHAPE.sub(REDACTED, text))


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return without_secrets(value)
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case dict():
            return {name: _cleaned(each) for name, each in value.items() if not _is_dropped(str(name), each)}
        case list() | tuple():
            return [_cleaned(each) for each in value]
        case _:
            return value


def _is_dropped(name: str, value: Any) -> bool:
    lower = name.lower()
    said = lower in DROPPED and not isinstance(value, int | float)
    return said or any(part in lower for part in SECRETS)
