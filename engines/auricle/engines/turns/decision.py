"""How much silence ends a turn, given what a detector says of the audio before it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    """Times in seconds of silence. Raises `ValueError` for values that contradict each other."""

    threshold: float = 0.5
    """Probability from which on a turn is taken to be over."""
    over_s: float = 0.3
    """Silence that ends a turn which the detector takes to be over."""
    unknown_s: float = 0.5
    """Silence that ends a turn of which the detector says nothing."""
    longest_s: float = 2.0
    """Silence that ends any turn: a detector may be wrong, and nobody should be left waiting."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold is a probability, from 0 to 1, and not {self.threshold!r}.")
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
