"""How much silence ends a turn, given what a detector says of the audio before it. Pure."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    """Times in seconds of silence. Raises `ValueError` for values that contradict each other.

    The defaults are for Smart Turn: docs/turns.md has what they reach, and what others do.
    """

    threshold: float = 0.9
    """Probability from which on a turn is taken to be over."""
    maybe_threshold: float = 0.9
    """Probability from which on it is told that a turn may be over."""
    over_s: float = 0.45
    """Silence that ends a turn which the detector takes to be over."""
    maybe_s: float = 0.25
    """Silence after which it is told that a turn may be over of which the detector says nothing."""
    unknown_s: float = 0.5
    """Silence that ends a turn of which the detector says nothing."""
    longest_s: float = 0.7
    """Silence that ends any turn: a detector may be wrong, and nobody should be left waiting."""

    def __post_init__(self) -> None:
        for name in ("threshold", "maybe_threshold"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability, from 0 to 1, and not {getattr(self, name)!r}.")
        if self.maybe_s < 0.0:
            raise ValueError(f"maybe_s is a silence, and not {self.maybe_s!r}.")
        if not 0.0 < self.over_s <= self.unknown_s <= self.longest_s:
            raise ValueError(
                "The silence that ends a turn is above 0, and shortest where the turn seems over (over_s), then where "
                f"that is not known (unknown_s), then in any case (longest_s); not {self.over_s!r}, "
                f"{self.unknown_s!r} and {self.longest_s!r}."
            )


def silence_that_ends(rules: TurnRules, probability: float | None) -> float:
    """Return the seconds of silence after which the turn is over. ``probability`` None: the detector has no answer."""
    if probability is None:
        return rules.unknown_s
    return rules.over_s if probability >= rules.threshold else rules.longest_s


def may_be_over(rules: TurnRules, probability: float | None, silence_s: float) -> bool:
    """Return whether it is to be told now that the turn may be over."""
    if probability is None:
        return silence_s >= rules.maybe_s
    return probability >= rules.maybe_threshold


def reason_of_end(rules: TurnRules, probability: float | None) -> Literal["model", "silence", "timeout"]:
    """Return why a turn is over after `silence_that_ends`."""
    if probability is None:
        return "silence"
    return "model" if probability >= rules.threshold else "timeout"
