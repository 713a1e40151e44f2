"""The transcript of one recording, once its session has ended."""

from collections import Counter
from dataclasses import dataclass

from auricle.core.events import Accounting
from auricle.core.messages import Final
from auricle.core.parts import ServerInfo
from auricle.server.printable import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The finals of one recording, and the accounting of its session."""

    file: str
    """The recording's path as the user gave it."""
    finals: tuple[Final, ...]
    duration_s: float | None = None
    """Seconds of audio that were sent."""
    complete: bool | None
    """True: every sample is accounted for. False: not so. None: unknown, a legacy server gives no accounting."""
    accounting: Accounting | None = None
    engine: ServerInfo | None = None
    interrupted: bool = False
    """Whether the recording was not sent to its end, because somebody stopped the command."""

    @property
    def language(self) -> str | None:
        """The language in which most of the time is spoken, as the engine names it; None where it does not say."""
        spoken: Counter[str] = Counter()
        for final in self.finals:
            if final.language:
                spoken[final.language] += round((final.end - final.start) * 1000) + 1
        return max(spoken, key=lambda language: spoken[language], default=None)

    @property
    def partial(self) -> str | None:
        """Why the transcript is partial, as a clause without a full stop; None where it is not."""
        if self.interrupted:
            return f"partial: interrupted after {self.duration_s or 0:.2f} s of audio"
        if self.complete is False:
            return "partial: the server did not account for all of the audio"
        return None

    @property
    def spoken(self) -> tuple[Final, ...]:
        """The finals with text; a final over a noise may have none."""
        return tuple(final for final in self.finals if printable(final.text).strip())
