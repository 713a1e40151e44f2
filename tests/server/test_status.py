"""``/status`` of a server that works: what it tells agrees with what its sessions do."""

import json
from urllib.request import urlopen

import trio

from auricle.core import Final, Start
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.server.app import ServerConfig, running_server
from auricle.transports.trio import connect

SECONDS = 4
PATIENCE_S = 60.0


async def status_of(url: str) -> dict[str, object]:
    address = url.replace("ws://", "http://").replace("/ws/transcribe", "/status")

    def read() -> dict[str, object]:
        with urlopen(address, timeout=PATIENCE_S) as response:
            return dict(json.load(response))

    return await trio.to_thread.run_sync(read)


def test_status_tells_of_the_engine_the_sessions_the_load_and_the_decodes() -> None:
    async def scenario() -> None:
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0, max_sessions=3), ScriptedWindowEngine()) as server:
                await server.engine_ready()
                before = await status_of(server.url)
                async with connect(server.url, Start()) as client:
                    await client.send_audio(bytes(32_000 * SECONDS))
                    async for event in client:
                        if isinstance(event, Final):
                            break
                    during = await status_of(server.url)
                    await client.end_input()
        assert before["status"] == "ready"
        assert before["sessions"] == {"open": 0, "detached": 0, "limit": 3, "list": []}
        assert before["decodes"] is None
        assert isinstance(before["load"], dict)
        assert before["load"]["admits"] is True
        sessions = during["sessions"]
        assert isinstance(sessions, dict)
        (session,) = sessions["list"]
        assert (session["state"], session["attached"], session["received_s"]) == ("streaming", True, SECONDS)
        assert session["segments"] == 1
        decodes = during["decodes"]
        assert isinstance(decodes, dict)
        assert 1 <= decodes["latest"] <= decodes["calls"]
        assert decodes["median_s"] <= decodes["slowest_tenth_s"] <= decodes["slowest_s"]

    trio.run(scenario)


def test_status_keeps_the_names_of_sessions_to_itself() -> None:
    async def scenario() -> None:
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedWindowEngine()) as server:
                await server.engine_ready()
                async with connect(server.url, Start()) as client:
                    told = json.dumps(await status_of(server.url))
                    assert client.ready.session not in told

    trio.run(scenario)
