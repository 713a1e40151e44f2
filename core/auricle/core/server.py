"""`ServerSession`: the server's side of a session, as typed methods over `step`. No I/O and no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from auricle.core import codec, framing, server_recovery, server_turns
from auricle.core.codec import Decoded
from auricle.core.dialect import V1, Dialect
from auricle.core.error_messages import error_of
from auricle.core.errors import ERROR_CODES, LocalProtocolError
from auricle.core.events import AudioReceived, Event, Started
from auricle.core.legacy import Undecided
from auricle.core.limits import Limits
from auricle.core.messages import (
    PROTOCOL,
    Annotate,
    Answer,
    Audio,
    Configured,
    Durable,
    Flushed,
    Gap,
    Loading,
    Malformed,
    Message,
    Partial,
    Resume,
    SpeechEnd,
    SpeechStart,
    WarningMessage,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import AudioSpan, Forget, Record, Replay, Transmit
from auricle.core.parts import FinalDetails, FinalReason, ServerInfo, SpeakerSpan, TurnTrigger, Word
from auricle.core.record import MessageRecord
from auricle.core.rules.attachment import WITH_TOKEN
from auricle.core.schema import MAX_INTEGER
from auricle.core.server_send import ready_of
from auricle.core.session import Outputs, Session
from auricle.core.snapshot import EndCode, Snapshot
from auricle.core.states import Attachment, Kind, Role, State
from auricle.core.stimuli import Advance, Attach, Expect, Fail, Hear, Local, Say, StopInput


class ServerSession(Session):
    """A session with a client whose transport is open.

    The methods from `progress` on are for the engine. A call that would break an ordering guarantee (O1-O13)
    raises `LocalProtocolError` and sends nothing. A call after the session has closed, or about results that the client
    did not request, does nothing.
    """

    def __init__(
        self, subprotocol: str | None, *, now: float, limits: Limits | None = None, dialect: Dialect | None = None
    ) -> None:
        """Make a session. ``dialect`` None: ``auricle.v1``, or what the first message says without ``subprotocol``."""
        limits = limits or Limits()
        snapshot = Snapshot(
            role=Role.SERVER, limits=limits, attachment=Attachment.ATTACHED, opened_at=now, heard_at=now, said_at=now
        )
        by_name = V1(Role.CLIENT, limits) if subprotocol == PROTOCOL else Undecided(limits)
        super().__init__(snapshot, dialect or by_name)
        self._ignored: tuple[str, ...] = ()
        self._heard = b""
        self._rest = b""
        self._record = MessageRecord(limits.max_record)

    # ------------------------------------------------------------------------ the session

    def begin(self, opening: tuple[Message, ...], *, now: float) -> Outputs:
        """Take what the client said with its handshake, in a dialect that has its configuration there."""
        return tuple(output for message in opening for output in self._hear(Decoded(message), now=now))

    def loading(self, stage: str, progress: float | None = None, *, now: float) -> Outputs:
        """Send ``loading``: the model is being loaded; ``progress`` in [0, 1] where it is known."""
        return self._step(Say(message=Loading(stage=stage, progress=progress)), now=now)

    def accept(
        self,
        session_id: str,
        server: ServerInfo,
        *,
        now: float,
        resume_token: str | None = None,
        more_limits: Mapping[str, object] = MappingProxyType({}),
    ) -> Outputs:
        """Send ``ready`` and grant the window: the engine is loaded.

        ``more_limits`` are told in ``ready.limits`` beside those of the protocol.

        ``resume_token`` is an unguessable secret. With it the session survives its connection, where the client asked
        for that and ``resume_window_s`` is not 0.
        """
        ready = ready_of(self._snapshot, session_id, server, resume_token)
        told = replace(ready, ignored=self._ignored, limits={**ready.limits, **more_limits})
        return self._step(Say(message=told), now=now)

    def admits(self, resume: Resume) -> bool:
        """Whether a ``resume`` has a valid token of this session, and the record holds everything it has missed."""
        return server_recovery.admits(self._snapshot, resume) and self._record.reaches(resume.seen)

    def attach(self, resume: Resume, *, fresh_token: str, now: float) -> Outputs:
        """Resume on a new transport: adopt it, and replay what the client has missed.

        ``fresh_token`` is the token for the next resume. Raises `LocalProtocolError` unless `admits`.
        """
        if not self.admits(resume):
            raise LocalProtocolError("this resume is not for this session")
        return self._step(Attach(resume=resume, fresh=fresh_token), now=now)

    def fail(
        self, code: str, why: str, param: str | None = None, *, now: float, retry_after_s: float | None = None
    ) -> Outputs:
        """End the session with a fatal error. ``code`` is a key of `ERROR_CODES`, ``why`` a clause for people.

        ``retry_after_s`` tells the client when trying again may help.
        """
        if code not in ERROR_CODES:
            raise LocalProtocolError(f"{code!r} is not an error code")
        return self._step(Fail(code=code, why=why, param=param, retry_after_s=retry_after_s), now=now)

    def stop_input(self, code: EndCode, *, now: float) -> Outputs:
        """End the input from the server's side; what has been received is still decided and sent before ``closed``."""
        return self._step(StopInput(code=code), now=now)

    def no_return(self, *, now: float) -> Outputs:
        """Void the resume tokens: retain nothing for a client that is detached, or loses its transport from now on."""
        return self._step(Local(kind=Kind.NO_RETURN), now=now)

    def shut_down(self, *, now: float) -> Outputs:
        """Shut down, for this session: it is handed on where its client can go on elsewhere, else it comes to its end.

        Handed on is a session that can be resumed and whose input is open: its transport is closed with 1012. Of any
        other the input ends, and what has been received is still decided and sent before ``closed``. One that is not
        ready yet is refused (``shutdown``). None can be resumed from now on.
        """
        return self._step(Local(kind=Kind.SHUT_DOWN), now=now)

    def finish(self, *, now: float) -> Outputs:
        """Send ``closed``: everything is decided. Samples that no final covers are recorded as non-speech."""
        return self._step(Local(kind=Kind.FINISH), now=now)

    def warn(self, code: str, message: str, *, now: float) -> Outputs:
        """Send a warning."""
        warning = WarningMessage(seq=self._snapshot.seq + 1, code=code, message=message)
        return self._step(Say(message=warning), now=now)

    # ------------------------------------------------------------------------ the engine

    def progress(self, processed_sample: int, *, now: float) -> Outputs:
        """Report that the engine has processed every sample before ``processed_sample``."""
        return self._step(Advance(processed=processed_sample), now=now)

    def expect(self, engine_s: float, *, now: float) -> Outputs:
        """Take the engine's prediction: it may be busy with others, and with one call, for ``engine_s`` seconds.

        The deadlines of the drain, ours and the one that the client is told, allow for so much more.
        """
        return self._step(Expect(engine_s=engine_s, moved=False), now=now)

    def queue_moved(self, engine_s: float, *, now: float) -> Outputs:
        """Report that the engine has worked for others before whom this session has no place; predict as `expect`.

        That is progress for a session which waits, at most for `LONGEST_QUEUE_S` without progress of its own.
        """
        return self._step(Expect(engine_s=engine_s, moved=True), now=now)

    def speech_start(self, at_sample: int, *, now: float) -> Outputs:
        """Send ``speech_start`` at a sample."""
        s = self._snapshot
        event = SpeechStart(seq=s.seq + 1, at=at_sample, time=round(s.seconds(at_sample), 3))
        return self._step(Say(message=event), now=now)

    def speech_end(self, at_sample: int, *, now: float) -> Outputs:
        """Send ``speech_end`` at a sample."""
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
        pause_s: float | None = None,
        confidence: float | None = None,
        words: Sequence[Word] = (),
        language: str | None = None,
    ) -> Outputs:
        """Send the present hypothesis of the open segment. Its final must begin with ``text[:stable]`` (O5).

        ``pause_s``: how long nobody has spoken, where the client is to be told of a pause.
        """
        s = self._snapshot
        partial = Partial(
            segment=s.segment,
            rev=s.rev + 1,
            text=text,
            start=round(start_s, 3),
            end=round(end_s, 3),
            stable=stable,
            pause=None if pause_s is None else round(pause_s, 3),
            confidence=confidence,
            words=self._wanted(words, text),
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
        details: FinalDetails | None = None,
    ) -> Outputs:
        """Send the open segment as final. It covers every sample from the last committed one up to ``end_sample``."""
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
            words=self._wanted(words, text),
            language=language,
            details=details,
            flush=flush,
        )
        return self._step(Say(message=final), now=now)

    def segment_failed(self, end_sample: int, why: str, *, now: float) -> Outputs:
        """Report that the engine failed on the open segment: the audio up to ``end_sample`` is lost."""
        s = self._snapshot
        return self._step(Say(message=error_of(s, "engine_failed", why, audio=(s.committed, end_sample))), now=now)

    def annotate(self, segment: int, speakers: Sequence[SpeakerSpan], *, now: float) -> Outputs:
        """Say who speaks in a segment whose final has been said; what was said of it before does not hold any more."""
        annotation = Annotate(seq=self._snapshot.seq + 1, segment=segment, speakers=tuple(speakers))
        return self._step(Say(message=annotation), now=now)

    def turn_maybe_end(
        self, open_text: str | None, *, at_sample: int, now: float, confidence: float | None = None
    ) -> Outputs:
        """Say that the open turn seems to be over: its finals, and ``open_text``, which the next final will be.

        None: no segment is open. ``at_sample``: where the speech ended. Does nothing where that is promised already.
        """
        message = server_turns.maybe_end_of(self._snapshot, open_text, at_sample, confidence)
        return self._step(Say(message=message), now=now)

    def turn_resumed(self, at_sample: int, *, now: float) -> Outputs:
        """Say that the turn goes on, where its end was promised."""
        return self._step(Say(message=server_turns.resumed_of(self._snapshot, at_sample)), now=now)

    def turn_end(self, trigger: TurnTrigger, *, at_sample: int, now: float, confidence: float | None = None) -> Outputs:
        """Say that the turn is over, with all finals so far; does nothing where there is none in it.

        Where its text is another than was promised the promise is taken back first, and where there must be one, one
        is made (O11). A flush that ends the turn, and the end of input, do this by themselves.
        """
        message = server_turns.end_of(self._snapshot, at_sample, trigger, confidence)
        return self._step(Say(message=message), now=now)

    def flushed(self, flush_id: str, upto_sample: int, *, now: float) -> Outputs:
        """Answer a flush: everything before ``upto_sample`` is decided; what no final covers holds no words."""
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

    def configured(self, change_id: str, *, now: float) -> Outputs:
        """Answer a change: everything before it is decided, and the engine uses its configuration from here on."""
        s = self._snapshot
        change = next((change for change in s.changes if change.id == change_id), None)
        if change is None:
            raise LocalProtocolError(f"O7: no change {change_id!r} is open")
        configured = Configured(
            seq=s.seq + 1,
            id=change_id,
            from_=change.at,
            effective=codec.plain(change.config),
            ignored=change.ignored,
        )
        return self._step(Say(message=configured), now=now)

    def refuse_change(self, change_id: str, code: str, why: str, param: str | None = None, *, now: float) -> Outputs:
        """Refuse a change that the engine cannot apply: the configuration stays. ``code`` is a key of `ERROR_CODES`."""
        return self._step(Say(message=error_of(self._snapshot, code, why, ref=change_id, param=param)), now=now)

    # ------------------------------------------------------------------------ between frames and step

    def _wanted(self, words: Sequence[Word], text: str) -> tuple[Word, ...] | None:
        """Return the words of ``text``, or None: not asked for, or not known. Text does not consist of no words."""
        known = bool(words) or not text
        return tuple(words) if self._snapshot.config.features.words and known else None

    def _hear(self, decoded: Decoded, *, now: float) -> Outputs:
        if isinstance(decoded.message, Audio):
            return self._hear_audio(decoded.message, now=now)
        if isinstance(decoded.message, Answer):
            return self._answer(decoded.message)
        if not self._snapshot.started:
            self._ignored = decoded.ignored
            return self._step(Hear(message=decoded.message, legacy=self._dialect.legacy), now=now)
        return super()._hear(decoded, now=now)

    def _answer(self, answer: Answer) -> Outputs:
        if self._snapshot.state is State.CLOSED:
            return ()  # `closed` is the last message (O2)
        return (Transmit(frame=answer.frame, message=answer),)

    def _hear_audio(self, audio: Audio, *, now: float) -> Outputs:
        if not self._snapshot.started:
            return self._hear_pcm(b"", 0, now=now)  # the format is not known: the table answers config_required
        config = self._snapshot.config.audio
        if config.framing == "offset64":
            return self._hear_offset64(audio.data, config.frame_bytes, now=now)
        # A gap and a new connection begin at a whole sample: `step` has dropped the half that was held.
        data = self._rest + audio.data if self._snapshot.residue else audio.data
        whole = len(data) - len(data) % config.frame_bytes
        self._rest = data[whole:]
        return self._hear_pcm(data[:whole], len(self._rest), now=now)

    def _hear_offset64(self, frame: bytes, frame_bytes: int, *, now: float) -> Outputs:
        unpacked = framing.unpack(frame, self._snapshot.sent, frame_bytes)
        if unpacked is None:
            why = f"an offset64 frame begins with {framing.HEADER.size} bytes that say its position"
            return self._step(Hear(message=Malformed(code="bad_message", why=why)), now=now)
        skipped = Gap(samples=min(unpacked.gap, MAX_INTEGER)) if unpacked.gap else None
        outputs = self._step(Hear(message=skipped), now=now) if skipped else ()
        return outputs + self._hear_pcm(unpacked.pcm, unpacked.odd_bytes, now=now)

    def _hear_pcm(self, pcm: bytes, residue: int, *, now: float) -> Outputs:
        """Receive whole sample frames: ``step`` counts them, and the event gets their bytes in `_fill`."""
        start = self._snapshot.sent
        end = start + (len(pcm) // self._snapshot.config.audio.frame_bytes if pcm else 0)
        self._heard = pcm
        outputs = self._step(Hear(message=AudioSpan(start=start, end=end, residue=residue)), now=now)
        self._heard = b""
        return outputs

    def _transmit(self, message: Message) -> Outputs:
        self._remember(message)
        return super()._transmit(message)

    def _remember(self, message: Message) -> None:
        if isinstance(message, Durable) and self._snapshot.attachment in WITH_TOKEN:
            self._record.add(message)

    def _keep(self, item: Record | Replay | Forget) -> Outputs:
        match item:
            case Record(message=message):
                self._remember(message)
                return ()
            case Forget(seq=seq):
                self._record.forget(seq)
                return ()
            case Replay(seq=seq):
                missed = tuple(self._record.after(seq))
                return tuple(output for message in missed for output in super(ServerSession, self)._transmit(message))
            case _:
                assert_never(item)

    def _fill(self, event: Event) -> Event:
        match event:
            case AudioReceived(start_sample=start, end_sample=end):
                # Not `replace`, which is slow: this is the path of every audio frame.
                return AudioReceived(start_sample=start, end_sample=end, pcm=self._heard)
            case Started():
                return replace(event, ignored=self._ignored)
            case _:
                return event
