"""What the dialects of other services have in common: no credit, no meaning in a bare close, JSON in text frames."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from auricle.core.codec import Decoded
from auricle.core.limits import Limits
from auricle.core.messages import Answer, Ping
from auricle.core.snapshot import Snapshot
from auricle.core.stimuli import Lose


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDialect:
    """The part of a `Dialect` that is the same for all of them."""

    limits: Limits

    @property
    def legacy(self) -> bool:
        """Return True: there is no credit, and a client is slowed down by TCP alone."""
        return True

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return the Close frame of ``auricle.v1`` as it is."""
        return code, reason

    def conclude(self, lost: Lose, s: Snapshot) -> None:
        """Return None: a client that leaves does not hear how the session ends."""


def dump(body: Mapping[str, object]) -> str:
    """Return an object as a text frame."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def answer(body: Mapping[str, object]) -> tuple[Decoded, ...]:
    """Return what answers a frame that means nothing to the core, but is a sign of life."""
    return Decoded(Ping()), Decoded(Answer(frame=dump(body)))
