"""The WebSocket paths of dialects. A new dialect is a file beside this one, and a row here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from auricle.server.dialects import deepgram, openai_realtime, twilio
from auricle.server.dialects.handshake import OpenDialect

DIALECTS: Final[Mapping[str, OpenDialect]] = MappingProxyType(
    {
        "/v1/listen": deepgram.open_listen,
        "/v1/realtime": openai_realtime.open_realtime,
        "/v1/twilio": twilio.open_stream,
        "/v1/twilio/transcripts": twilio.open_transcripts,
    }
)
AUDIO_IN_TEXT: Final = frozenset({"/v1/realtime", "/v1/twilio"})
"""Paths whose clients send their audio in text messages, as base64."""
LONGEST_MESSAGES: Final[Mapping[str, int]] = MappingProxyType({"/v1/realtime": openai_realtime.LONGEST_MESSAGE})
"""Bytes of the longest message, on the paths whose clients send longer ones than ours do."""
