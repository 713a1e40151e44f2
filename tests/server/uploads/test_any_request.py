"""Whatever comes, there is an answer: no 5xx, no traceback, no hang, and nothing is left behind."""

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import h11
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auricle.server.dialects import deepgram_prerecorded, openai_transcriptions, streamed_documents
from auricle.server.dialects.document import BadRequest
from server.dialects.witness import Witness, nothing_fails
from server.uploads.upload_server import FAR_S, UploadServer, recording, upload_server

FIELDS = (
    "model", "language", "languages[]", "keywords[]", "prompt", "response_format", "temperature", "stream",
    "timestamp_granularities[]", "include[]", "chunking_strategy", "known_speaker_names[]", "file", "[", "", "x[0][1]",
)  # fmt: skip
PARAMETERS = (
    "format", "language", "languages", "task", "prompt", "keyterms", "channel", "encoding", "sample_rate", "channels",
    "multichannel", "endpointing", "keyterm", "keywords", "callback", "utterances", "detect_language", "diarize", "?",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["json", "srt", "verbose_json", "true", "false", "1", "0", "-1", "en", "de-DE", "English", "auto", "NaN",
         "1e999", "linear16", "mulaw", "opus", "8000", "16000.0", "²", "word", "segment", "translate", "x" * 3_000]
    ),
    st.text(max_size=40),
)  # fmt: skip
FORMS = st.lists(st.tuples(st.sampled_from(FIELDS), VALUES), max_size=12)
QUERIES = st.lists(st.tuples(st.sampled_from(PARAMETERS), st.one_of(VALUES, st.just("%ff%00")))).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
HEADS = st.sampled_from(
    ["multipart/form-data; boundary=x", "multipart/form-data; boundary=", "multipart/form-data", "audio/wav", "",
     "multipart/form-data; boundary=x; charset=base64", "application/json", "application/x-www-form-urlencoded"]
)  # fmt: skip
PART_HEADERS = st.sampled_from(
    ['form-data; name="file"; filename="a.wav"', 'form-data; name="model"', 'form-data; name="response_format"',
     'form-data; filename="a"', "form-data", 'form-data; name="file"; filename="\x07.wav"', "", "\xff"]
)  # fmt: skip
PARTS = st.lists(
    st.tuples(PART_HEADERS, st.one_of(st.binary(max_size=60), st.just(recording(1.0)), st.just(b"srt")))
).map(
    lambda parts: b"".join(
        b"--x\r\nContent-Disposition: " + name.encode("latin-1") + b"\r\n\r\n" + body + b"\r\n" for name, body in parts
    )
)
BODIES = st.one_of(
    PARTS.map(lambda parts: parts + b"--x--\r\n"), PARTS, st.binary(max_size=200), st.just(recording(1.0))
)
PATHS = st.sampled_from(
    ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/transcribe", "/v1/transcribe/%2e%2e", "/v1/listen"]
)


def complaint(read: Callable[[], object]) -> str:
    """What a dialect has against a request; "." where it takes it. Anything but `BadRequest` is a failure."""
    try:
        read()
    except BadRequest as refused:
        return str(refused)
    return "."


@given(FORMS, st.sampled_from(["transcribe", "translate"]))
def test_a_form_is_a_session_or_one_sentence(form: list[tuple[str, str]], task: openai_transcriptions.Task) -> None:
    assert complaint(lambda: openai_transcriptions.read_request(form, task)).endswith(".")


@given(QUERIES, st.text(alphabet=string.printable, max_size=60))
def test_a_query_is_a_session_or_one_sentence(query: str, accept: str) -> None:
    assert complaint(lambda: streamed_documents.read_request(query, accept)).endswith(".")
    assert complaint(lambda: deepgram_prerecorded.read_request(query)).endswith(".")


@dataclass
class Hardy:
    """A server that gets any requests, and those who watch it."""

    server: UploadServer
    witness: Witness
    failures: list[str]


@pytest.fixture(scope="module")
def hardy() -> Iterator[Hardy]:
    with nothing_fails() as failures, upload_server() as server:
        witness = Witness(server.url.replace("http", "ws"))
        yield Hardy(server, witness, failures)
        witness.testify()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, query=QUERIES, kind=HEADS, body=BODIES, chunked=st.booleans(), cut=st.integers(0, 40))
def test_a_request_has_an_answer(
    hardy: Hardy, path: str, query: str, kind: str, body: bytes, chunked: bool, cut: int
) -> None:
    target = f"{path}?{query}".encode("ascii", "ignore").decode()
    target = "".join(each for each in target if "!" <= each <= "~")
    headers = [("Host", "a"), ("Content-Type", kind), ("Connection", "close")]
    headers.append(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body))))
    writer = h11.Connection(h11.CLIENT)
    parts = [writer.send(h11.Request(method="POST", target=target, headers=headers)), writer.send(h11.Data(data=body))]
    raw = b"".join([*filter(None, parts), writer.send(h11.EndOfMessage()) or b""])
    hardy.witness.speak()
    answer = trio.run(asked, hardy.server.port, raw, cut)
    assert answer == b"" or 200 <= int(answer[9:12]) < 500
    assert not hardy.failures


async def asked(port: int, raw: bytes, cut: int) -> bytes:
    """Send a request without its last ``cut`` bytes, and end our side where there are any; return what comes."""
    with trio.fail_after(FAR_S):
        async with await trio.open_tcp_stream("127.0.0.1", port) as client:
            await client.send_all(raw[: len(raw) - cut])
            if cut:
                await client.send_eof()
            answer = b""
            try:
                while data := await client.receive_some(65536):
                    answer += data
                    if b"\r\n0\r\n\r\n" in answer:
                        break
            except trio.BrokenResourceError:
                pass
            return answer
