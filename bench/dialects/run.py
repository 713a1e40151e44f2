"""What a dialect costs over ``auricle.v1``: microseconds a message, and bytes on the wire.

    python bench/dialects/run.py > docs/bench-dialects.md

A minute of speech goes through one session of the core for each dialect, in process and without a socket: frames of
20 ms, a partial every half second, a final of ten words every four seconds. Everything of the session is counted, its
rules too, so that the ratio is what a server would see. Bytes are those of the frames, without WebSocket's headers.
"""

import base64
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from auricle.core import ServerInfo, ServerSession, Word
from auricle.core.dialect import Dialect
from auricle.core.legacy import FEATURES
from auricle.core.messages import PROTOCOL, Message, Start
from auricle.core.outputs import Transmit
from auricle.core.parts import AudioFormat, Features
from auricle.server.dialects.deepgram import open_listen
from auricle.server.dialects.handshake import Handshake, Opening
from auricle.server.dialects.openai_realtime import open_realtime
from auricle.server.dialects.twilio import open_stream
from auricle.server.dialects.wyoming import WyomingConnection

SECONDS = 60
FRAME_S, PARTIAL_S, FINAL_S = 0.02, 0.5, 4.0
WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "again")
REPEATS = 7
HANDSHAKE = Handshake(session_id="f" * 32, created=datetime(2026, 1, 1, tzinfo=UTC))


class Client(NamedTuple):
    """A dialect, as its client uses it."""

    name: str
    rate: int
    sample_bytes: int
    session: Callable[[], ServerSession]
    frames: Callable[[bytes, int], list[str | bytes]]
    """The frames for a piece of audio, which has a number."""


class Cost(NamedTuple):
    """Medians."""

    audio_us: float
    result_us: float
    up_bytes_per_s: float
    down_bytes_per_s: float


INTRODUCTION = """# What a dialect costs

Other services' clients talk to the same sessions by other words ([dialects.md](dialects.md)).
`python bench/dialects/run.py` sends a minute of speech through one session of the core for each, in process and without
a socket: frames of 20 ms, a partial every half second, a final of ten words every four seconds, `progress` after every
frame. The whole session is timed, its rules too, in processor time of its thread; medians of seven minutes. Bytes are
those of the frames, without WebSocket's headers. The absolute times are those of one busy machine: look at the ratios.
"""
CONCLUSION = """
At 50 frames a second, what the dearest dialect adds to `auricle.v1` is {most:.2f} % of a processor for each session
that speaks. Base64 in JSON costs a third more bytes, and the time to undo it. OpenAI's audio is 24 kHz and Twilio's
8 kHz at a byte a sample: that is in the bytes upwards. An interim result of Deepgram's has all words with their times,
and the model's name."""


def session_of(dialect: Dialect | None, *opening: Message, first: str | None = None) -> ServerSession:
    session = ServerSession(PROTOCOL if dialect is None else None, now=0.0, dialect=dialect)
    session.begin(opening, now=0.0)
    if first is not None:
        session.receive(first, now=0.0)
    session.accept("f" * 32, ServerInfo(name="whisper", model="tiny.en", version="1"), now=0.0)
    return session


def of_opening(opening: object, *, first: str | None = None) -> ServerSession:
    assert isinstance(opening, Opening)
    return session_of(opening.dialect, *opening.messages, first=first)


def v1() -> ServerSession:
    start = Start(audio=AudioFormat(sample_rate=16_000), features=Features(words=True))
    return session_of(None, start)


def legacy() -> ServerSession:
    session = ServerSession(None, now=0.0)
    session.receive("{}", now=0.0)
    session.accept("f" * 32, ServerInfo(name="whisper"), now=0.0)
    assert session.snapshot.config.features == FEATURES
    return session


def deepgram() -> ServerSession:
    query = "encoding=linear16&interim_results=true&vad_events=true&utterance_end_ms=1000&smart_format=true"
    return of_opening(open_listen(Handshake(session_id="f" * 32, query=query, created=HANDSHAKE.created)))


def openai() -> ServerSession:
    update = {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
    return of_opening(open_realtime(HANDSHAKE), first=json.dumps(update))


def twilio() -> ServerSession:
    start = {"event": "start", "start": {"streamSid": "MZ" + "0" * 32, "callSid": "CA" + "0" * 32}}
    return of_opening(open_stream(HANDSHAKE), first=json.dumps(start))


def wyoming() -> ServerSession:
    start = {"type": "audio-start", "data": {"rate": 16_000, "width": 2, "channels": 1}}
    return session_of(WyomingConnection(limits=HANDSHAKE.limits), first=json.dumps(start))


def as_append(pcm: bytes, number: int) -> list[str | bytes]:
    return [json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})]


