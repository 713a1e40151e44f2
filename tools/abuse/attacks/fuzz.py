"""Anything at all, found by hypothesis, on sockets: requests that are nearly right, and frames that are nearly right.

Nothing is expected of the answer but that there is one or an end, and never one that says that the server failed.
"""

import socket
from collections.abc import Callable
from functools import partial
from typing import Final

import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from abuse.fates import Fates
from abuse.target import Target
from abuse.wire import START, answer_in, frame, upgrade

EXAMPLES: Final = 300
PATIENCE_S: Final = 10.0
"""Longer than the server waits for the rest of a head."""

_METHODS: Final = st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"get", b"G ET", b""])
_PATHS: Final = st.sampled_from(
    [b"/", b"/healthz", b"/readyz", b"/status", b"/v1/transcribe", b"/v1/audio/transcriptions", b"/v1/listen", b"*",
     b"//", b"/v1/realtime", b"/ws/transcribe", b"/%00", b"/?", b"?", b"http://a/healthz", b"/v1/listen?a=\xff"]
)  # fmt: skip
_ODD: Final = st.sampled_from([b"HTTP/1.0", b"HTTP/9.9", b"http/1.1", b"\xff\xfe", b"\x00", b"\t"])
_NAMES: Final = st.sampled_from(
    [b"Host", b"host ", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Expect", b"Content-Type",
     b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"Sec-WebSocket-Protocol", b"Origin", b"Authorization", b"", b":"]
)  # fmt: skip
_VALUES: Final = st.one_of(
    st.sampled_from(
        [b"a", b"127.0.0.1", b"0", b"-1", b"99999999999999999999", b"0x10", b"chunked", b"gzip, chunked", b"upgrade",
         b"websocket", b"keep-alive", b"close", b"100-continue", b"multipart/form-data; boundary=x", b"auricle.v1",
         b"13", b"AAAAAAAAAAAAAAAAAAAAAA==", b"http://evil.example", b"Basic \xff", b"Bearer " + b"x" * 4_000]
    ),
    st.binary(max_size=30),
)  # fmt: skip
_LINES: Final = st.one_of(
    st.tuples(_METHODS, _PATHS, st.just(b"HTTP/1.1")),
    st.tuples(_METHODS, _PATHS, st.just(b"HTTP/1.1")),
    st.lists(st.one_of(_METHODS, _PATHS, _ODD), min_size=1, max_size=4),
)
_FIELDS: Final = st.builds(lambda name, value: name + b": " + value + b"\r\n", _NAMES, _VALUES)
REQUESTS: Final = st.builds(
    lambda line, host, fields, end, body: b" ".join(line) + b"\r\n" + host + b"".join(fields) + end + body,
    _LINES,
    st.sampled_from([b"Host: 127.0.0.1\r\n", b"Host: 127.0.0.1\r\n", b""]),
    st.one_of(st.just([]), st.lists(_FIELDS, max_size=2), st.lists(_FIELDS, max_size=8)),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"", b"\r\n\r\n"]),
    st.one_of(st.binary(max_size=60), st.sampled_from([b"5\r\nabcde\r\n0\r\n\r\n", b"ffffffffff\r\n", b"-1\r\n"])),
)
_MESSAGES: Final = st.sampled_from(
    [b'{"type":"start"}', b'{"type":"end_input"}', b'{"type":"flush","id":1}', b'{"type":"configure","id":1}', b"{}",
     b'{"type":"ping","id":1}', b'{"type":"cancel"}', b'{"type":"gap","samples":9007199254740991}', b'{"type":"mark"}',
     b'{"type":"stats"}', b'{"type":"start","audio":{"rate":-1}}', b'{"type":null}', b'{"type":"end_of_stream"}']
)  # fmt: skip
FRAMES: Final = st.lists(
    st.builds(
        lambda opcode, payload, first, lie: frame(opcode, payload, first=first, length=lie),
        st.sampled_from([0x1, 0x2] * 10 + [0x9, 0xA, 0x8, 0x0, 0x3, 0xF]),
        st.one_of(_MESSAGES, st.binary(max_size=80), st.binary(min_size=320, max_size=640)),
        st.sampled_from([0x80] * 40 + [0x00, 0xC0, 0xF0]),
        st.sampled_from([None] * 60 + [0, 1, 126, 1 << 16, 1 << 63]),
    ),
    min_size=1,
    max_size=10,
)


async def requests(target: Target, examples: int = EXAMPLES) -> Fates:
    """Requests."""
    return await _search(examples, lambda said: _answer(target.port, said), REQUESTS, "requests")


async def frames(target: Target, examples: int = EXAMPLES) -> Fates:
    """Frames on a WebSocket with a session."""

    def ask(said: list[bytes]) -> str:
        return _answer(target.port, upgrade() + START + b"".join(said))

    return await _search(examples, ask, FRAMES, "conversations")


async def _search(examples: int, ask: Callable[..., str], strategy: st.SearchStrategy[object], what: str) -> Fates:
    """Ask with so many examples, in a thread: hypothesis is not asynchronous."""
    fates = Fates()

    def one(said: object) -> None:
        answer = ask(said)
        fates.add(answer)
        assert not answer.startswith("5") or answer == "505", f"{said!r} was answered {answer}"
        assert answer != "Close 1011", f"{said!r} made the server fail"

    search = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )(given(strategy)(one))
    try:
        await trio.to_thread.run_sync(partial(search))
    except AssertionError as error:
        fates.faults.append(str(error))
    fates.notes.append(f"{fates.answers.total():,} {what}")
    return fates


def _answer(port: int, said: bytes) -> str:
    """Say these bytes, end our side, and return what the server answers."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            while more := client.recv(65_536):
                received += more
    except TimeoutError:
        return "nothing, in vain waited for"
    except OSError:
        return answer_in(received) or "reset"
    return answer_in(received) or "end of file"
