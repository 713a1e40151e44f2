"""What the log says while a server drains, and what `/readyz` says of an engine that was not tried, fails, or hangs."""

import json
import logging
import threading
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import trio
import trio.testing

from auricle.core import Start
from auricle.engines import actor
from auricle.engines.protocol import EngineError
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.server.models import readiness
from auricle.server.sessions.draining import DrainProgress
from auricle.transports.trio import connect

PATIENCE_S = 60.0
SECOND = bytes(32_000)


def lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "drain" in record.getMessage()]


def test_a_drain_tells_how_many_sessions_are_left_and_for_how_long(caplog):
    caplog.set_level(logging.INFO)
    left = 3

    async def scenario():
        nonlocal left
        progress = DrainProgress(lambda: left, 60.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(progress.tell)
            await trio.sleep(7)
            left = 1
            await trio.sleep(7)
            left = 0
        progress.ended(cut=False)

    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
    assert lines(caplog) == [
        "draining: 3 sessions left, 60 s until the rest is cut",
        "draining: 3 sessions left, 55 s until the rest is cut",
        "draining: 1 session left, 50 s until the rest is cut",
        "drained: the last session has ended after 15.0 s",
    ]


def test_a_drain_cuts_what_is_left_at_its_deadline_and_says_so(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(actor, "STOP_GRACE_S", 0.1)
    gate = threading.Event()

    async def scenario():
        with trio.fail_after(PATIENCE_S):
            engine = Wedged(gate)
            async with running_server(ServerConfig(port=0, drain_timeout_s=0.2), engine) as server:
                await server.engine_ready()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(talk, server)
                    await trio.to_thread.run_sync(engine.wedged.wait)
                    server.drain()
                    await server.stopped()
                    gate.set()
                    nursery.cancel_scope.cancel()

    async def talk(server: SpeechServer) -> None:
        async with connect(server.url, Start(resume=False)) as client:
            await client.send_audio(SECOND * 3)
            await client.end_input()
            _ = [event async for event in client]

    class Wedged(ScriptedWindowEngine):
        def __init__(self, gate: threading.Event) -> None:
            super().__init__()
            self.opened = gate
            self.wedged = threading.Event()

        def decode(self, windows):
            if not windows[0].config.tried:
                self.wedged.set()
                self.opened.wait()
            return super().decode(windows)

    trio.run(scenario)
    told = lines(caplog)
    assert told[0].startswith("draining: 1 session left")
    assert told[-1] == "drained: after 0 s about 1 session were cut"


class Moody(ScriptedWindowEngine):
    """Fails while it is in a bad mood, and hangs while its gate is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.open = threading.Event()
        self.open.set()

    def decode(self, windows):
        self.open.wait()
        if self.fails:
            raise EngineError("It is in a bad mood.")
        return super().decode(windows)


async def readyz(server: SpeechServer) -> tuple[int, str]:
    def request() -> tuple[int, str]:
        address = server.url.replace("ws://", "http://").replace("/ws/transcribe", "/readyz")
        try:
            with urlopen(address, timeout=PATIENCE_S) as response:
                return response.status, json.load(response)["detail"]
        except HTTPError as error:
            return error.code, json.load(error)["detail"]

    return await trio.to_thread.run_sync(request)


async def until(server: SpeechServer, status: int, words: str) -> None:
    """Wait until the server says so: on a busy machine it may say something else before."""
    while True:
        told, detail = await readyz(server)
        if told == status and words in detail:
            return
        await trio.sleep(0.01)


@pytest.fixture
def quick_tries(monkeypatch):
    """Try an engine every now and then, in tenths of seconds."""
    monkeypatch.setattr(readiness, "IDLE_S", 0.1)
    monkeypatch.setattr(readiness, "RETRY_S", 0.05)
    monkeypatch.setattr(readiness, "PATIENCE_S", 0.2)


@pytest.mark.usefixtures("quick_tries")
def test_ready_means_that_something_was_decoded_lately():
    async def scenario():
        engine = Moody()
        engine.open.clear()
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), engine) as server:
                while server.overview.ready()[1] == "The engine is not ready yet: Starting.":  # noqa: ASYNC110
                    await trio.sleep(0.01)
                assert (await readyz(server))[0] == 503, "it is loaded, and nothing was decoded"
                engine.open.set()
                await until(server, 200, "scripted counting answers.")
                engine.fails = True
                await until(server, 503, "The engine failed when it was tried: It is in a bad mood.")
                engine.fails = False
                await until(server, 200, "answers")
                engine.open.clear()
                await until(server, 503, "The engine has decoded nothing for")
                engine.open.set()
                await until(server, 200, "answers")

    trio.run(scenario)
