"""AURICLE_TRACE: both clients and the server write their sessions down, and no disk can break a session."""

import errno
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio.testing

from auricle.core import PROTOCOL, Final, ServerInfo, SessionClosed, Started
from auricle.core.trace import Replay, replay
from auricle.transports import tracing
from auricle.transports.testing.driver_harness import read_all
from auricle.transports.testing.scripted_wire import Peer, ScriptedWire
from auricle.transports.trio.server import serve_wire
from transports.drivers import CLIENTS, DRIVERS

API_KEY = "key-0123456789"
SECOND = bytes(range(250)) * 128
TRIO, _ = DRIVERS["trio"]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AURICLE_TRACE", str(tmp_path / "of" / "sessions"))
    monkeypatch.delenv("AURICLE_TRACE_AUDIO", raising=False)
    return tmp_path / "of" / "sessions"


def converse(backend: str, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> list[Any]:
    """One session through the real `connect`, over a wire of queues: a second of audio, one final."""

    loop, _ = DRIVERS[backend]

    async def scenario() -> list[Any]:
        wire = ScriptedWire(loop, PROTOCOL, pytest.fail)
        peer = Peer(wire)

        @asynccontextmanager
        async def open_wire(*_: object) -> AsyncIterator[ScriptedWire]:
            yield wire

        monkeypatch.setattr(CLIENTS[backend], "open_websocket", open_wire)
        peer.ready()
        async with CLIENTS[backend].connect("ws://there", api_key=API_KEY, **arguments) as client:
            await client.send_audio(SECOND)
            await client.end_input()
            await peer.wait_for_message("end_input")
            peer.send_message("warning", code="odd", message=f"what a key {API_KEY} is")
            peer.final("words", 0, 0, 16_000)
            peer.input_ended(16_000)
            peer.complete(16_000, segments=1)
            peer.hang_up()
            return await read_all(client)

    events: list[Any] = loop.run(scenario)
    assert isinstance(events[-1], SessionClosed)
    assert events[-1].complete, "whatever becomes of the trace"
    assert [event.text for event in events if isinstance(event, Final)] == ["words"]
    return events


def only(directory: Path) -> Path:
    (path,) = directory.iterdir()
    return path


def replayed(path: Path) -> Replay:
    result = replay(path.read_text(encoding="utf-8"))
    assert not result.divergences
    assert not result.truncated
    return result


@pytest.mark.parametrize("backend", CLIENTS)
def test_a_client_writes_its_session_down(backend: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converse(backend, monkeypatch)
    path = only(directory)
    assert path.name.startswith("client-2")
    assert path.name.endswith(".jsonl")
    assert path.stat().st_mode & 0o777 == 0o600, "it holds what was said"
    result = replayed(path)
    assert [call.verb for call in result.calls][:2] == ["connect", "transport_opened"]
    assert "transport_lost" in [call.verb for call in result.calls], "also what happens after the end"
    assert set(result.header.about) == {"auricle", "started"}
    text = path.read_text(encoding="utf-8")
    assert API_KEY not in text
    assert "what a key redacted-1.... is" in text
    assert '{"$bytes":32000}' in text
    assert '"hex"' not in text


@pytest.mark.parametrize("backend", CLIENTS)
def test_audio_is_written_down_on_request(backend: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_TRACE_AUDIO", "1")
    converse(backend, monkeypatch)
    replayed(only(directory))
    assert SECOND.hex() in only(directory).read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", CLIENTS)
def test_secrets_in_headers_are_known_too(backend: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converse(backend, monkeypatch, headers=[("X-Tenant-Token", "odd"), ("Accept-Language", "words")])
    text = only(directory).read_text(encoding="utf-8")
    assert '"odd"' not in text
    assert '"words"' in text
    replayed(only(directory))


@pytest.mark.parametrize("backend", CLIENTS)
def test_no_variable_no_file(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("AURICLE_TRACE", raising=False)
        else:
            monkeypatch.setenv("AURICLE_TRACE", value)
        converse(backend, monkeypatch)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("backend", CLIENTS)
def test_sessions_do_not_share_a_file(backend: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        converse(backend, monkeypatch)
    assert len(list(directory.iterdir())) == 3
    for path in directory.iterdir():
        replayed(path)


def test_a_server_writes_its_sessions_down(directory: Path) -> None:
    async def scenario() -> None:
        wire = ScriptedWire(TRIO, PROTOCOL, pytest.fail)
        wire.incoming.extend([json.dumps({"type": "start"}), SECOND, json.dumps({"type": "cancel"})])
        async with serve_wire(wire) as connection:
            async for event in connection:
                match event:
                    case Started():
                        await connection.do(
                            lambda now: connection.session.accept("a-session", ServerInfo(name="x"), now=now)
                        )
                    case SessionClosed():
                        Peer(wire).hang_up()

    TRIO.run(scenario)
    path = only(directory)
    assert path.name.startswith("server-2")
    assert "a-session" in path.read_text(encoding="utf-8")
    assert "accept" in [call.verb for call in replayed(path).calls]


# ---------------------------------------------------------------------------- disks


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_directory_that_cannot_be_made_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AURICLE_TRACE", str(tmp_path / "file" / "traces"))
    converse("trio", monkeypatch)
    (warning,) = warnings(caplog)
    assert "cannot be written" in warning
    assert "goes on without" in warning


def test_a_full_disk_is_one_warning_and_what_there_is_still_replays(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = 4_000
    write = os.write

    def full(handle: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(handle, data[:room])
        room -= written
        return written

    monkeypatch.setattr(tracing.os, "write", full)
    converse("trio", monkeypatch)
    assert len(warnings(caplog)) == 1
    result = replay(only(directory).read_text(encoding="utf-8"))
    assert result.truncated
    assert result.calls
    assert not result.divergences


def test_a_line_that_went_only_in_part_is_the_last(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write, lines = os.write, count()
    monkeypatch.setattr(
        tracing.os, "write", lambda handle, data: write(handle, data[:50] if next(lines) == 3 else data)
    )
    converse("trio", monkeypatch)
    assert len(warnings(caplog)) == 1
    result = replay(only(directory).read_text(encoding="utf-8"))
    assert result.truncated
    assert len(result.calls) == 2


def test_a_file_that_is_taken_away_is_one_warning(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def taken(handle: int, data: bytes) -> int:
        for path in directory.iterdir():
            path.unlink()
        return len(data)

    monkeypatch.setattr(tracing.os, "write", taken)
    converse("trio", monkeypatch)
    assert len(warnings(caplog)) == 1
    assert not list(directory.iterdir()), "a file without its beginning would be of no use"


def test_a_crash_loses_nothing_that_was_written(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line is with the operating system before the session does what it says."""
    seen: list[int] = []

    async def scenario() -> None:
        wire = ScriptedWire(TRIO, PROTOCOL, pytest.fail)
        async with serve_wire(wire):
            wire.incoming.append(json.dumps({"type": "start"}))
            wire.change()
            await trio.testing.wait_all_tasks_blocked()
            seen.append(len(replayed(only(directory)).calls))
            wire.incoming.append("{}")
            wire.change()
            await trio.testing.wait_all_tasks_blocked()
            seen.append(len(replayed(only(directory)).calls))
            Peer(wire).hang_up()

    TRIO.run(scenario)
    assert seen == [1, 3], "the second one is wrong, and after the answer to it everything has left"
