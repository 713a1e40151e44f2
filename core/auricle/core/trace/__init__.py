"""Traces: a session written down call by call, and a fresh one stepped through what was written.

`watch` a session with a `Scribe` to get its lines; `replay` them to learn where this version does otherwise. Pure:
where the lines go is the business of ``auricle.transports.tracing``.
"""

from auricle.core.trace.dialogue import dialogue
from auricle.core.trace.lines import VERSION, Call, Header, Scribe
from auricle.core.trace.redaction import Redactor
from auricle.core.trace.replay import Divergence, Replay, replay
from auricle.core.trace.values import TraceError
from auricle.core.trace.watching import Happening, by_name, verbs, watch

__all__ = [
    "VERSION",
    "Call",
    "Divergence",
    "Happening",
    "Header",
    "Redactor",
    "Replay",
    "Scribe",
    "TraceError",
    "by_name",
    "dialogue",
    "replay",
    "verbs",
    "watch",
]
