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

    @property
    def owner(self) -> object | None:
        """Whoever opened it, for those who watch (`EngineObserver`)."""

    def queue_moved(self, engine_s: float) -> None:
        """Note that the engine has begun a call while a final of this session waits or is decoded.

        ``engine_s`` is how many seconds it may take until the final is there, or the queue has moved again. Called on
        the event loop; must not block.
        """

    def take(self, job: int, outcome: Outcome) -> None:
        """Take the outcome of the decode request with the number ``job``. Called on the event loop; must not block."""
