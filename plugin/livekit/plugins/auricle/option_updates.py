"""Which changed options a running session has yet to be sent. Pure.

The server transcribes the audio before a change with the configuration of that time, so a change in the middle of an
utterance cuts it. Keyterms and prompt merely bias the recogniser, so a change of these alone waits for the end of the
utterance. A change of language or endpointing does not wait.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

DEFERRABLE: Final = frozenset({"bias"})
"""Fields whose change waits for the end of an utterance, unless another field is sent anyway."""
REFUSABLE: Final = frozenset({"language", "languages"})
"""Fields of which a server may refuse a value that passes our own checks."""


class Refusal(NamedTuple):
    """A change that the server has refused: the values it had, and those that it was to replace."""

    refused: Mapping[str, object]
    before: Mapping[str, object]

    def undoing(self, options: object) -> dict[str, object]:
        """Return what takes the change back in some options, without what has been changed again since."""
        return {
            name: self.before[name]
            for name, value in self.refused.items()
            if name in REFUSABLE and getattr(options, name) == value
        }


class OptionUpdates:
    """The options wanted, and those the server was sent last. Only one change is in flight at a time."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._sent = dict(options)
        self._wanted = dict(options)
        self._replaced: dict[str, object] | None = None
        """The values that the change in flight replaces. None: no change is in flight."""

    def want(self, options: Mapping[str, object]) -> None:
        """Set the options that the session is to have."""
        self._wanted.update(options)

    def due(self, *, speaking: bool) -> dict[str, object]:
        """Return the change to send now; empty where there is none, or while one is in flight."""
        change = {key: value for key, value in self._wanted.items() if self._sent[key] != value}
        if self._replaced is not None or (speaking and DEFERRABLE.issuperset(change)):
            return {}
        return change

    def mark_sent(self, change: Mapping[str, object]) -> None:
        """Record that a change is in flight."""
        self._replaced = {key: self._sent[key] for key in change}
        self._sent.update(change)

    def accept(self) -> None:
        """Record that the server has applied the change in flight."""
        self._replaced = None

    def postpone(self) -> None:
        """Record that the server has not taken the change in flight, and may take it a little later."""
        replaced, self._replaced = self._replaced or {}, None
        self._sent.update(replaced)

    def reject(self) -> Refusal:
        """Record that the server has refused the change in flight, and stop wanting it."""
        replaced, self._replaced = self._replaced or {}, None
        refusal = Refusal({key: self._sent[key] for key in replaced}, dict(replaced))
        for key, value in replaced.items():
            if self._wanted[key] == self._sent[key]:
                self._wanted[key] = value
            self._sent[key] = value
        return refusal
