"""Any bytes at all to a whole server, in every dialect: handshakes, frames in any pieces, and what is in them.

The bytes come through a stream in memory; everything behind it is the real server, with the scripted engine. Whatever
comes, there is an answer or an end, nothing fails, the core's guarantees hold, and a session beside it gets its words.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, TextMessage

from auricle.server.app import SpeechServer
from auricle.server.dialects.paths import DIALECTS
from server.dialects.any_messages import BEGINNINGS, ENDS, MESSAGES, NOISE, PARAMETERS, VALUES
from server.dialects.dialect_server import DialectServer, dialect_server
from server.dialects.witness import FAR_S, Witness, nothing_fails
from server.http.listener_harness import read_all, read_until, upgrade_request

T = TypeVar("T")
PATHS = {
    "deepgram": "/v1/listen?encoding=linear16&interim_results=true&vad_events=true&utterance_end_ms=1000",
    "deepgram in a container": "/v1/listen?interim_results=true",
    "openai": "/v1/realtime?intent=transcription",
    "twilio": "/v1/twilio",
    "legacy": "/ws/transcribe",
}
CLOSE_FRAME = b"\x88\x82\0\0\0\0\x03\xe8"
EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Watched(NamedTuple):
    server: DialectServer
    witness: Witness
    failures: list[str]

    def run(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run a function in the server's loop while the witness speaks; nothing may fail."""
        self.witness.speak()
        told = self.server.run(function, *arguments)
        assert not self.failures
        return told


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with nothing_fails() as failures, dialect_server(wyoming_port=0) as server:
        witness = Witness(server.ws)
        yield Watched(server, witness, failures)
        witness.testify()
        assert server.inside is not None
        assert server.inside._listener is not None
        assert server.inside._listener.counts.failed == 0


# ------------------------------------------------------------------------ frames


