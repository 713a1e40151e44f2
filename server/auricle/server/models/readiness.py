"""Whether an engine answers: judged by what it has decoded lately, and by tries on a clip where it has not.

Pure: ``now`` is passed in, in seconds of any clock that never goes back. An engine counts as ready once something was
decoded. It is tried right after it was loaded, when it has decoded nothing for `IDLE_S`, and when it has failed.
"""

from math import inf
from typing import Final

IDLE_S: Final = 600.0
"""Seconds without a decode after which the engine is tried: a process that is stuck is noticed before anybody calls."""
RETRY_S: Final = 10.0
"""Least seconds between two tries: an engine that fails is not kept busy with them."""
PATIENCE_S: Final = 30.0
"""Seconds after which a try that has not come back is a sign of trouble. Behind finals it waits like any partial, but
then these come back."""


class Readiness:
    """Of one engine."""

    def __init__(self) -> None:
        self._succeeded_at = -inf
        self._failed_at = -inf
        self._tried_at = -inf
        self._trying_since: float | None = None
        self._why_failed: str | None = None
        """Why the last try failed; None since something was decoded."""

    @property
    def succeeded_at(self) -> float:
        """When something was last decoded; minus infinity where nothing was."""
        return self._succeeded_at

    def decoded(self, now: float) -> None:
        """Something was decoded, for a session or in a try."""
        self._succeeded_at, self._why_failed = now, None

    def failed(self, now: float) -> None:
        """A call for a session came to nothing. That may be due to its audio: a try will tell."""
        self._failed_at = now

    def trying(self, now: float) -> None:
        """A try begins."""
        self._tried_at = self._trying_since = now

    def tried(self, failure: str | None, now: float) -> None:
        """A try is over; ``failure`` is one sentence, None where it was decoded."""
        self._trying_since = None
        if failure is None:
            self.decoded(now)
        else:
            self._why_failed = failure

    @property
    def next_try_at(self) -> float:
        """When the next try is due."""
        wanted_at = self._succeeded_at + IDLE_S
        if self._why_failed is not None or self._failed_at > self._succeeded_at:
            wanted_at = -inf
        return max(wanted_at, self._tried_at + RETRY_S)

    def problem(self, now: float) -> str | None:
        """Return why the engine does not count as ready, in one sentence; None: it does."""
        since = self._trying_since
        if since is not None and now - since > PATIENCE_S and self._succeeded_at < since:
            return f"The engine has decoded nothing for {now - since:.0f} s, though it is asked to."
        if self._why_failed is not None:
            return f"The engine failed when it was tried: {self._why_failed}"
        if self._succeeded_at == -inf:
            return "The engine is loaded, and being tried."
        if now - self._succeeded_at > IDLE_S + PATIENCE_S:
            return f"The engine has decoded nothing for {now - self._succeeded_at:.0f} s."
        return None
