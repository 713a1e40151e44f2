"""Bytes a session holds in the core: what Python allocated for many of them, divided by how many there are."""

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

from conversations import TENTH, Pair

from auricle.core.session import Session

SESSIONS = 25


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes a session of one kind holds."""

    name: str
    client: int
    server: int


def idle_pair() -> Pair:
    """A session after ``ready``, before any audio."""
    return Pair()


def streaming_pair() -> Pair:
    """Ten seconds into a stream in step with its engine: one final, an open utterance with a partial."""
    pair = Pair()
    pair.stream(10.0)
    server = pair.server
    pair.to_client(server.speech_start(4_000, now=pair.now))
    final = server.final(
        "and so", end_sample=80_000, start_s=0.3, end_s=4.8, confidence=0.9, reason="endpoint", now=pair.now
    )
    pair.to_client(final)
    pair.to_client(server.partial("my fellow americans ask not", start_s=5.2, end_s=9.9, now=pair.now))
    pair.stream(0.5)  # the ack that lets the client forget what is decided
    return pair


def backlogged_pair() -> Pair:
    """A client whose server has stalled: the credit is used up and the backlog full."""
    pair = Pair()
    while pair.client.room:
        pair.to_server(pair.client.send_audio(TENTH, now=pair.now))
    return pair


def bytes_held(make: Callable[[], Pair]) -> tuple[int, int]:
    """Return the bytes one client and one server hold in the pairs that ``make`` returns."""
    return _of_one(make, lambda pair: pair.client), _of_one(make, lambda pair: pair.server)


def _of_one(make: Callable[[], Pair], keep: Callable[[Pair], Session]) -> int:
    keep(make())  # whatever is made once for all sessions is there now
    kept: list[Session] = []
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept.extend(keep(make()) for _ in range(SESSIONS))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return round((after - before) / SESSIONS)


def measure() -> list[Held]:
    """Return what sessions hold, idle first."""
    kinds = {"idle": idle_pair, "streaming": streaming_pair, "stalled": backlogged_pair}
    return [Held(name, *bytes_held(make)) for name, make in kinds.items()]
