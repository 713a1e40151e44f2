"""The example conversations of the specification. They are not written down but held, each time it is rendered."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from auricle.core import (
    AudioFormat,
    Features,
    Frame,
    LocalProtocolError,
    Role,
    ServerInfo,
    SpeakerSpan,
    Start,
    Word,
    framing,
)
from spec.conversation_text import as_text
from spec.exchange import Exchange, Line, Said
from spec.source import SpecError

RATE: Final = 16_000
C, S = Role.CLIENT, Role.SERVER
ENGINE: Final = ServerInfo(name="example", version="1.0", device="cpu", turn_detector="example", speakers="example")
ELIDED: Final = frozenset({"effective", "limits"})
QUIET: Final = Features(speech_events=False, partials=False, acks=False)


class Example(NamedTuple):
    """A conversation that has been held."""

    name: str
    lines: list[Line]

    @property
    def frames(self) -> list[tuple[Role, Frame]]:
        """Every frame with who sent it."""
        return [(line.by, line.frame) for line in self.lines if isinstance(line, Said)]


def _audio(x: Exchange, seconds: float) -> None:
    x.do(C, x.client.send_audio(bytes(2 * int(seconds * RATE)), now=x.now))


def _accept(x: Exchange) -> None:
    x.do(S, x.server.accept("s-7f3a", ENGINE, now=x.now, resume_token=x.token()))


def _final(x: Exchange, text: str, end_s: float, reason: str = "endpoint") -> None:
    begin_s = x.server.snapshot.committed / RATE
    x.do(
        S,
        x.server.final(
            text,
            end_sample=int(end_s * RATE),
            start_s=begin_s + 0.05,
            end_s=end_s - 0.05,
            confidence=0.93,
            reason=reason,  # type: ignore[arg-type]  # one of `FinalReason`
            now=x.now,
        ),
    )


def _heard(x: Exchange, seconds: float) -> None:
    x.do(S, x.server.progress(int(seconds * RATE), now=x.now))


def _finish(x: Exchange) -> None:
    x.do(S, x.server.finish(now=x.now))


def _end(x: Exchange) -> None:
    x.do(C, x.client.end_input(now=x.now))


def _opened(config: Start | None = None) -> Exchange:
    x = Exchange(config or Start(language="en", features=QUIET))
    x.open()
    _accept(x)
    return x


def dictation() -> Exchange:
    """From the first message to the last, with everything a client is told by default."""
    x = Exchange(Start(language="en"))
    x.open()
    x.note("audio may be sent at once, up to the pre-buffer")
    _audio(x, 0.5)
    x.do(S, x.server.loading("model", 0.4, now=x.now))
    x.wait(0.4)
    _accept(x)
    _audio(x, 0.5)
    x.do(S, x.server.speech_start(3_200, now=x.now))
    _heard(x, 1.0)
    x.do(S, x.server.partial("and so my", start_s=0.2, end_s=0.9, stable=4, now=x.now))
    x.wait(0.3)
    _audio(x, 1.0)
    _heard(x, 2.0)
    x.do(S, x.server.partial("and so my fellow Amer", start_s=0.2, end_s=1.9, stable=9, now=x.now))
    x.wait(0.3)
    _end(x)
    x.note("the engine decides the rest")
    _final(x, "and so my fellow Americans", 2.0, "end_input")
    x.do(S, x.server.speech_end(30_400, now=x.now))
    _finish(x)
    return x


def flushes() -> Exchange:
    """A voice agent flushes when it believes that the speaker has finished."""
    x = _opened()
    _audio(x, 1.5)
    x.do(C, x.client.flush("f1", now=x.now))
    _final(x, "what time is it", 1.5, "flush")
    x.do(S, x.server.flushed("f1", 24_000, now=x.now))
    x.note("with nothing new to decide the answer comes at once")
    x.do(C, x.client.flush("f2", now=x.now))
    x.note("silence: the answer says that there is no final")
    _audio(x, 0.5)
    x.do(C, x.client.flush("f3", now=x.now))
    x.do(S, x.server.flushed("f3", 32_000, now=x.now))
    x.note("a marker decides nothing: its answer follows what is decided anyway")
    _audio(x, 1.0)
    x.do(C, x.client.mark("m1", now=x.now))
    _audio(x, 0.5)
    _final(x, "half past three", 3.5)
    _end(x)
    _heard(x, 3.5)
    _finish(x)
    return x


def turns() -> Exchange:
    """A voice agent is told when it may answer: a breath ends a segment, and not the turn."""
    x = _opened(Start(language="en", features=Features(speech_events=False, partials=False, acks=False, turns=True)))
    _audio(x, 1.5)
    _heard(x, 1.5)
    _final(x, "I would like", 1.5)
    _audio(x, 1.0)
    _heard(x, 2.5)
    x.do(S, x.server.turn_maybe_end("two tickets", at_sample=int(2.2 * RATE), confidence=0.91, now=x.now))
    x.note("the agent begins with its answer, and the speaker goes on")
    _audio(x, 0.2)
    _heard(x, 2.7)
    x.do(S, x.server.turn_resumed(int(2.6 * RATE), now=x.now))
    _audio(x, 1.3)
    _heard(x, 4.0)
    x.do(S, x.server.turn_maybe_end("two tickets to Rome", at_sample=int(3.7 * RATE), confidence=0.97, now=x.now))
    _final(x, "two tickets to Rome", 4.0)
    x.do(S, x.server.turn_end("model", at_sample=int(3.7 * RATE), confidence=0.97, now=x.now))
    x.note("a button ends the next turn")
    _audio(x, 1.0)
    x.do(C, x.client.end_turn("f1", now=x.now))
    _heard(x, 5.0)
    _final(x, "for two people", 5.0, "flush")
    x.do(S, x.server.flushed("f1", 5 * RATE, now=x.now))
    _end(x)
    _finish(x)
    return x


def speakers() -> Exchange:
    """Who speaks is told behind the finals, and told anew where it turns out to be otherwise."""
    x = _opened(Start(language="en", features=replace(QUIET, speakers=True)))
    for text, end_s in (("good morning", 1.5), ("morning, who is there", 3.5)):
        _audio(x, end_s - x.server.snapshot.received / RATE)
        _heard(x, end_s)
        _final(x, text, end_s)
    _somebody(x, 0, SpeakerSpan(speaker="A", start=0.05, end=1.45))
    _somebody(x, 1, SpeakerSpan(speaker="A", start=1.55, end=3.45))
    x.note("more of the second voice is heard, and it is another one")
    _audio(x, 1.5)
    _heard(x, 5.0)
    _final(x, "the plumber", 5.0)
    _end(x)
    _somebody(x, 1, SpeakerSpan(speaker="A", start=1.55, end=2.1), SpeakerSpan(speaker="B", start=2.1, end=3.45))
    _somebody(x, 2, SpeakerSpan(speaker="B", start=3.55, end=4.95))
    _finish(x)
    return x


def _somebody(x: Exchange, segment: int, *spans: SpeakerSpan) -> None:
    x.do(S, x.server.annotate(segment, spans, now=x.now))


def configured() -> Exchange:
    """The speaker changes to another language: what was said before is decided as it was configured then."""
    x = _opened()
    _audio(x, 1.0)
    x.do(C, x.client.configure("c1", {"language": "de", "bias": {"terms": ["Auricle"]}}, now=x.now))
    _final(x, "and now for something completely different", 1.0, "configure")
    x.do(S, x.server.configured("c1", now=x.now))
    _audio(x, 1.0)
    _end(x)
    _final(x, "guten Tag", 2.0, "end_input")
    _heard(x, 2.0)
    _finish(x)
    return x


def muted() -> Exchange:
    """A microphone is muted for three seconds: the timeline goes on without audio."""
    x = _opened()
    _audio(x, 1.0)
    x.do(C, x.client.skip(3 * RATE, now=x.now))
    _audio(x, 1.0)
    _end(x)
    _final(x, "one moment please I am back", 5.0, "end_input")
    _heard(x, 5.0)
    _finish(x)
    return x


def offset_framing() -> Exchange:
    """The same with `offset64`: each binary frame says where it belongs."""
    x = _opened(Start(audio=AudioFormat(framing="offset64"), language="en", features=QUIET))
    _audio(x, 0.1)
    frame = framing.pack(6_400, bytes(3_200))
    x.note(f"the next frame begins {frame[:8].hex(' ')}, which is 6400: samples 1600 to 6399 are a gap")
    x.raw(frame, 6_400)
    return x


def told_everything() -> Exchange:
    """Words, and how the server fares, for a client that asked for them."""
    x = _opened(Start(language="en", features=Features(words=True, speech_events=False, acks=False, stats_ms=500)))
    _audio(x, 0.8)
    _heard(x, 0.8)
    words = (Word(text="hello", start=0.2, end=0.4, confidence=0.9), Word(text="there", start=0.45, end=0.7))
    x.do(S, x.server.partial("hello there", start_s=0.2, end_s=0.7, words=words, now=x.now))
    x.wait(0.5)
    return x


def resumed() -> Exchange:
    """The connection breaks while a flush is on its way. The client comes back: nothing is lost or doubled."""
    x = _opened()
    _audio(x, 1.0)
    _final(x, "the first sentence", 1.0)
    x.note("from here on the connection is dead, and nobody knows it yet")
    x.swallows = True
    _audio(x, 0.5)
    x.do(C, x.client.flush("f1", now=x.now))
    x.do(S, x.server.warn("example", "this warning is lost on its way, too", now=x.now))
    x.cut()
    x.note("the application goes on; its audio waits")
    _audio(x, 0.5)
    x.wait(0.2)
    _final(x, "the second", 1.5, "flush")
    x.do(S, x.server.flushed("f1", 24_000, now=x.now))
    _end(x)
    _final(x, "sentence", 2.0, "end_input")
    _heard(x, 2.0)
    _finish(x)
    return x


def session_gone() -> Exchange:
    """The server has lost the session. A new one takes over where the old one was committed, on the same timeline."""
    x = _opened()
    _audio(x, 1.0)
    _final(x, "the first sentence", 1.0)
    _audio(x, 0.5)
    x.cut()
    x.forget()
    x.wait(0.5)
    _accept(x)
    _end(x)
    _final(x, "the second", 1.5, "end_input")
    _heard(x, 1.5)
    _finish(x)
    return x


def cancelled() -> Exchange:
    """The client wants nothing more, and waits for `closed` all the same."""
    x = _opened()
    _audio(x, 1.0)
    x.do(C, x.client.cancel("changed my mind", now=x.now))
    return x


def lost_utterance() -> Exchange:
    """The engine fails on an utterance: the loss is named, and the session is not complete."""
    x = _opened()
    _audio(x, 1.0)
    x.do(S, x.server.segment_failed(RATE, "the engine failed on this utterance", now=x.now))
    _audio(x, 1.0)
    _final(x, "can you hear me now", 2.0)
    _end(x)
    _heard(x, 2.0)
    _finish(x)
    return x


def shutdown() -> Exchange:
    """The server ends the input, decides what it has, and says how to go on."""
    x = _opened()
    _audio(x, 1.0)
    x.do(S, x.server.stop_input("shutdown", now=x.now))
    _final(x, "hold the line", 1.0, "end_input")
    _heard(x, 1.0)
    _finish(x)
    return x


def refused() -> Exchange:
    """A configuration that the server cannot serve."""
    x = Exchange()
    x.raw('{"type":"start","audio":{"encoding":"opus","sample_rate":48000}}')
    return x


def newer_client() -> Exchange:
    """A client of a later minor version: what is not known is ignored, and said to be."""
    x = Exchange()
    x.raw('{"type":"start","language":"en","task":"summarise","mood":"cheerful"}')
    _accept(x)
    x.raw('{"type":"applaud","volume":11}')
    x.raw('{"type":"end_input","total":0}')
    _finish(x)
    return x


def alive() -> Exchange:
    """Nobody speaks: a sign of life before the other side loses patience."""
    x = _opened()
    x.wait(x.limits.ping_interval_s + 1)
    return x


def legacy() -> Exchange:
    """A client of the legacy dialect; nothing of this is negotiated."""
    x = Exchange(subprotocol=None)
    x.raw('{"language":"en","sample_rate":16000,"task":"transcribe"}')
    _accept(x)
    x.raw(bytes(2 * RATE))
    x.raw('{"type":"end_of_stream"}')
    _final(x, "hello from the past", 1.0, "end_input")
    _heard(x, 1.0)
    _finish(x)
    return x


V1_SCENES: Final[tuple[Callable[[], Exchange], ...]] = (
    dictation,
    flushes,
    turns,
    speakers,
    configured,
    muted,
    offset_framing,
    told_everything,
    resumed,
    session_gone,
    cancelled,
    lost_utterance,
    shutdown,
    refused,
    newer_client,
    alive,
)
"""Every frame of these is a message of this protocol: a test validates them against the schema."""
SCENES: Final[Mapping[str, Callable[[], Exchange]]] = {scene.__name__: scene for scene in (*V1_SCENES, legacy)}


def held(name: str) -> Example:
    """Hold a conversation. Raises `SpecError` where the rules do not allow it any more."""
    try:
        return Example(name, SCENES[name]().lines)
    except LocalProtocolError as error:
        raise SpecError(f"The example {name!r} cannot be held any more: {error}.") from None


def render(name: str) -> str:
    """Return a conversation as Markdown: one sentence, then what crosses the wire."""
    doc = (SCENES[name].__doc__ or "").strip()
    # The first one shows what `ready` says in full.
    elided = frozenset[str]() if name == dictation.__name__ else ELIDED
    return f"{doc}\n\n```text\n{as_text(held(name).lines, elided)}\n```"
