"""What is measured. A workload prepares one round and returns the call to be timed: all of a round, nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from conversations import FRAME, FRAME_SAMPLES, FRAMES, LIMITS, RATE, Pair, frames_of
from h11 import CLIENT as H11_CLIENT
from h11 import Connection, Data, Request
from wsproto.connection import Connection as WebSocket
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, TextMessage

from auricle.core import Frame

MESSAGES = 200
"""Control messages, partials and finals in one round."""
Family = Literal["audio", "control", "partial"]

PARTIAL_TEXTS = (
    "and so my fellow americans ask not what your",
    "and so my fellow americans ask not what your country",
)
"""Said in turn: a partial that repeats the one before is not sent."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One line of the table: ``operations`` operations of one kind, by one party."""

    name: str
    family: Family
    party: Literal["client", "server", "floor", "peer"]
    """``floor``: what any implementation must do. ``peer``: a library of the field, at a comparable task."""
    operations: int
    prepare: Callable[[], Callable[[], None]]


# ---------------------------------------------------------------------------- audio


def copy_and_count() -> Callable[[], None]:
    """The floor of an audio frame: its bytes into a buffer, out again as a frame, and two positions moved."""
    frames = [FRAME] * FRAMES

    def run() -> None:
        buffer, received, sent = bytearray(), 0, 0
        for frame in frames:
            buffer += frame
            received += len(frame) // 2
            bytes(buffer)
            buffer.clear()
            sent = received
        assert sent == received

    return run


def client_audio() -> Callable[[], None]:
    """`send_audio`, and the question for the next deadline that a driver asks after it."""
    client, frames = Pair().client, [FRAME] * FRAMES

    def run() -> None:
        for frame in frames:
            client.send_audio(frame, now=0.1)
            client.next_deadline  # noqa: B018 - a property that computes

    return run


def server_audio() -> Callable[[], None]:
    """`receive` of a binary frame, and the question for the next deadline."""
    server, frames = Pair().server, [FRAME] * FRAMES

    def run() -> None:
        for frame in frames:
            server.receive(frame, now=0.1)
            server.next_deadline  # noqa: B018 - a property that computes

    return run


def h11_data() -> Callable[[], None]:
    """The same bytes as an HTTP/1.1 body chunk: a state machine and a length before the bytes."""
    connection = Connection(our_role=H11_CLIENT)
    connection.send(Request(method="POST", target="/", headers=[("host", "x"), ("transfer-encoding", "chunked")]))

    def run() -> None:
        for _ in range(FRAMES):
            connection.send(Data(data=FRAME))

    return run


def wsproto_send() -> Callable[[], None]:
    """The same bytes as a WebSocket message: framing and the client's mask."""
    connection = WebSocket(ConnectionType.CLIENT)

    def run() -> None:
        for _ in range(FRAMES):
            connection.send(BytesMessage(data=FRAME))

    return run


# ---------------------------------------------------------------------------- control messages


