"""Audio that a stream had not got decided when it failed: the next stream of the same conversation begins with it.

A conversation is a pipeline of an `AgentSession`, which opens another stream where one has failed. Other streams have
nothing to do with each other: two streams of one STT may be two people, and what one says must not reach the other.
"""

from contextvars import ContextVar
from importlib import import_module
from typing import Any, Final, NamedTuple

from livekit.plugins.auricle.accounting import StreamAccounting, Undecided

PIPELINE_MODULE: Final = "livekit.agents.voice.audio_recognition"
PIPELINE_VARIABLE: Final = "_STTPipelineContextVar"
ATTRIBUTE: Final = "_auricle_leftover"
"""Where a pipeline keeps it: it lives as long as the conversation does."""


class Leftover(NamedTuple):
    """What the next stream has to know of it."""

    undecided: Undecided
    began_at: float
    """Wall-clock time of its first sample."""
    owner: object
    """The STT whose stream has failed."""
    for_owner: bool
    """Whether the owner's next stream is to take it. Otherwise it is for the stream of another STT (`FallbackAdapter`):
    the next one of the owner may be there only to see whether its server is back."""

    def is_for(self, stt: object) -> bool:
        """Return whether the streams of ``stt`` may take it."""
        return (stt is self.owner) == self.for_owner


def current_conversation() -> Any | None:
    """Return the pipeline in which the present task runs; None where there is none, or the framework does not say."""
    variable: ContextVar[Any] | None = getattr(import_module(PIPELINE_MODULE), PIPELINE_VARIABLE, None)
    return None if variable is None else variable.get(None)


def leave(conversation: Any, accounting: StreamAccounting, began_at: float, owner: object, *, for_owner: bool) -> None:
    """Keep what is undecided for the next stream of a conversation. The arguments are as in `Leftover`."""
    leftover = Leftover(
        undecided=accounting.hand_on(),
        began_at=began_at,
        owner=owner,
        for_owner=for_owner,
    )
    setattr(conversation, ATTRIBUTE, leftover)


def take(conversation: Any | None, stt: object) -> Leftover | None:
    """Return what was left for a stream of ``stt`` in this conversation, and forget it."""
    leftover: Leftover | None = getattr(conversation, ATTRIBUTE, None)
    if leftover is None or not leftover.is_for(stt):
        return None
    setattr(conversation, ATTRIBUTE, None)
    return leftover
