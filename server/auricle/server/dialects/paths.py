"""The WebSocket paths of dialects. A new dialect is a file beside this one, and a row here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from auricle.server.dialects import deepgram
from auricle.server.dialects.handshake import OpenDialect

DIALECTS: Final[Mapping[str, OpenDialect]] = MappingProxyType(
    {
        "/v1/listen": deepgram.open_listen,
    }
)
