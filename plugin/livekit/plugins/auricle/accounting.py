"""What a stream keeps from one session to the next: the audio to replay, and the numbers of its report. Pure."""

from collections.abc import Sequence
from typing import Final as Constant
from typing import NamedTuple

from livekit.plugins.auricle.replay_buffer import Chunk, ReplayBuffer
from livekit.plugins.auricle.report import Report

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

SPEECH_START_LAG_S: Constant = 1.0
"""Speech may begin this long before the sample at which the server detects it. ``speech_start`` comes no later than the
``ack`` that covers that sample."""
MAX_UTTERANCE_S: Constant = 60.0
"""Upper bound on the length of an open utterance. ``max_segment_ms`` allows 28 s at most."""


class Undecided(NamedTuple):
    """What a stream has not got decided: its audio, in order, and whether a flush of it was not answered."""

    chunks: Sequence[Chunk]
    flush_pending: bool


class StreamAccounting:
    """Which samples of a stream are committed, lost or still to be replayed. Positions are samples of the stream."""

    def __init__(self, sample_rate: int) -> None:
        self.uncommitted = ReplayBuffer()
        self.flush_pending = False
        """Whether a session ended before it answered a flush, so that the next session has to be asked."""
        self.stream_ended = False
        """Whether the stream has ended: what is uncommitted now will not be transcribed."""
        self._sample_rate = sample_rate
        self._report = Report()
        self._lost = 0
        self._handed_on = 0
        self._processed = 0
        self._moves = 0
        self._speaking = False

    @property
    def report(self) -> Report:
        """The numbers so far."""
        uncommitted = len(self.uncommitted)
        complete = not uncommitted and not self._lost and not self._handed_on
        return self._report._replace(
            pushed=self.uncommitted.end / self._sample_rate,
            decided=(self.uncommitted.end - uncommitted - self._lost - self._handed_on) / self._sample_rate,
            lost=self._lost / self._sample_rate,
            handed_on=self._handed_on / self._sample_rate,
            complete=complete if self.stream_ended else None,
        )

    @property
    def processed(self) -> int:
        """The sample up to which the engine has processed the audio. A new session begins again at the replay."""
        return self._processed

    def handle(self, event: ClientEvent) -> bool:
        """Update the books with an event of the client. Return whether it was progress.

        Progress is audio committed, processed or declared lost, an answer to a flush, a new session, and a move of the
        queue in which the server waits for its engine.
        """
        match event:
            case Ready():
                self._speaking, self._processed = False, self.uncommitted.start
                self._moves = 0
                self._count(sessions=1)
                return True
            case SpeechStart() | SpeechEnd():
                self._speaking = isinstance(event, SpeechStart)
                return False
            case Ack(committed=committed, processed=processed, moves=moves):
                self._commit(max(committed, self._end_of_non_speech(processed)))
                before, self._moves = self._moves, max(self._moves, moves or 0)
                return self._advance_processed(processed) or self._moves > before
            case Final(audio=(_, end)):
                self._count(finals=1)
                self._commit(end)
                return True
            case Flushed(upto=upto):
                self._count(flushes=1)
                self._commit(upto)
                return True
            case ErrorMessage(audio=(begin, end)):
                return self._mark_lost(begin, end)
            case Interrupted():
                self._count(interruptions=1)
                return False
            case Restarted(origin_sample=origin, lost_samples=lost):
                self._speaking = False
                return self._mark_lost(origin - lost, origin)
            case SessionClosed(complete=True):
                return self._commit(self.uncommitted.end)
            case _:
                return False

    def skip(self, samples: int) -> None:
        """Advance the stream by ``samples`` that were dropped before they could be sent; they are lost."""
        self.uncommitted.skip(samples)
        self._lost += samples

    def mark_uncommitted_lost(self) -> None:
        """Count everything that is still uncommitted as lost: no session will transcribe it."""
        self._mark_lost(self.uncommitted.start, self.uncommitted.end)

    def hand_on(self) -> Undecided:
        """Return what is undecided, which is another stream's from now on.

        What was dropped of it is that stream's loss.
        """
        chunks = tuple(self.uncommitted.chunks_from(self.uncommitted.start))
        self._lost -= sum(chunk.end - chunk.start for chunk in chunks if chunk.pcm is None)
        self._handed_on += len(self.uncommitted)
        self.uncommitted.commit(self.uncommitted.end)
        return Undecided(chunks, self.flush_pending)

    def take_over(self, undecided: Undecided) -> float:
        """Begin with what another stream has handed on. Return the seconds of audio."""
        self.flush_pending = undecided.flush_pending
        for chunk in undecided.chunks:
            if chunk.pcm is None:
                self.skip(chunk.end - chunk.start)
            else:
                self.uncommitted.append(chunk.pcm)
        return self.uncommitted.end / self._sample_rate

    def _end_of_non_speech(self, processed: int) -> int:
        """Return the sample before which no further final can begin.

        A server commits silence only with the next final. But speech that had begun in processed audio would have been
        announced by now, so what was processed without a ``speech_start`` is non-speech, up to the lag of the
        detection. Without this rule, an hour of silence would stay in memory for an hour.
        """
        open_s = MAX_UTTERANCE_S if self._speaking else SPEECH_START_LAG_S
        return processed - round(open_s * self._sample_rate)

    def _commit(self, upto: int) -> bool:
        before = self.uncommitted.start
        self.uncommitted.commit(upto)
        return self.uncommitted.start > before

    @property
    def moves(self) -> int:
        """How often the queue has moved in which the present session waits for the server's engine."""
        return self._moves

    def _advance_processed(self, upto: int) -> bool:
        before, self._processed = self._processed, max(self._processed, upto)
        return self._processed > before

    def _mark_lost(self, begin: int, end: int) -> bool:
        begin = max(begin, self.uncommitted.start)
        if end <= begin:
            return False
        self._lost += end - begin
        return self._commit(end)

    def _count(self, *, finals: int = 0, flushes: int = 0, interruptions: int = 0, sessions: int = 0) -> None:
        report = self._report
        self._report = report._replace(
            finals=report.finals + finals,
            flushes=report.flushes + flushes,
            interruptions=report.interruptions + interruptions,
            sessions=report.sessions + sessions,
        )
