"""What a detector says of every pause, kept in a file: rules are judged again and again by it, at no cost."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from turns.pauses import Kind

SPEAKERS = (
    "LJ0", "austen-", "cards-", "jfk", "osr-", "dg-", "two-cities", "sonnet-", "libri-1272", "libri-2412", "libri-61",
    "libri-1995", "libri-6930", "libri-7902", "libri-horizon", "goforward",
)  # fmt: skip
"""How the names of clips of one speaker begin; of any other clip the whole name is a speaker."""


JOINED = "long-"
"""How the names of clips begin that are other clips one after another: they would be on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A pause of a clip, and the probability that the turn ends there. ``seconds`` None: nobody speaks any more."""

    clip: str
    clip_kind: str
    kind: Kind
    seconds: float | None
    probability: float | None

    @property
    def is_of_its_own(self) -> bool:
        """Whether no other clip has the same pause."""
        return not self.clip.startswith(JOINED)

    @property
    def speaker(self) -> str:
        """Who speaks."""
        return next((name for name in SPEAKERS if self.clip.startswith(name)), self.clip)


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """Write a JSON object a line."""
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in answers), encoding="utf-8")


def read_answers(path: Path) -> Sequence[Answer]:
    """Read what `write_answers` wrote."""
    return [Answer(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
