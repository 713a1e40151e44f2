"""The server's side of a session: what its engine may say, enforced. No I/O, no clock, no policy left to its driver."""

from collections.abc import Sequence
from dataclasses import replace

from auricle.core import codec
from auricle.core.audio_buffer import AudioBuffer
from auricle.core.codec import Decoded
from auricle.core.dialect import V1
from auricle.core.errors import ERROR_CODES, LocalProtocolError
from auricle.core.events import AudioReceived, Event, Started
from auricle.core.legacy import Undecided
from auricle.core.limits import Limits
from auricle.core.messages import (
    PROTOCOL,
    Audio,
    ErrorMessage,
    Flushed,
    Loading,
    Partial,
    Ready,
    SpeechEnd,
    SpeechStart,
    WarningMessage,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import AudioSpan
from auricle.core.parts import FinalReason, ServerInfo, Word
from auricle.core.session import Outputs, Session
from auricle.core.snapshot import EndCode, Snapshot
from auricle.core.states import Kind, Role
from auricle.core.stimuli import Advance, GiveUp, Hear, Local, Say, StopInput


class ServerSession(Session):
    """One conversation with a client whose transport is open.

    The verbs below `accept` are for the engine. A call that would break an ordering guarantee (O1-O6, O8-O13) raises
    `LocalProtocolError`, and the client never sees it. Calls that merely come too late, because the client has gone
    or did not want to be told, do nothing.
    """

    def __init__(self, subprotocol: str | None, *, now: float, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        snapshot = Snapshot(role=Role.SERVER, limits=limits, attached=True, opened_at=now, heard_at=now, said_at=now)
        dialect = V1(Role.CLIENT, limits) if subprotocol == PROTOCOL else Undecided(limits)
        super().__init__(snapshot, dialect)
        self._buffer = AudioBuffer(1)
        self._ignored: tuple[str, ...] = ()
        self._heard = b""

    # ------------------------------------------------------------------------ the session

    def loading(self, stage: str, progress: float | None = None, *, now: float) -> Outputs:
        """Tell that the model is on its way; ``progress`` in [0, 1] where it is known."""
        return self._step(Say(message=Loading(stage=stage, progress=progress)), now=now)

    def accept(self, session_id: str, server: ServerInfo, *, now: float) -> Outputs:
        """The engine is there: say ``ready`` and open the window."""
        s = self._snapshot
        ready = Ready(
            seq=s.seq + 1,
            session=session_id,
            credit=max(s.credit, s.samples(s.limits.window_s)),
            effective=codec.plain(s.config),
            ignored=self._ignored,
            limits=s.limits.told(),
            server=server,
        )
        return self._step(Say(message=ready), now=now)

    def fail(self, code: str, why: str, param: str | None = None, *, now: float) -> Outputs:
        """End the session with a fatal error. ``code`` is a key of `ERROR_CODES`, ``why`` a clause for people."""
        if code not in ERROR_CODES:
            raise LocalProtocolError(f"{code!r} is not an error code")
        return self._step(GiveUp(code=code, why=why, param=param), now=now)

    def stop_input(self, code: EndCode, *, now: float) -> Outputs:
        """Take no more input; what has come is still decided, told, and then the session closes."""
        return self._step(StopInput(code=code), now=now)

    def finish(self, *, now: float) -> Outputs:
        """Everything is decided: say ``closed``. What no final covers is recorded as non-speech."""
        return self._step(Local(kind=Kind.FINISH), now=now)

    def warn(self, code: str, message: str, *, now: float) -> Outputs:
        """Say a warning."""
        warning = WarningMessage(seq=self._snapshot.seq + 1, code=code, message=message)
        return self._step(Say(message=warning), now=now)

    # ------------------------------------------------------------------------ the engine

    def progress(self, processed_sample: int, *, now: float) -> Outputs:
        """The engine has heard every sample before ``processed_sample``."""
        return self._step(Advance(processed=processed_sample), now=now)

    def speech_start(self, at_sample: int, *, now: float) -> Outputs:
        """Somebody began to speak."""
        s = self._snapshot
        event = SpeechStart(seq=s.seq + 1, at=at_sample, time=round(s.seconds(at_sample), 3))
        return self._step(Say(message=event), now=now)

    def speech_end(self, at_sample: int, *, now: float) -> Outputs:
        """The speech that had started is over."""
        s = self._snapshot
        event = SpeechEnd(seq=s.seq + 1, at=at_sample, time=round(s.seconds(at_sample), 3))
        return self._step(Say(message=event), now=now)

    def partial(
        self,
        text: str,
        *,
        start_s: float,
        end_s: float,
        now: float,
        stable: int = 0,
        confidence: float | None = None,
        words: Sequence[Word] = (),
        language: str | None = None,
    ) -> Outputs:
        """Say what the open segment sounds like. ``text[:stable]`` is a promise: it must begin the final."""
        s = self._snapshot
        partial = Partial(
            segment=s.segment,
            rev=s.rev + 1,
            text=text,
            start=round(start_s, 3),
            end=round(end_s, 3),
            stable=stable,
            confidence=confidence,
            words=self._wanted(words),
            language=language,
        )
        return self._step(Say(message=partial), now=now)

    def final(
        self,
        text: str,
        *,
        end_sample: int,
        start_s: float,
        end_s: float,
        confidence: float,
        reason: FinalReason,
        now: float,
        words: Sequence[Word] = (),
        language: str | None = None,
    ) -> Outputs:
        """Say the open segment. It accounts for every sample from the last committed one up to ``end_sample``."""
        s = self._snapshot
        flush = s.flushes[0].id if reason == "flush" and s.flushes else None
        final = FinalMessage(
            seq=s.seq + 1,
            segment=s.segment,
            text=text,
            start=round(start_s, 3),
            end=round(end_s, 3),
            confidence=round(confidence, 4),
            audio=(s.committed, end_sample),
            reason=reason,
            words=self._wanted(words),
            language=language,
            flush=flush,
        )
        return self._step(Say(message=final), now=now)

    def segment_failed(self, end_sample: int, why: str, *, now: float) -> Outputs:
        """The engine failed on the open segment: the audio up to ``end_sample`` is lost, and said to be."""
        s = self._snapshot
        row = ERROR_CODES["engine_failed"]
        error = ErrorMessage(
            seq=s.seq + 1,
            code="engine_failed",
            message=why,
            fatal=False,
            retriable=row.retriable,
            status=row.status,
            audio=(s.committed, end_sample),
        )
        return self._step(Say(message=error), now=now)

    def flushed(self, flush_id: str, upto_sample: int, *, now: float) -> Outputs:
        """Everything before ``upto_sample`` is decided: finals are said, the rest of it holds no words."""
        s = self._snapshot
        open_flush = next((flush for flush in s.flushes if flush.id == flush_id), None)
        flushed = Flushed(
            seq=s.seq + 1,
            id=flush_id,
            upto=upto_sample,
            last_segment=s.segment - 1 if s.segment else None,
            empty=open_flush is not None and open_flush.segment == s.segment,
        )
        return self._step(Say(message=flushed), now=now)

    # ------------------------------------------------------------------------ between frames and step

    def _wanted(self, words: Sequence[Word]) -> tuple[Word, ...] | None:
        return tuple(words) if self._snapshot.config.features.words else None

    def _hear(self, decoded: Decoded, *, now: float) -> Outputs:
        if isinstance(decoded.message, Audio):
            return self._hear_audio(decoded.message, now=now)
        was_started = self._snapshot.started
        if not was_started:
            self._ignored = decoded.ignored
            self._snapshot = self._snapshot._replace(legacy=self._dialect.legacy)
        outputs = super()._hear(decoded, now=now)
        if self._snapshot.started and not was_started:
            self._buffer = AudioBuffer(self._snapshot.config.audio.frame_bytes)
        return outputs

    def _hear_audio(self, audio: Audio, *, now: float) -> Outputs:
        """Cut bytes into whole sample frames: ``step`` counts them, the event gets them back."""
        self._buffer.append(audio.data)
        residue, self._heard = self._buffer.residue, self._buffer.drain()
        start = self._snapshot.carried
        end = start + len(self._heard) // self._buffer.frame_bytes
        outputs = self._step(Hear(message=AudioSpan(start=start, end=end, residue=residue)), now=now)
        self._heard = b""
        return outputs

    def _fill(self, event: Event) -> Event:
        match event:
            case AudioReceived():
                return replace(event, pcm=self._heard)
            case Started():
                return replace(event, ignored=self._ignored)
            case _:
                return event
