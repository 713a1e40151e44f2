"""The summary line of a recording: input, committed audio, and whether the transcript is complete."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auricle.server.printable import printable
from auricle.server.recordings.recording import STDIN, STDIN_NAME

SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The accounting of one recording. Times are seconds."""

    name: str
    input_s: float
    """Seconds of audio that were sent."""
    committed_s: float
    """Seconds that finals and recorded non-speech cover."""
    complete: bool | None
    """True: every sample is accounted for. False: not so. None: unknown, a legacy server gives no accounting."""
    words: int
    last_final_s: float | None = None
    """Seconds from the end of the input to the last final; negative where it came earlier, None where none came."""
    engine: str | None = None
    """The engine and its model, as the server names them."""
    interrupted: bool = False
    """Whether the recording was not sent to its end."""
    why: str | None = None
    """The reason why the transcript is not complete, a clause without a full stop."""

    def line(self) -> str:
        """Return the summary as one line, without a line break."""
        parts = [self._accounting(), f"{self.words} word" + ("" if self.words == 1 else "s"), self._last_final()]
        if self.engine:
            parts.append(printable(self.engine))
        name = printable(self.name) + (" (interrupted)" if self.interrupted else "")
        return f"{name}: " + " · ".join(part for part in parts if part)

    def _accounting(self) -> str:
        given = f"{self.input_s:.2f} s in"
        reason = printable(self.why).rstrip(". ") if self.why else ""
        if self.complete:
            return f"{given}, {self.committed_s:.2f} s committed (complete)"
        if self.complete is None:
            return f"{given}, unverified ({reason or 'the server speaks the old dialect, which has no accounting'})"
        missing = max(0.0, self.input_s - self.committed_s)
        amount = f"INCOMPLETE: {given}, {self.committed_s:.2f} s committed, {missing:.2f} s not accounted for"
        return f"{amount} ({reason or 'the server gave no reason'})"

    def _last_final(self) -> str:
        if self.last_final_s is None:
            return ""
        if self.last_final_s < 0:
            return "last final before the end of input"
        return f"last final {self.last_final_s:.2f} s after the end of input"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a run over several recordings has done. Times are seconds."""

    done: int
    """Recordings that were transcribed to their end."""
    skipped: int
    failed: Sequence[str]
    """Recordings of which something is missing, by name."""
    left: int
    """Recordings that were not begun, because somebody stopped the command."""
    audio_s: float
    words: int
    elapsed_s: float

    def lines(self) -> list[str]:
        """Return the sum, and a line with what failed."""
        total = self.done + self.skipped + len(self.failed) + self.left
        counts = [f"{self.done} done"]
        counts += [f"{count} {what}" for count, what in self._others() if count]
        speed = f" · {self.audio_s / self.elapsed_s:.1f} x real time" if self.elapsed_s > 0 and self.audio_s else ""
        hours = self.audio_s / SECONDS_PER_HOUR
        audio = f"{hours:.2f} h of audio" if hours >= 1 else f"{60 * hours:.1f} min of audio"
        summed = f"{total} recordings: {', '.join(counts)} · {audio} · {self.words:,} words{speed}"
        return [summed, f"Failed: {', '.join(map(_named, self.failed))}"] if self.failed else [summed]

    def _others(self) -> tuple[tuple[int, str], ...]:
        return (self.skipped, "skipped"), (len(self.failed), "failed"), (self.left, "not begun")


def _named(recording: str) -> str:
    return STDIN_NAME if recording == STDIN else printable(recording)
