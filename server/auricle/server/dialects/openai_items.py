"""The items of OpenAI's realtime transcription: stretches of audio that are committed one after the other.

Items are completed in the order in which they were committed. Pure: no frames, no ids of events.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from auricle.core.messages import Final as FinalMessage
from auricle.core.messages import Partial
from auricle.core.parts import Word
from auricle.server.dialects.growing_text import GrowingText


class Pending(NamedTuple):
    """An item that the client has committed, or cleared: then nothing of it is told."""

    item_id: str
    wanted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The items of a session; the *front* one is the oldest that is not completed, and gets the text."""

    prefix: str
    """What all item ids begin with."""
    number: int = 0
    """Of the open item: the one that is not committed yet."""
    previous: str | None = None
    """The item that was committed last."""
    pending: tuple[Pending, ...] = ()
    said: GrowingText = GrowingText()
    """The text of the front item."""
    failure: str | None = None
    """Why a part of the front item was lost."""
    begun: int = 0
    """Sample at which the front item begins."""

    @property
    def open_id(self) -> str:
        """Id of the open item."""
        return f"{self.prefix}{self.number}"

    @property
    def front(self) -> Pending:
        """The item that gets what is heard now."""
        return self.pending[0] if self.pending else Pending(self.open_id)

    def committed(self, *, wanted: bool = True) -> "Items":
        """Return the items once the client has committed the open one, or cleared it."""
        entry = Pending(self.open_id, wanted)
        previous = self.open_id if wanted else self.previous
        return replace(self, pending=(*self.pending, entry), number=self.number + 1, previous=previous)

    def committed_here(self) -> "Items":
        """Return the items once the server has committed the open one, which is the front one."""
        return replace(self, number=self.number + 1, previous=self.open_id)

    def refused(self, item_id: str) -> "Items":
        """Return the items without one whose commit the session has refused: what it held is the next one's."""
        return replace(self, pending=tuple(item for item in self.pending if item.item_id != item_id))

    def completed(self, *, at_sample: int) -> "Items":
        """Return the items once the front one has been completed, or failed; the next one begins at ``at_sample``."""
        return replace(self, pending=self.pending[1:], said=GrowingText(), failure=None, begun=at_sample)

    def heard(self, message: Partial | FinalMessage) -> "tuple[Items, str]":
        """Take a result of the front item; return the delta, which may be empty."""
        if isinstance(message, Partial):
            said, delta = self.said.heard(message.text, message.stable)
        else:
            said, delta = self.said.decided(message)
        return replace(self, said=said), delta if self.front.wanted else ""


def logprobs(words: tuple[Word, ...]) -> list[dict[str, Any]]:
    """Return the log-probability of each word whose probability is known: a token is a word here."""
    return [
        {
            "token": word.text,
            "bytes": list(word.text.encode("utf-8", "surrogatepass")),
            "logprob": round(math.log(max(word.confidence, 1e-9)), 6),
        }
        for word in words
        if word.confidence is not None
    ]
