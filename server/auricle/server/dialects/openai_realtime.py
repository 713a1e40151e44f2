"""OpenAI's realtime transcription (GA), ``/v1/realtime?intent=transcription``.

All frames are JSON, audio is base64. The client commits stretches of audio (``turn_detection`` null), or the server
does at pauses; either way an item is committed, told in deltas that only append, and completed. There is no end of
input but the ``final`` of vLLM's commit. Source: OpenAI's API reference, its SDKs, and notes/wire-protocols.md §4.2.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from auricle.core import codec
from auricle.core.audio_pieces import pieces
from auricle.core.codec import Decoded
from auricle.core.messages import (
    CHANGEABLE,
    Answer,
    Closed,
    Configure,
    Configured,
    EndInput,
    ErrorMessage,
    Flush,
    Flushed,
    Malformed,
    Message,
    Partial,
    Ping,
    SpeechEnd,
    SpeechStart,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Frame
from auricle.core.snapshot import Snapshot
from auricle.server.dialects import openai_events as events
from auricle.server.dialects.handshake import Handshake, Opening, Refused
from auricle.server.dialects.openai_items import Items
from auricle.server.dialects.openai_session import BadValue, RealtimeSession, updated
from auricle.server.dialects.query_values import last, parse_query
from auricle.server.dialects.service_dialect import ServiceDialect, dump

LONGEST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes: an ``append`` may hold 15 MiB."""
HELLO_S: Final = 60.0
"""Seconds that a client may take before it configures its session: SDKs open sockets before they need them."""


