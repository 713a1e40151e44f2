"""The example conversations of the specification. They are not written down but held, each time it is rendered."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from auricle.core import Features, Frame, Role, ServerInfo, Start
from spec.exchange import Exchange, Line, Said, as_text

RATE: Final = 16_000
C, S = Role.CLIENT, Role.SERVER
ENGINE: Final = ServerInfo(name="example", version="1.0", device="cpu")
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
    x.do(S, x.server.accept("s-7f3a", ENGINE, now=x.now))


def _final(x: Exchange, text: str, end_s: float, reason: str = "endpoint") -> None:
    begin_s = x.server.snapshot.committed / RATE
    x.do(
        S,
        x.server.final(
            text,
            end_sample=int(end_s * RATE),
            start_s=begin_s + 0.2,
            end_s=end_s - 0.3,
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
    _end(x)
    _heard(x, 2.0)
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
    """Hold a conversation."""
    return Example(name, SCENES[name]().lines)


def render(name: str) -> str:
    """Return a conversation as Markdown: one sentence, then what crosses the wire."""
    doc = (SCENES[name].__doc__ or "").strip()
    # The first one shows what `ready` says in full.
    elided = frozenset[str]() if name == dictation.__name__ else ELIDED
    return f"{doc}\n\n```text\n{as_text(held(name).lines, elided)}\n```"
