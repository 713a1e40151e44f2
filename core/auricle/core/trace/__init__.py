"""Traces: recording the calls of a session as JSON lines, and replaying them on a new session.

`watch` calls an observer with every call of a session, `TraceWriter` turns calls into lines, and `replay` reports where
this version behaves differently. No I/O: ``auricle.transports.tracing`` writes the lines to disk.
"""

from auricle.core.trace.dialogue import dialogue
from auricle.core.trace.lines import VERSION, Call, Header, TraceWriter
from auricle.core.trace.observer import VerbCall, named_arguments, verbs, watch
from auricle.core.trace.redaction import Redactor
from auricle.core.trace.replay import Divergence, Replay, replay
from auricle.core.trace.values import TraceError

__all__ = [
    "VERSION",
    "Call",
    "Divergence",
    "Header",
    "Redactor",
    "Replay",
    "TraceError",
    "TraceWriter",
    "VerbCall",
    "dialogue",
    "named_arguments",
    "replay",
    "verbs",
    "watch",
]
