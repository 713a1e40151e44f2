"""Auricle's pure protocol core: ``auricle.v1`` without I/O, without a clock, without dependencies.

`ClientSession` and `ServerSession` are the two ends of one conversation. Feed them frames, verbs and the time; do what
they return. Everything else here is vocabulary.
"""

from auricle.core.client import ClientSession
from auricle.core.errors import (
    ERROR_CODES,
    AuricleError,
    BacklogFull,
    ErrorCode,
    LocalProtocolError,
)
from auricle.core.events import (
    Accounting,
    AudioReceived,
    ClientEvent,
    FlushRequested,
    FlushTimedOut,
    InputFinished,
    ServerEvent,
    SessionClosed,
    Started,
    TranscriptIncomplete,
)
from auricle.core.limits import Limits
from auricle.core.messages import (
    PROTOCOL,
    Ack,
    ErrorMessage,
    Final,
    Flushed,
    InputEnded,
    Loading,
    Partial,
    Ready,
    SpeechEnd,
    SpeechStart,
    Start,
    WarningMessage,
)
from auricle.core.outputs import AbortTransport, CloseTransport, Emit, Frame, OpenTransport, Output, Transmit
from auricle.core.parts import AudioFormat, Bias, Endpointing, Features, Product, ServerInfo, Word
from auricle.core.server import ServerSession
from auricle.core.states import Role, State

__all__ = [
    "ERROR_CODES",
    "PROTOCOL",
    "AbortTransport",
    "Accounting",
    "Ack",
    "AudioFormat",
    "AudioReceived",
    "AuricleError",
    "BacklogFull",
    "Bias",
    "ClientEvent",
    "ClientSession",
    "CloseTransport",
    "Emit",
    "Endpointing",
    "ErrorCode",
    "ErrorMessage",
    "Features",
    "Final",
    "FlushRequested",
    "FlushTimedOut",
    "Flushed",
    "Frame",
    "InputEnded",
    "InputFinished",
    "Limits",
    "Loading",
    "LocalProtocolError",
    "OpenTransport",
    "Output",
    "Partial",
    "Product",
    "Ready",
    "Role",
    "ServerEvent",
    "ServerInfo",
    "ServerSession",
    "SessionClosed",
    "SpeechEnd",
    "SpeechStart",
    "Start",
    "Started",
    "State",
    "TranscriptIncomplete",
    "Transmit",
    "WarningMessage",
    "Word",
]