def as_media(pcm: bytes, number: int) -> list[str | bytes]:
    media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20)}
    body = {"event": "media", "sequenceNumber": str(number), "streamSid": "MZ" + "0" * 32}
    return [json.dumps({**body, "media": {**media, "payload": base64.b64encode(pcm).decode()}})]


def as_chunk(pcm: bytes, number: int) -> list[str | bytes]:
    return [json.dumps({"type": "audio-chunk", "data": {"rate": 16_000, "width": 2, "channels": 1}}), pcm]


def as_it_is(pcm: bytes, number: int) -> list[str | bytes]:
    return [pcm]


CLIENTS = (
    Client("auricle.v1", 16_000, 2, v1, as_it_is),
    Client("the old dialect", 16_000, 2, legacy, as_it_is),
    Client("Deepgram `/v1/listen`", 16_000, 2, deepgram, as_it_is),
    Client("OpenAI `/v1/realtime`", 24_000, 2, openai, as_append),
    Client("Twilio `/v1/twilio`", 8_000, 1, twilio, as_media),
    Client("Wyoming", 16_000, 2, wyoming, as_chunk),
)


def measure() -> dict[str, Cost]:
    """Run the minute several times, in turns. Audio is timed in `receive`, results in all verbs together."""
    runs = [[_minute(client) for client in CLIENTS] for _ in range(REPEATS)]
    return {
        client.name: Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))
        for client, costs in zip(CLIENTS, zip(*runs, strict=True), strict=True)
    }


def _minute(client: Client) -> Cost:
    session = client.session()
    pieces = int(SECONDS / FRAME_S)
    pcm = bytes(int(client.rate * FRAME_S) * client.sample_bytes)
    frames = [client.frames(pcm, number) for number in range(pieces)]
    up = sum(len(frame) for sent in frames for frame in sent)
    audio_s = result_s = 0.0
    down = results = 0
    for number, sent in enumerate(frames, 1):
        now = number * FRAME_S
        began = time.thread_time()
        outputs = [output for frame in sent for output in session.receive(frame, now=now)]
        audio_s += time.thread_time() - began
        calls = _calls(session, number, now)
        began = time.thread_time()
        for call in calls:
            outputs += call()
        outputs += session.handle_timeout(now=now)
        result_s += time.thread_time() - began
        results += len(calls)
        down += sum(len(output.frame) for output in outputs if isinstance(output, Transmit))
    return Cost(audio_s / pieces * 1e6, result_s / results * 1e6, up / SECONDS, down / SECONDS)


def _calls(session: ServerSession, number: int, now: float) -> list[Callable[[], Any]]:
    """What the engine says after this frame: its progress always, and now and then a partial or a final."""
    s = session.snapshot
    calls: list[Callable[[], Any]] = [lambda: session.progress(s.received, now=now)]
    every, last = round(PARTIAL_S / FRAME_S), round(FINAL_S / FRAME_S)
    at = number % last
    if at == 1:
        calls.append(lambda: session.speech_start(s.committed, now=now))
    begin_s, step_s = s.seconds(s.committed), FINAL_S / len(WORDS)
    words = [
        Word(text=text, start=begin_s + index * step_s, end=begin_s + (index + 1) * step_s, confidence=0.9)
        for index, text in enumerate(WORDS)
    ]
    if at == 0:
        said: dict[str, Any] = {"start_s": begin_s, "end_s": begin_s + FINAL_S, "confidence": 0.9, "language": "en"}
        calls.append(
            lambda: session.final(
                " ".join(WORDS), end_sample=s.received, reason="endpoint", words=words, now=now, **said
            )
        )
        calls.append(lambda: session.speech_end(s.received, now=now))
    elif at % every == 0:
        count = max(1, round(len(WORDS) * at / last))
        text = " ".join(WORDS[:count])
        times: dict[str, Any] = {"start_s": begin_s, "end_s": begin_s + at * FRAME_S, "words": words[:count]}
        calls.append(lambda: session.partial(text, stable=len(text) // 2, now=now, **times))
    return calls


def page() -> str:
    """Return the page."""
    costs = measure()
    plain = costs["auricle.v1"]
    rows = [
        f"| {name} | {cost.audio_us:.1f} | {cost.audio_us / plain.audio_us:.1f} × | {cost.result_us:.1f} "
        f"| {cost.result_us / plain.result_us:.1f} × | {cost.up_bytes_per_s / 1000:.1f} | {cost.down_bytes_per_s:.0f} |"
        for name, cost in costs.items()
    ]
    most = max(cost.audio_us - plain.audio_us for cost in costs.values()) * 50 / 1e6 * 100
    head = (
        "| | audio, µs a frame of 20 ms | | results, µs a call | | up, kB a second | down, bytes a second |",
        "|---|---|---|---|---|---|---|",
    )
    return "\n".join((INTRODUCTION, *head, *rows, CONCLUSION.format(most=most)))


if __name__ == "__main__":
    print(page())