def open_realtime(handshake: Handshake) -> Opening | Refused:
    """Open a session, and greet the client."""
    query = parse_query(handshake.query)
    if last(query, "intent") not in (None, "", "transcription"):
        body = {"error": {"type": "invalid_request_error", "message": "Only intent=transcription is served here."}}
        return Refused(status=400, body=dump(body).encode())
    dialect = OpenAIRealtime(
        limits=handshake.limits,
        session_id=handshake.session_id,
        session=RealtimeSession(model=last(query, "model")),
        items=Items(prefix=f"item_{handshake.session_id[:12]}_"),
    )
    greeted, (greeting,) = dialect._tell(events.created(dialect.session, dialect.session_id))
    return Opening(
        dialect=greeted,
        messages=(Answer(frame=greeting),),
        # A browser has its key in the subprotocols, and wants "realtime" back.
        subprotocol="realtime" if "realtime" in handshake.subprotocols else None,
        limits=replace(handshake.limits, hello_timeout_s=max(HELLO_S, handshake.limits.hello_timeout_s)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIRealtime(ServiceDialect):
    """One session of ``/v1/realtime``."""

    session_id: str
    session: RealtimeSession
    items: Items
    event_count: int = 0
    """Events told so far: their ids are numbers."""
    changes: int = 0

    # ------------------------------------------------------------------------ what the client sends

    def decode(self, frame: Frame, s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Decoded, ...]]":
        """Decode an event; one of an unknown type is ignored, and one that cannot be meant is answered."""
        if isinstance(frame, bytes):
            return self._wrong("binary frames are no events: audio is base64 in input_audio_buffer.append", {})
        body = codec.parse_object(frame, LONGEST_MESSAGE)
        if isinstance(body, Malformed):
            return self._wrong(body.why, {})
        match body.get("type"):
            case "input_audio_buffer.append":
                return self._append(body, s)
            case "input_audio_buffer.commit":
                return self._commit(body, s)
            case "input_audio_buffer.clear":
                return self._clear(s)
            case "session.update":
                return self._update(body, s)
            case _:
                return self, (Decoded(Ping()),)

    def _append(self, body: Mapping[str, Any], s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Decoded, ...]]":
        try:
            audio = base64.b64decode(body["audio"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            return self._wrong("audio must be base64", body, param="audio")
        return self, (*self._begin(s), *pieces(audio, self.session.audio, self.limits))

    def _commit(self, body: Mapping[str, Any], s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Decoded, ...]]":
        item_id, before = self.items.open_id, self.items.previous
        told, frames = replace(self, items=self.items.committed())._tell(events.committed(item_id, before))
        ended = (Decoded(EndInput()),) if body.get("final") is True else ()
        return told, (*self._begin(s), *_answers(frames), Decoded(Flush(id=item_id)), *ended)

    def _clear(self, s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Decoded, ...]]":
        """Tell nothing of the open item: its audio has been heard, but nobody learns what it was."""
        item_id = self.items.open_id
        told, frames = replace(self, items=self.items.committed(wanted=False))._tell(events.cleared())
        return told, (*self._begin(s), *_answers(frames), Decoded(Flush(id=item_id)))

    def _update(self, body: Mapping[str, Any], s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Decoded, ...]]":
        change = body.get("session")
        if not isinstance(change, dict):
            return self._wrong("session must be an object", body, param="session")
        try:
            session = updated(self.session, change)
        except BadValue as bad:
            return self._wrong(str(bad), body, param=bad.param)
        if s.started and session.audio != self.session.audio:
            why = "The audio format cannot change once the session is configured: send it in the first session.update."
            return self._wrong(why, body, param="session.audio.input.format")
        old, new = codec.plain(self.session.start), codec.plain(session.start)
        changed = replace(self, session=session)
        difference = {key: new.get(key) for key in CHANGEABLE if old.get(key) != new.get(key)}
        if s.started and difference:
            number = self.changes + 1
            configure = Configure(id=f"update-{number}", set=difference)
            return replace(changed, changes=number), (Decoded(configure),)
        told, frames = changed._tell(events.session_updated(session, self.session_id))
        return told, (*changed._begin(s), Decoded(Ping()), *_answers(frames))

    def _begin(self, s: Snapshot) -> tuple[Decoded, ...]:
        """Return the ``start`` that the first event of a session stands for."""
        return () if s.started else (Decoded(self.session.start),)

    def _wrong(
        self, why: str, body: Mapping[str, Any], *, param: str | None = None
    ) -> "tuple[OpenAIRealtime, tuple[Decoded, ...]]":
        about = body.get("event_id")
        told, frames = self._tell(events.error("invalid_request_error", "invalid_value", why, param=param, about=about))
        return told, (Decoded(Ping()), *_answers(frames))

    # ------------------------------------------------------------------------ what the client hears

    def encode(self, message: Message, s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Frame, ...]]":
        """Encode results as what happens to items, answers to changes, and errors."""
        match message:
            case Partial() | FinalMessage():
                return self._told(*self.items.heard(message))
            case SpeechStart(time=at_s) if self.session.by_server:
                return self._tell(events.speech_started(self.items.front.item_id, at_s))
            case SpeechEnd(time=at_s) if self.session.by_server:
                return self._speech_ended(at_s, s)
            case Flushed():
                return self._complete(s)
            case Configured():
                return self._tell(events.session_updated(self.session, self.session_id))
            case ErrorMessage():
                return self._failed(message)
            case Closed() if self.items.said.text or self.items.failure:
                return self._commit_here(s)
            case _:
                return self, ()

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """Return a close code that OpenAI's clients know."""
        return (code, reason) if code < 3000 else (1011 if code >= 4500 else 1008, reason)

    def _told(self, items: Items, delta: str) -> "tuple[OpenAIRealtime, tuple[Frame, ...]]":
        taken = replace(self, items=items)
        return taken._tell(events.delta(items.front.item_id, delta)) if delta else (taken, ())

    def _speech_ended(self, at_s: float, s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Frame, ...]]":
        stopped, frames = self._tell(events.speech_stopped(self.items.front.item_id, at_s))
        if self.items.pending:
            return stopped, frames  # the client has committed this item: its flush completes it
        done, more = stopped._commit_here(s)
        return done, (*frames, *more)

    def _commit_here(self, s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Frame, ...]]":
        """Commit the open item, of which everything has been decided."""
        committed, frames = self._tell(events.committed(self.items.front.item_id, self.items.previous))
        done, more = committed._complete(s)
        return replace(done, items=done.items.committed_here()), (*frames, *more)

    def _complete(self, s: Snapshot) -> "tuple[OpenAIRealtime, tuple[Frame, ...]]":
        """Tell how the front item ended, and begin the next one where everything before is decided."""
        items = self.items
        taken = replace(self, items=items.completed(at_sample=s.committed))
        if not items.front.wanted:
            return taken, ()
        if items.failure is not None and not items.said.text:
            return taken._tell(events.failed(items.front.item_id, "transcription_failed", items.failure))
        return taken._tell(events.completed(items, s.seconds(s.committed - items.begun), self.session))

    def _failed(self, error: ErrorMessage) -> "tuple[OpenAIRealtime, tuple[Frame, ...]]":
        if error.audio is not None and not error.fatal:
            return replace(self, items=replace(self.items, failure=error.message)), ()
        if error.ref is not None and any(item.item_id == error.ref for item in self.items.pending):
            refused = replace(self, items=self.items.refused(error.ref))
            return refused._tell(events.failed(error.ref, error.code, error.message))
        kind = "server_error" if error.fatal and error.retriable else "invalid_request_error"
        return self._tell(events.error(kind, error.code, error.message, param=error.param))

    def _tell(self, body: Mapping[str, object]) -> "tuple[OpenAIRealtime, tuple[str, ...]]":
        number = self.event_count + 1
        return replace(self, event_count=number), (dump({"event_id": f"event_{number}", **body}),)


def _answers(frames: tuple[str, ...]) -> tuple[Decoded, ...]:
    return tuple(Decoded(Answer(frame=frame)) for frame in frames)