def frame(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    """A masked frame of less than 64 KiB; a mask of zeros changes nothing."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
    return bytes([0x80 * last | opcode]) + length + bytes(4) + payload


@st.composite
def message_bytes(draw: st.DrawFn, messages: st.SearchStrategy[str | bytes]) -> bytes:
    """A message in one frame or several, perhaps with pings between them."""
    message = draw(messages)
    opcode, payload = (1, message.encode("utf-8", "replace")) if isinstance(message, str) else (2, message)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=2)))
    parts = [payload[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    frames = [frame(0 if number else opcode, part, last=number == len(parts) - 1) for number, part in enumerate(parts)]
    between = frame(9, b"?") if draw(st.booleans()) else b""
    return between.join(frames)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[begin:end] for begin, end in zip([0, *at], [*at, len(data)], strict=True)]


CUTS = st.lists(st.integers(0, 2**20), max_size=3)


class Client:
    """One end of a stream in memory, whose other end the server has."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self.texts: list[str] = []
        self.closed = trio.Event()
        """Set when the server has ended the connection."""
        self._frames = Connection(ConnectionType.CLIENT)
        self._text = ""

    async def send(self, data: bytes) -> None:
        """Send bytes, for which the server may no longer be there."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.stream.send_all(data)

    async def read(self, data: bytes) -> None:
        """Read until the server ends the connection, ``data`` first; what it sends must be WebSocket."""
        while not self._is_end(data):
            data = await self.stream.receive_some(65_536)
        self.closed.set()

    def _is_end(self, data: bytes) -> bool:
        self._frames.receive_data(data or None)
        for event in self._frames.events():
            if isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished:
                    self.texts.append(self._text)
                    self._text = ""
            elif isinstance(event, CloseConnection):
                return True
        return False


async def converse(speech: SpeechServer, head: bytes, said: list[bytes], end: str) -> list[str]:
    """Open a WebSocket, say these bytes, and return the texts that come.

    ``end``: ``wait`` for the server to close, ``close`` it from here, or ``leave`` without a word.
    """
    assert speech._listener is not None
    with trio.fail_after(FAR_S):
        ours, theirs = trio.testing.memory_stream_pair()
        client = Client(ours)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(speech._listener.serve_connection, theirs, peer="anybody:1"))
            await client.send(head)
            answer, _, rest = (await read_until(ours, b"\r\n\r\n")).partition(b"\r\n\r\n")
            status = int(answer[9:12])
            assert status == 101 or 400 <= status < 500, answer
            if status == 101:
                nursery.start_soon(client.read, rest)
                for piece in said:
                    await client.send(piece)
                if end == "wait":
                    await client.closed.wait()
                if end != "leave":
                    await client.send(CLOSE_FRAME)
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await ours.send_eof()
        return client.texts


# ------------------------------------------------------------------------ the tests


@pytest.mark.parametrize("name", PATHS)
@EXAMPLES
@given(data=st.data(), cuts=CUTS, end=st.sampled_from(["wait", "close", "leave"]))
def test_any_frames_in_any_pieces(name: str, data: st.DataObject, cuts: list[int], end: str, watched: Watched) -> None:
    own = name.partition(" ")[0]
    messages = st.one_of(MESSAGES[own], MESSAGES[own], NOISE)
    said = data.draw(st.lists(message_bytes(messages), max_size=8))
    first = [frame(1, text.encode()) for text in BEGINNINGS[own]] if end == "wait" or data.draw(st.booleans()) else []
    whole = b"".join([*first, *said, frame(1, ENDS[own].encode())])
    texts = watched.run(converse, upgrade_request(PATHS[name]), pieces(whole, cuts), end)
    assert all(isinstance(json.loads(text), dict) for text in texts)


@pytest.mark.parametrize("name", PATHS)
@EXAMPLES
@given(data=st.data(), cuts=CUTS, at=st.integers(0, 2**16), byte=st.integers(0, 255))
def test_bytes_that_have_been_damaged(
    name: str, data: st.DataObject, cuts: list[int], at: int, byte: int, watched: Watched
) -> None:
    own = name.partition(" ")[0]
    said = data.draw(st.lists(message_bytes(MESSAGES[own]), min_size=1, max_size=4))
    whole = bytearray(b"".join([*(frame(1, text.encode()) for text in BEGINNINGS[own]), *said]))
    whole[at % len(whole)] = byte
    watched.run(converse, upgrade_request(PATHS[name]), pieces(bytes(whole), cuts), "leave")


@EXAMPLES
@given(
    path=st.sampled_from(sorted(DIALECTS)),
    query=st.lists(st.tuples(st.sampled_from(PARAMETERS), VALUES), max_size=8),
    offered=st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12), max_size=3),
    end=st.sampled_from(["close", "leave"]),
)
def test_any_handshake(path: str, query: list[tuple[str, str]], offered: list[str], end: str, watched: Watched) -> None:
    head = upgrade_request(f"{path}?{urlencode(query)}", Sec_WebSocket_Protocol=", ".join(offered) or None)
    watched.run(converse, head, [frame(2, bytes(3_200))], end)


async def wyoming(speech: SpeechServer, said: list[bytes]) -> bytes:
    """Say these bytes to the Wyoming port, end our side, and return all that comes."""
    with trio.fail_after(FAR_S):
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speech._dialects.serve_wyoming, theirs, "anybody:2")
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                for piece in said:
                    await ours.send_all(piece)
                await ours.send_eof()
            return await read_all(ours)


@st.composite
def event_bytes(draw: st.DrawFn) -> bytes:
    """An event with a payload, with more of its data, or with neither; the lengths may be lies."""
    body: Any = json.loads(draw(MESSAGES["wyoming"] | st.just('{"type":"describe"}')))
    more = draw(st.sampled_from([b"", b"{}", b"[]", b'{"rate":16000}', b"{"]))
    payload = draw(st.binary(max_size=50) | st.just(bytes(3_200)))
    if more:
        body["data_length"] = draw(st.sampled_from([len(more), len(more), 0, -1, 10**9, "x", None]))
    if payload:
        body["payload_length"] = draw(st.sampled_from([len(payload), len(payload), len(payload), 1, -1, 10**9, 1.5]))
    return json.dumps(body).encode() + b"\n" + more + payload


@EXAMPLES
@given(
    said=st.lists(event_bytes() | st.binary(max_size=20).map(lambda noise: noise + b"\n"), max_size=6),
    begins_well=st.booleans(),
    cuts=CUTS,
)
def test_any_events_of_wyoming(said: list[bytes], begins_well: bool, cuts: list[int], watched: Watched) -> None:
    first = b"".join(text.encode() + b"\n" for text in BEGINNINGS["wyoming"]) if begins_well else b""
    answer = watched.run(wyoming, pieces(first + b"".join(said), cuts))
    assert all(isinstance(json.loads(line), dict) for line in answer.splitlines())
