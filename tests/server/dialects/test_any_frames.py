"""Any frames at all in every dialect: no traceback, no hang, every guarantee of the core's messages, and an end.

A session of the core stands behind the dialect; its engine decides what it is asked to, and says partials at random.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import ServerInfo, ServerSession
from auricle.core.dialect import Dialect
from auricle.core.events import (
    AudioReceived,
    AudioSkipped,
    ConfigureRequested,
    FlushRequested,
    InputFinished,
    Started,
)
from auricle.core.legacy import Undecided
from auricle.core.limits import Limits
from auricle.core.messages import Message
from auricle.core.outputs import CloseTransport, Emit, Transmit
from auricle.core.session import Outputs
from auricle.core.states import State
from auricle.server.dialects.deepgram import open_listen
from auricle.server.dialects.handshake import Handshake, Opening
from auricle.server.dialects.openai_realtime import open_realtime
from auricle.server.dialects.twilio import open_stream
from auricle.server.dialects.wyoming import WyomingConnection
from server.dialects.any_messages import BEGINNINGS, ENDS, MESSAGES, NOISE
from server.dialects.observed import ObservedDialect, Trace

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
DEEPGRAM = "encoding=linear16&interim_results=true&vad_events=true&utterance_end_ms=1000"


def handshake(query: str = "") -> Handshake:
    return Handshake(session_id="s" * 32, query=query, created=CREATED)


def opened(opening: object) -> tuple[Any, tuple[Message, ...], Limits]:
    assert isinstance(opening, Opening)
    return opening.dialect, opening.messages, opening.limits or Limits()


def dialects(name: str) -> tuple[Any, tuple[Message, ...], Limits]:
    match name:
        case "deepgram":
            return opened(open_listen(handshake(DEEPGRAM)))
        case "openai":
            return opened(open_realtime(handshake("intent=transcription")))
        case "twilio":
            return opened(open_stream(handshake()))
        case "wyoming":
            return WyomingConnection(limits=Limits()), (), Limits()
        case _:
            return Undecided(Limits()), (), Limits()


class Behind:
    """A session of the core behind a dialect, and an engine that decides what it is asked to."""

    def __init__(self, name: str, partials: list[int]) -> None:
        dialect, opening, limits = dialects(name)
        self.trace = Trace(heard=list(opening))
        observed: Dialect = ObservedDialect(dialect, self.trace)  # type: ignore[assignment]
        self.core = ServerSession(None, now=0.0, limits=limits, dialect=observed)
        self.frames: list[str | bytes] = []
        self.close: CloseTransport | None = None
        self._partials = partials
        self._now = 0.0
        self.take(self.core.begin(opening, now=0.0))

    def hear(self, frame: str | bytes) -> None:
        self._now += 0.3
        self.take(self.core.receive(frame, now=self._now))
        self.take(self.core.handle_timeout(now=self._now))

    def take(self, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Transmit(frame=frame):
                    assert self.close is None
                    self.frames.append(frame)
                case CloseTransport():
                    self.close = output
                case Emit(event=event):
                    self.react(event)
                case _:
                    pass

    def react(self, event: Any) -> None:
        core, now = self.core, self._now
        if core.state is State.CLOSED:
            return
        match event:
            case Started():
                self.take(core.accept("s", ServerInfo(name="test", model="m"), now=now))
            case AudioReceived(end_sample=end) | AudioSkipped(end_sample=end):
                self.take(core.progress(end, now=now))
                self.babble()
            case FlushRequested(id=flush, at_sample=at):
                self.decide(at, "flush")
                self.take(core.flushed(flush, at, now=now))
            case ConfigureRequested(id=change, at_sample=at):
                self.decide(at, "configure")
                self.take(core.configured(change, now=now))
            case InputFinished(total_samples=total):
                self.decide(total, "end_input")
                self.take(core.finish(now=now))
            case _:
                pass

    def babble(self) -> None:
        if self._partials and self.core.snapshot.received > self.core.snapshot.committed:
            stable = self._partials.pop()
            if self.core.snapshot.speaking_since is None:
                self.take(self.core.speech_start(self.core.snapshot.committed, now=self._now))
            stable = max(min(stable, 5), len(self.core.snapshot.stable_prefix))
            text = "words and"[: max(5, stable + 1)] + "…" * len(self._partials)
            s = self.core.snapshot
            begin, end = s.seconds(s.committed), s.seconds(s.received)
            self.take(self.core.partial(text, stable=stable, start_s=begin, end_s=end, now=self._now))

    def decide(self, at: int, reason: Any) -> None:
        s = self.core.snapshot
        if at <= s.committed:
            return
        begin, end = s.seconds(s.committed), s.seconds(at)
        self.take(
            self.core.final(
                "words and more",
                end_sample=at,
                start_s=begin,
                end_s=end,
                confidence=0.5,
                reason=reason,
                language="en",
                now=self._now,
            )
        )
        if self.core.snapshot.speaking_since is not None:
            self.take(self.core.speech_end(at, now=self._now))


@pytest.mark.parametrize("name", ENDS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_frames_end_in_a_close_with_every_guarantee_kept(name: str, data: st.DataObject) -> None:
    own = MESSAGES[name]
    frames = data.draw(st.lists(st.one_of(own, own, own, NOISE), max_size=12))
    begins_well = data.draw(st.booleans())
    session = Behind(name, data.draw(st.lists(st.integers(0, 5), max_size=12)))
    for frame in (*(BEGINNINGS[name] if begins_well else ()), *frames, ENDS[name]):
        session.hear(frame)
    if session.core.state is not State.CLOSED:
        session.take(session.core.shut_down(now=100.0))  # it never began, or the end was no end in that state
    assert session.close is not None
    assert session.trace.closed is not None
    session.trace.check()
    for frame in session.frames:
        assert isinstance(json.loads(frame), dict)


def in_base64(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


CARRIED: dict[str, Callable[[bytes], list[str | bytes]]] = {
    "deepgram": lambda audio: [audio],
    "openai": lambda audio: [json.dumps({"type": "input_audio_buffer.append", "audio": in_base64(audio)})],
    "twilio": lambda audio: [json.dumps({"event": "media", "media": {"payload": in_base64(audio)}})],
    "wyoming": lambda audio: ['{"type":"audio-chunk","data":{"rate":16000,"width":2,"channels":1}}', audio],
    "legacy": lambda audio: [audio],
}
"""The frames in which each dialect's clients send a piece of audio."""


@pytest.mark.parametrize("name", CARRIED)
@given(lengths=st.lists(st.integers(1, 3_000), min_size=1, max_size=6))
def test_results_do_not_depend_on_how_audio_is_cut(name: str, lengths: list[int]) -> None:
    """O13: the same bytes in other frames are the same session."""
    told = []
    for cuts in (lengths, [sum(lengths)]):
        session = Behind(name, [])
        audio = [frame for length in cuts for frame in CARRIED[name](bytes(length))]
        for frame in (*BEGINNINGS[name], *audio, ENDS[name]):
            session.hear(frame)
        told.append([m for m in session.trace.said if m.type in ("final", "flushed", "closed")][:-1])
    assert told[0] == told[1]
    assert told[0] or sum(lengths) < 2