def _flush_conversation() -> tuple[Pair, list[str], list[Frame], list[Frame]]:
    """Return an open session with audio to flush, flush ids, and the frames of both directions."""
    pair, twin = Pair(), Pair()
    names = [f"f{number}" for number in range(MESSAGES // 2)]
    asked: list[Frame] = []
    answers: list[Frame] = []
    for each in (pair, twin):
        each.to_server(each.client.send_audio(bytes(2 * RATE), now=0.0))
    for number, name in enumerate(names):
        twin.now = _flush_time(number)
        question = twin.client.flush(name, at_sample=number + 1, now=twin.now)
        twin.to_server(question)
        answer = twin.server.flushed(name, number + 1, now=twin.now)
        twin.to_client(answer)
        asked += frames_of(question)
        answers += frames_of(answer)
    assert len(asked) == len(answers) == len(names)
    return pair, names, asked, answers


def _flush_time(number: int) -> float:
    """Return when a flush is said: no faster than the limit of flushes a second allows."""
    return 0.3 * number


def client_flush() -> Callable[[], None]:
    """A flush said and its answer heard."""
    pair, names, _, answers = _flush_conversation()

    def run() -> None:
        for number, (name, answer) in enumerate(zip(names, answers, strict=True)):
            now = _flush_time(number)
            pair.client.flush(name, at_sample=number + 1, now=now)
            pair.client.receive(answer, now=now)

    return run


def server_flush() -> Callable[[], None]:
    """A flush heard and answered."""
    pair, names, asked, _ = _flush_conversation()

    def run() -> None:
        for number, (name, question) in enumerate(zip(names, asked, strict=True)):
            now = _flush_time(number)
            pair.server.receive(question, now=now)
            pair.server.flushed(name, number + 1, now=now)

    return run


def _acks() -> tuple[Pair, list[Frame]]:
    """Return an open session whose audio has been sent, and an ack for each frame of it."""
    pair, twin = Pair(), Pair()
    acks: list[Frame] = []
    for each in (pair, twin):
        each.to_server(each.client.send_audio(FRAME * MESSAGES, now=0.0))
    for number in range(MESSAGES):
        twin.server.progress((number + 1) * FRAME_SAMPLES, now=_ack_time(number))
        acks += frames_of(twin.server.handle_timeout(now=_ack_time(number)))
    assert len(acks) == MESSAGES
    return pair, acks


def _ack_time(number: int) -> float:
    """Return a time at which an ack is due, and all of them are before the server calls a silent client idle."""
    return 1.1 * LIMITS.ack_interval_s * (number + 1)


def client_ack() -> Callable[[], None]:
    """Watermarks heard and checked (O12)."""
    pair, acks = _acks()

    def run() -> None:
        for number, ack in enumerate(acks):
            pair.client.receive(ack, now=_ack_time(number))

    return run


def server_ack() -> Callable[[], None]:
    """The engine's progress, and the ack that the timer owes for it."""
    pair, _ = _acks()

    def run() -> None:
        for number in range(MESSAGES):
            pair.server.progress((number + 1) * FRAME_SAMPLES, now=_ack_time(number))
            pair.server.handle_timeout(now=_ack_time(number))

    return run


def server_ping() -> Callable[[], None]:
    """A ping heard and answered."""
    server = Pair().server

    def run() -> None:
        for number in range(MESSAGES):
            server.receive('{"type":"ping","t":1.5}', now=float(number))

    return run


def client_ping() -> Callable[[], None]:
    """A ping said when its timer is due, and the pong heard."""
    client = Pair().client

    def run() -> None:
        now = 0.0
        for _ in range(MESSAGES // 2):
            now += LIMITS.ping_interval_s
            client.handle_timeout(now=now)
            client.receive('{"type":"pong","now":20.5,"t":1.5}', now=now)

    return run


# ---------------------------------------------------------------------------- what the engine says


def _streaming() -> Pair:
    pair = Pair()
    pair.stream(2.0)
    return pair


def _partials() -> list[Frame]:
    pair = _streaming()
    said = [pair.server.partial(PARTIAL_TEXTS[n % 2], start_s=0.3, end_s=2.0, now=2.0) for n in range(MESSAGES)]
    return [frame for outputs in said for frame in frames_of(outputs)]


def server_partial() -> Callable[[], None]:
    """A hypothesis checked (O5) and said."""
    server = _streaming().server

    def run() -> None:
        for number in range(MESSAGES):
            server.partial(PARTIAL_TEXTS[number % 2], start_s=0.3, end_s=2.0, now=2.0)

    return run


def client_partial() -> Callable[[], None]:
    """A partial heard, checked and handed over."""
    client, partials = _streaming().client, _partials()
    assert len(partials) == MESSAGES

    def run() -> None:
        for partial in partials:
            client.receive(partial, now=2.0)

    return run


# ---------------------------------------------------------------------------- floors of text messages

_PARTIAL = {
    "type": "partial", "segment": 0, "rev": 17, "text": PARTIAL_TEXTS[1], "start": 0.3, "end": 2.0, "stable": 0,
    "channel": 0,
}  # fmt: skip
_CONTROL = {"type": "flushed", "seq": 17, "id": "f17", "upto": 32_000, "last_segment": 4, "empty": False}


def json_said(body: dict[str, object]) -> Callable[[], Callable[[], None]]:
    """Writing the JSON text, which nobody who says the message can do without."""

    def run() -> None:
        for _ in range(MESSAGES):
            json.dumps(body)

    return lambda: run


def json_heard(body: dict[str, object]) -> Callable[[], Callable[[], None]]:
    """Reading the JSON text, which nobody who hears the message can do without."""
    text = json.dumps(body)

    def run() -> None:
        for _ in range(MESSAGES):
            json.loads(text)

    return lambda: run


def wsproto_text() -> Callable[[], None]:
    """The text of a partial as a WebSocket message, said by a server (no mask)."""
    connection, text = WebSocket(ConnectionType.SERVER), json.dumps(_PARTIAL)

    def run() -> None:
        for _ in range(MESSAGES):
            connection.send(TextMessage(data=text))

    return run


WORKLOADS = (
    Workload("copy and count", "audio", "floor", FRAMES, copy_and_count),
    Workload("send_audio", "audio", "client", FRAMES, client_audio),
    Workload("receive", "audio", "server", FRAMES, server_audio),
    Workload("h11, a body chunk", "audio", "peer", FRAMES, h11_data),
    Workload("wsproto, a masked message", "audio", "peer", FRAMES, wsproto_send),
    Workload("JSON, written or read", "control", "floor", 2 * MESSAGES, lambda: _both(_CONTROL)),
    Workload("flush and its answer", "control", "client", MESSAGES, client_flush),
    Workload("flush and its answer", "control", "server", MESSAGES, server_flush),
    Workload("ack", "control", "client", MESSAGES, client_ack),
    Workload("ack", "control", "server", MESSAGES, server_ack),
    Workload("ping and pong", "control", "client", MESSAGES, client_ping),
    Workload("ping and pong", "control", "server", 2 * MESSAGES, server_ping),
    Workload("JSON, written or read", "partial", "floor", 2 * MESSAGES, lambda: _both(_PARTIAL)),
    Workload("heard", "partial", "client", MESSAGES, client_partial),
    Workload("said", "partial", "server", MESSAGES, server_partial),
    Workload("wsproto, a text message", "partial", "peer", MESSAGES, wsproto_text),
)


def _both(body: dict[str, object]) -> Callable[[], None]:
    said, heard = json_said(body)(), json_heard(body)()

    def run() -> None:
        said()
        heard()

    return run
