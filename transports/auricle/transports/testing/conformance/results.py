"""A check and its result: passed, failed with the trace that shows it, or not applicable with the reason."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from auricle.transports.testing.conformance.server_under_test import ServerUnderTest

Outcome = Literal["passed", "failed", "not applicable"]


Run = Callable[[ServerUnderTest], Awaitable[None]]
"""Makes a check. Raises where the server fails it."""


class Check(NamedTuple):
    """One check of a server."""

    id: str
    title: str
    """What a conforming server does, as one clause without a full stop."""
    source: str
    """The section of the specification."""
    dialect: Literal["auricle.v1", "legacy"]
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a check."""

    check: Check
    outcome: Outcome
    why: str = ""
    """One sentence, unless the check passed."""
    trace: tuple[str, ...] = ()
    """The frames of a failed check, one a line."""
