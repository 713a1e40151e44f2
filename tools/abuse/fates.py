"""What became of attackers: how the server ended each, and how long after it had begun."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

HELD: Final = "still connected"
"""The fate of an attacker that the server has not ended."""


@dataclass(slots=True)
class Fates:
    """Of all attackers of one attack."""

    answers: Counter[str] = field(default_factory=Counter)
    gone_s: list[float] = field(default_factory=list)
    """For each that the server has ended, how long that took from its first byte."""
    notes: list[str] = field(default_factory=list)
    """Further figures, a phrase each."""
    faults: list[str] = field(default_factory=list)
    """What must not be, a sentence each."""

    def add(self, answer: str, gone_s: float | None = None) -> None:
        """Count one attacker."""
        self.answers[answer] += 1
        if gone_s is not None:
            self.gone_s.append(gone_s)

    def expect(self, *allowed: str) -> None:
        """Say which answers are right; any other is a fault."""
        for answer, count in self.answers.items():
            if answer not in allowed:
                self.faults.append(f"{count} × {answer}, which is none of {', '.join(allowed)}.")

    @property
    def told(self) -> str:
        """What the server did, in a line."""
        answers = ", ".join(f"{count} × {answer}" if count > 1 else answer for answer, count in self.answers.items())
        return "; ".join([answers, *self.notes] if answers else self.notes)
