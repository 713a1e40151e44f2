"""What a session finds out about turns: results beside those of `auricle.engines.protocol`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMaybeOver:
    """The turn may be over. ``at_sample``: where its speech ended, as in all results about turns."""

    at_sample: int
    open_text: str
    """What the final of the open utterance will be."""
    probability: float | None
    """What the turn detector says; None: it has no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnGoesOn:
    """The turn is not over, although it was told that it may be."""

    at_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOver:
    """The turn is over; no utterance is open. Also said where nothing was heard in it, and then of no consequence."""

    at_sample: int
    trigger: Literal["model", "silence", "timeout"]
    probability: float | None


TurnResult = TurnMaybeOver | TurnGoesOn | TurnOver
