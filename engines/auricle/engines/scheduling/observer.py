"""What an engine's calls tell those who watch a server. Nothing here decides anything, or holds a word or audio.

`EngineActor` reports to one `EngineObserver`, on the event loop, wherever the engine runs: the calls of one in a
process of its own are seen from this side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from auricle.engines.policy.events import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDecoded:
    """One window of a call."""

    urgency: Urgency
    audio_s: float
    waited_s: float
    """Seconds from the request to the beginning of the call."""
    tries: int
    """How often the engine decoded it; 0 where it failed."""
    believed: bool
    """Whether the engine's own checks passed; what failed is not believed."""
    failed: bool
    owner: object | None
    """Whoever opened the session that asked (`EngineActor.open`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReturned:
    """A call of a window engine, with its repetitions, has come back. Times are seconds."""

    final: bool
    """Whether its windows are those of finals, which have a beam and take longer."""
    took_s: float
    windows: Sequence[WindowDecoded]

    @property
    def audio_s(self) -> float:
        """Seconds of audio in its windows."""
        return sum(window.audio_s for window in self.windows)

    @property
    def failed(self) -> bool:
        """Whether nothing came of it."""
        return all(window.failed for window in self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaken:
    """A turn of a session of a stateful engine, which decodes in its turns, has come back. Times are seconds."""

    took_s: float
    audio_s: float
    waited_s: float
    """Seconds that the session waited for its turn."""
    failed: bool
    owner: object | None
    """Whoever opened the session (`EngineActor.open`)."""


class EngineObserver(Protocol):
    """Whoever watches an engine. Called on the event loop; must not block, and must not raise."""

    def call_returned(self, call: CallReturned) -> None:
        """Note a call of a window engine."""

    def turn_taken(self, turn: TurnTaken) -> None:
        """Note a turn of a session of a stateful engine in which it was given audio."""


class NobodyWatches:
    """Watches nothing."""

    def call_returned(self, call: CallReturned) -> None:
        """Forget it."""

    def turn_taken(self, turn: TurnTaken) -> None:
        """Forget it."""


UNWATCHED: Final = NobodyWatches()
