"""What has been said in the open turn of a server that tells turns. Pure."""

from auricle.core import Final, TurnMaybeEnd
from auricle.core.turn import joined


class OpenTurn:
    """The finals since the last end of a turn."""

    def __init__(self) -> None:
        self.finals = 0
        self._text = ""

    def add(self, final: Final) -> None:
        """Take a final."""
        self.finals += 1
        self._text = joined(self._text, final.text)

    def open_text(self, promise: TurnMaybeEnd) -> str:
        """Return what a promise says beyond the finals: the framework has those already."""
        return promise.text.removeprefix(self._text).strip() if promise.text.startswith(self._text) else ""
