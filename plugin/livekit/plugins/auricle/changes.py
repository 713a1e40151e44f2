"""What a running session has yet to be told of changed options. Pure.

The server decides the audio before a change as it was configured then, so a change in the middle of an utterance cuts
it. What merely biases (keyterms, prompt) therefore waits for the end of the utterance; a language or an endpointing
somebody asked for does not.
"""

from collections.abc import Mapping

WAITS = frozenset({"bias"})
"""What waits for the end of an utterance, unless something else goes anyway."""


class Changes:
    """One change is told at a time; what changes meanwhile goes with the next."""

    def __init__(self, told: Mapping[str, object]) -> None:
        self._told = dict(told)
        self._wanted = dict(told)
        self._asked: dict[str, object] | None = None
        """What the change that is unanswered replaced."""

    def want(self, wanted: Mapping[str, object]) -> None:
        """Want these from now on."""
        self._wanted.update(wanted)

    def due(self, *, speaking: bool) -> dict[str, object]:
        """Return what is to be told now; nothing while a change is unanswered."""
        differing = {key: value for key, value in self._wanted.items() if self._told[key] != value}
        if self._asked is not None or (speaking and WAITS.issuperset(differing)):
            return {}
        return differing

    def ask(self, change: Mapping[str, object]) -> None:
        """The server is being told."""
        self._asked = {key: self._told[key] for key in change}
        self._told.update(change)

    def answered(self) -> None:
        """The server has taken the change."""
        self._asked = None

    def refused(self) -> Mapping[str, object]:
        """The server has not, and what it refused is not wanted any more. Return what stands instead."""
        before, self._asked = self._asked or {}, None
        for key, value in before.items():
            if self._wanted[key] == self._told[key]:
                self._wanted[key] = value
            self._told[key] = value
        return before
