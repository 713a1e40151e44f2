"""What an upload costs a server whose engine does not get on: credit, and not its memory."""

import socket
import threading
import time
from dataclasses import replace

import trio
from trio.testing import trio_test

from auricle.core import SessionClosed, Start
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, running_server
from auricle.server.sessions.caller import Caller
from server.uploads.upload_server import FAR_S, recording, upload_server

MOST_BYTES = 24 * 2**20
"""Half a minute of audio, the buffers of two sockets, and room to spare."""


def test_a_client_waits_where_the_engine_does() -> None:
    gate = threading.Event()
    gate.set()  # for the clip that a server tries its engine on before it is ready
    block = bytes(2**20)
    with upload_server(engine=ScriptedWindowEngine(gate=gate)) as server:
        gate.clear()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"PUT /v1/transcribe HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
            client.sendall(recording(0.0)[:40] + (2**32 - 1).to_bytes(4, "little"))
            client.settimeout(3.0)
            sent = 0
            try:
                while sent < 4 * MOST_BYTES:
                    sent += client.send(block)
            except TimeoutError:
                pass
        assert sent < MOST_BYTES
        gate.set()


def test_a_server_that_ends_says_so_and_cuts_the_answer() -> None:
    gate = threading.Event()
    gate.set()
    with (
        upload_server(engine=ScriptedWindowEngine(gate=gate)) as server,
        socket.create_connection(("127.0.0.1", server.port)) as client,
    ):
        gate.clear()
        client.settimeout(FAR_S)
        client.sendall(b"PUT /v1/transcribe HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
        client.sendall(recording(10.0))
        while not server.server.sessions:
            time.sleep(0.01)
        gate.set()
        server.call(server.server.drain)
        answer = b""
        while data := client.recv(65536):
            answer += data
    assert b"HTTP/1.1 503 " in answer or not answer.endswith(b"0\r\n\r\n")


@trio_test
async def test_a_session_in_this_process_is_one_like_any_other() -> None:
    with trio.fail_after(FAR_S):
        async with running_server(ServerConfig(port=0), ScriptedWindowEngine()) as server:
            async with server.open_session(Start(resume=False), Caller("10.0.0.1:1")) as client:
                await client.send_audio(bytes(64_000))
                assert server.sessions == 1
                await client.end_input()
                events = [event async for event in client]
            assert isinstance(events[-1], SessionClosed)
            assert events[-1].complete
            assert server.sessions == 0


def test_an_answer_that_had_begun_is_cut_where_the_engine_fails() -> None:
    """What was heard is there, why there is no more is said, and no client takes it for the whole."""
    script = replace(COUNTING, failing_utterances=frozenset(range(1, 20)))
    head = f"PUT /v1/transcribe HTTP/1.1\r\nHost: a\r\nContent-Length: {len(recording(180.0))}\r\n\r\n"
    with upload_server(script) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(FAR_S)
        client.sendall(head.encode() + recording(180.0))
        answer = b""
        while data := client.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"one two three" in answer
    assert b"# partial: " in answer
    assert not answer.endswith(b"0\r\n\r\n")


def leave_once_heard(request: bytes) -> None:
    """Send a request, leave as soon as it has a session, and wait for its end; nothing is decoded meanwhile."""
    gate = threading.Event()
    gate.set()
    with upload_server(engine=ScriptedWindowEngine(gate=gate)) as server:
        gate.clear()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(request)
            while not server.server.sessions:
                time.sleep(0.01)
        server.wait_until_idle()
        gate.set()


def test_a_client_that_leaves_takes_its_session_with_it() -> None:
    """Also where nothing has been heard, and nothing could be sent."""
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + recording() + b"\r\n--x--\r\n"
    kind = f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(form)}"
    head = f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\n{kind}\r\n\r\n"
    leave_once_heard(head.encode() + form)


def test_a_client_that_leaves_is_noticed_although_its_recording_has_not_been_read() -> None:
    """An hour of silence is little to send, and long to hear: nobody hears it for a client that is gone."""
    body = recording(3_600.0, container="FLAC")
    head = f"PUT /v1/transcribe HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    leave_once_heard(head.encode() + body)
