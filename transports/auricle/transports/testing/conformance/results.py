"""What a check says of a server: passed, failed with the conversation that shows it, or not applicable and why."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from auricle.transports.testing.conformance.server_under_test import ServerUnderTest

Outcome = Literal["passed", "failed", "not applicable"]


class Check(NamedTuple):
    """One thing that can be seen from outside."""

    id: str
    title: str
    """What a good server does, as one sentence without a full stop."""
    source: str
    """Where that is said."""
    dialect: Literal["auricle.v1", "legacy"]
    run: Callable[[ServerUnderTest], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a check."""

    check: Check
    outcome: Outcome
    why: str = ""
    """One sentence, where it did not pass."""
    trace: tuple[str, ...] = ()
    """The conversations of a failed check, a line a frame."""
