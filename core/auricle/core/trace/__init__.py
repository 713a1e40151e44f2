"""Traces: a session written down call by call, and a fresh one stepped through what was written.

`watch` a session with a `TraceWriter` to get its lines; `replay` them to learn where this version does otherwise. Pure:
where the lines go is the business of ``auricle.transports.tracing``.
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
