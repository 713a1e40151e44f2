"""The messages of ``auricle.v1``: frozen dataclasses, checked when they are made.

One class for each message type, used by the side that sends it and by the side that receives it. Field names are the
wire names. Positions (``at``, ``upto``, ``audio``, ``credit`` …) are sample frames at the declared input rate, counted
from the first sample of the session; ``start``, ``end`` and ``time`` are seconds on the same timeline. Durable messages
carry ``seq`` (1, 2, 3 … without a gap). The classes are in `client`, `server` and `base`; this module holds the closed
union of each direction and the registry of its wire types. Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from collections.abc import Mapping
from typing import Final as Constant
from typing import get_args

from auricle.core.messages.base import (
    Answer,
    Durable,
    Malformed,
    Message,
    Unknown,
)
from auricle.core.messages.client import (
    CHANGEABLE,
    Audio,
    Cancel,
    Configure,
    EndInput,
    Flush,
    Gap,
    Ping,
    Resume,
    Start,
    changed,
)
from auricle.core.messages.server import (
    PROTOCOL,
    Ack,
    Annotate,
    Closed,
    Configured,
    ErrorMessage,
    Final,
    Flushed,
    InputEnded,
    Loading,
    Partial,
    Pong,
    Ready,
    Resumed,
    SpeechEnd,
    SpeechStart,
    StateName,
    Stats,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
    WarningMessage,
)

__all__ = [
    "CHANGEABLE",
    "CLIENT_MESSAGES",
    "PROTOCOL",
    "SERVER_MESSAGES",
    "Ack",
    "Annotate",
    "Answer",
    "Audio",
    "Cancel",
    "ClientMessage",
    "Closed",
    "Configure",
    "Configured",
    "Durable",
    "EndInput",
    "ErrorMessage",
    "Final",
    "Flush",
    "Flushed",
    "Gap",
    "InputEnded",
    "Loading",
    "Malformed",
    "Message",
    "Partial",
    "Ping",
    "Pong",
    "Ready",
    "Resume",
    "Resumed",
    "ServerMessage",
    "SpeechEnd",
    "SpeechStart",
    "Start",
    "StateName",
    "Stats",
    "TurnEnd",
    "TurnMaybeEnd",
    "TurnResumed",
    "Unknown",
    "WarningMessage",
    "changed",
]

ClientMessage = Start | Resume | Audio | Gap | Flush | Configure | EndInput | Cancel | Ping
ServerMessage = (
    Loading | Ready | Resumed | Ack | SpeechStart | SpeechEnd | Partial | Final | Annotate
    | TurnMaybeEnd | TurnResumed | TurnEnd | Flushed | Configured | InputEnded | WarningMessage | ErrorMessage | Pong
    | Stats | Closed
)  # fmt: skip

CLIENT_MESSAGES: Constant[Mapping[str, type[Message]]] = {cls.type: cls for cls in get_args(ClientMessage)}
SERVER_MESSAGES: Constant[Mapping[str, type[Message]]] = {cls.type: cls for cls in get_args(ServerMessage)}
