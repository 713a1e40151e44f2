"""What a stream has to remember from one session to the next: its undecided audio, and the numbers of its report."""

from livekit.plugins.auricle.report import Report
from livekit.plugins.auricle.undecided import UndecidedAudio

from auricle.core import (
    Ack,
    ClientEvent,
    ErrorMessage,
    Final,
    Flushed,
    Interrupted,
    Ready,
    Restarted,
    SessionClosed,
    SpeechEnd,
    SpeechStart,
)

OPENING_S = 1.0
"""An utterance may begin so long before the sample at which it was noticed, and be told no later than its ``ack``."""
LONGEST_UTTERANCE_S = 60.0
"""No server lets one get longer (``max_segment_ms`` ends at 28 s)."""


class Ledger:
    """Pure: hears every event of the client, and says whether it was progress."""

    def __init__(self, sample_rate: int) -> None:
        self.undecided = UndecidedAudio()
        self.flush_owed = False
        """Whether a session ended before it had answered a flush."""
        self.ended = False
        """Whether the stream has ended, so that whatever is undecided stays so."""
        self._rate = sample_rate
        self._report = Report()
        self._lost = 0
        self._processed = 0
        self._speaking = False

    @property
    def report(self) -> Report:
        """The numbers so far."""
        undecided = self.undecided.end - self.undecided.start
        whole = not undecided and not self._lost
        return self._report._replace(
            pushed=self.undecided.end / self._rate,
            decided=(self.undecided.end - undecided - self._lost) / self._rate,
            lost=self._lost / self._rate,
            complete=whole if self.ended else None,
        )

    def hear(self, event: ClientEvent) -> bool:
        """Take note of an event; return whether anything was decided by it, or at least heard by an engine."""
        match event:
            case Ready():
                self._speaking, self._processed = False, self.undecided.start
                self._count(sessions=1)
                return True
            case SpeechStart() | SpeechEnd():
                self._speaking = isinstance(event, SpeechStart)
                return False
            case Ack(committed=committed, processed=processed):
                self._settle(max(committed, self._without_words(processed)))
                return self._process(processed)
            case Final(audio=(_, end)):
                self._count(finals=1)
                self._settle(end)
                return True
            case Flushed(upto=upto):
                self._count(flushes=1)
                self._settle(upto)
                return True
            case ErrorMessage(audio=(begin, end)):
                return self._lose(begin, end)
            case Interrupted():
                self._count(interruptions=1)
                return False
            case Restarted(origin_sample=origin, lost_samples=lost):
                self._speaking = False
                return self._lose(origin - lost, origin)
            case SessionClosed(complete=True):
                return self._settle(self.undecided.end)
            case _:
                return False

    @property
    def processed(self) -> int:
        """What an engine has heard, as a position in the stream; a new session begins to hear anew."""
        return self._processed

    def skip(self, samples: int) -> None:
        """There is no audio for ``samples``: nobody will ever know what was said."""
        self.undecided.skip(samples)
        self._lost += samples

    def write_off(self) -> None:
        """Nobody will decide what is still undecided."""
        self._lose(self.undecided.start, self.undecided.end)

    def _without_words(self, processed: int) -> int:
        """Return the sample before which nothing can become a word any more.

        A silence is not committed before the final that follows it; but whatever has been heard without a speech that
        would have begun in it holds none. Without this, an hour of silence would be kept for an hour.
        """
        open_s = LONGEST_UTTERANCE_S if self._speaking else OPENING_S
        return processed - round(open_s * self._rate)

    def _settle(self, upto: int) -> bool:
        before = self.undecided.start
        self.undecided.settle(upto)
        return self.undecided.start > before

    def _process(self, upto: int) -> bool:
        before, self._processed = self._processed, max(self._processed, upto)
        return self._processed > before

    def _lose(self, begin: int, end: int) -> bool:
        begin = max(begin, self.undecided.start)
        if end <= begin:
            return False
        self._lost += end - begin
        return self._settle(end)

    def _count(self, *, finals: int = 0, flushes: int = 0, interruptions: int = 0, sessions: int = 0) -> None:
        report = self._report
        self._report = report._replace(
            finals=report.finals + finals,
            flushes=report.flushes + flushes,
            interruptions=report.interruptions + interruptions,
            sessions=report.sessions + sessions,
        )
