"""The commands of a session to the dispatcher: decode a window, promote a speculation, drop a job."""

from dataclasses import dataclass
from typing import Protocol

from auricle.engines.policy.events import Drop, Promote, Urgency
from auricle.engines.protocol import Transcript, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRequest:
    """Decode ``window``. ``job`` is its number in the session and grows from request to request."""

    job: int
    urgency: Urgency
    window: Window


DecodeCommand = DecodeRequest | Promote | Drop

Outcome = Transcript | str
"""The result of a decode; a string is one sentence that says why there is none."""


class DecodeClient(Protocol):
    """A session, as the dispatcher sees it. Hashable by identity."""

    def take(self, job: int, outcome: Outcome) -> None:
        """Take the outcome of the decode request with the number ``job``. Called on the event loop; must not block."""
