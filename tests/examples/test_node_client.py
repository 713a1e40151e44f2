"""The client for Node.js, which knows nothing but the specification, against our server and a lying one."""

import re
import subprocess
import wave
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from server import misbehaving_servers as rude
from server.cutting_proxy import CuttingProxy, plan, serving
from server.misbehaving_servers import running
from server.node_runs import PATIENCE_S, Finished, conduct, node, run_across_a_kill, run_client
from server.processes import server_process

CLIENT = Path(__file__).parents[2] / "examples" / "node_client.mjs"
RATE = 16_000
SECONDS = 20


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twenty seconds for an engine that does not listen, as stereo: a sample frame has four bytes."""
    path = tmp_path / "recording.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(4 * RATE * SECONDS))
    return path


async def transcribe(recording: Path, port: int) -> Finished:
    return await run_client(CLIENT, recording, port)


async def uncut(recording: Path) -> list[str]:
    async with server_process() as (_, port):
        finished = await transcribe(recording, port)
    assert (finished.returncode, finished.stderr) == (0, b"")
    return finished.stdout.decode().splitlines()


def test_it_prints_every_final_and_says_complete_when_the_accounts_agree(recording: Path) -> None:
    printed = conduct(lambda: uncut(recording))
    assert printed[:2] == ["one two three four five", "six seven eight nine ten"]
    assert printed[-1] == f"Complete: {SECONDS * RATE} samples, {len(printed) - 1} finals."


@pytest.mark.parametrize("seed", range(3))
def test_a_connection_that_is_cut_makes_no_difference(recording: Path, seed: int) -> None:
    cuts = plan(Random(seed), first_up=2 * RATE, audio_bytes=4 * RATE * SECONDS)

    async def scenario() -> tuple[list[str], Finished]:
        async with server_process() as (_, port), trio.open_nursery() as nursery:
            proxy = CuttingProxy(port, cuts)
            (proxied,) = await nursery.start(lambda *, task_status: serving([proxy])(task_status=task_status))
            finished = await transcribe(recording, proxied)
            nursery.cancel_scope.cancel()
        assert len(proxy.made) == len(cuts)
        return await uncut(recording), finished

    expected, finished = conduct(scenario)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.decode().splitlines() == expected


def test_a_server_that_is_killed_and_comes_back_gets_the_rest(recording: Path) -> None:
    finished = conduct(lambda: run_across_a_kill(CLIENT, recording))
    assert finished.returncode == 0, finished.stderr
    printed = finished.stdout.decode().splitlines()
    assert re.search(r"going on from sample [1-9]\d*", finished.stderr.decode())
    assert printed[0] == "one two three four five"
    assert printed[-1] == f"Complete: {SECONDS * RATE} samples, {len(printed) - 1} finals."


@pytest.mark.parametrize(
    "lie",
    [
        {"segments": 2},
        {"committed": SECONDS * RATE - 1},
        {"received": SECONDS * RATE + 1},
        {"processed": 0},
        {"dropped": 1},
        {"non_speech": 1},
    ],
)
def test_a_server_that_claims_too_much_is_not_believed(recording: Path, lie: dict[str, int]) -> None:
    samples = SECONDS * RATE
    true = {"received": samples, "processed": samples, "committed": samples, "segments": 1, "non_speech": 0}

    async def claim(connection: Any) -> None:
        await rude.hear(connection, "start")
        await rude.say(connection, **{**rude.READY, "credit": samples})
        await rude.hear(connection, "end_input")
        await rude.say_final(connection, 2, samples)
        await rude.say(
            connection, type="closed", seq=3, reason="completed", code=1000, complete=True, stats={**true, **lie}
        )
        await connection.aclose(1000, "completed")

    with running(rude.websocket(claim)) as port:
        finished = conduct(lambda: transcribe(recording, port))
    assert finished.returncode == 1
    assert b"Incomplete (completed)" in finished.stderr
    assert b"Complete" not in finished.stdout


def test_it_keeps_to_the_credit_and_says_the_end_again_where_nobody_confirmed_it(recording: Path) -> None:
    samples, step = SECONDS * RATE, 3 * RATE + 1
    connections: list[dict[str, Any]] = []

    async def be_stingy(connection: Any) -> None:
        if connections:
            connections.append(await rude.hear(connection, "resume"))
            await rude.say(
                connection, type="resumed", session="s", next=samples, state="streaming", credit=samples, token="t2"
            )
            assert (await rude.hear(connection, "end_input"))["total"] == samples
            await rude.say(connection, type="input_ended", seq=2, received=samples, by="client")
            await rude.say_final(connection, 3, samples)
            await rude.say_closed(connection, 4, samples, segments=1)
            await connection.aclose(1000, "completed")
            return
        connections.append(await rude.hear(connection, "start"))
        credit = step
        offer = {"token": "t1", "window_ms": 30_000}
        await rude.say(connection, **{**rude.READY, "credit": credit, "resume": offer})
        received = 0
        while received < samples:
            received += len(await connection.get_message()) // 4
            assert received <= credit
            if received == credit:
                credit = min(credit + step, samples)
                ack = {"received": received, "processed": received, "committed": 0, "discard_before": received}
                await rude.say(connection, type="ack", credit=credit, **ack)
        rude.reset(connection)

    with running(rude.websocket(be_stingy)) as port:
        finished = conduct(lambda: transcribe(recording, port))
    assert finished.returncode == 0, finished.stderr
    assert connections[1] == {"type": "resume", "session": "s", "token": "t1", "seen": 1, "sent": samples, "attempt": 1}


def test_it_says_no_more_audio_once_the_server_has_ended_the_input(recording: Path) -> None:
    samples = SECONDS * RATE
    late: list[Any] = []

    async def shut_down(connection: Any) -> None:
        await rude.hear(connection, "start")
        await rude.say(connection, **{**rude.READY, "credit": RATE})
        received = 0
        while received < RATE:
            received += len(await connection.get_message()) // 4
        await rude.say(connection, type="input_ended", seq=2, received=RATE, by="server", code="shutdown")
        told = {"received": RATE, "processed": RATE, "committed": 0}
        await rude.say(connection, type="ack", credit=samples, discard_before=RATE, **told)
        async with trio.open_nursery() as nursery:

            async def collect() -> None:
                while True:
                    late.append(await connection.get_message())

            nursery.start_soon(collect)
            await connection.ping()  # its pong comes behind whatever the ack led to
            nursery.cancel_scope.cancel()
        stats = {"received": RATE, "processed": RATE, "committed": RATE, "non_speech": RATE}
        await rude.say(connection, type="closed", seq=3, reason="shutdown", code=1012, complete=False, stats=stats)
        await connection.aclose(1012, "shutdown")

    with running(rude.websocket(shut_down)) as port:
        finished = conduct(lambda: transcribe(recording, port))
    assert finished.returncode == 1
    assert b"Incomplete (shutdown): 16000 of 320000" in finished.stderr
    assert late == []


def test_no_audio_at_all_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
    printed = conduct(lambda: uncut(path))
    assert printed == ["Complete: 0 samples, 0 finals."]


def test_a_connection_that_just_ends_is_no_success(recording: Path) -> None:
    samples = SECONDS * RATE

    async def leave(connection: Any) -> None:
        await rude.hear(connection, "start")
        await rude.say(connection, **{**rude.READY, "credit": samples})
        await rude.hear(connection, "end_input")
        await rude.say_final(connection, 2, samples)
        await connection.aclose(1000, "completed")

    with running(rude.websocket(leave)) as port:
        finished = conduct(lambda: transcribe(recording, port))
    assert finished.returncode == 1
    assert b"Connection lost (1000" in finished.stderr


def test_what_cannot_begin_is_one_sentence(tmp_path: Path) -> None:
    no_audio = tmp_path / "letter.wav"
    no_audio.write_text("Dear sir")
    command = [*node(), str(CLIENT)]
    cases = [
        (command, b"Usage: "),
        ([*command, str(tmp_path / "missing.wav")], b"cannot be read: "),
        ([*command, str(no_audio)], b"it is not a WAV file"),
    ]
    for case, sentence in cases:
        finished = subprocess.run(case, capture_output=True, timeout=PATIENCE_S)
        assert finished.returncode == 2
        assert sentence in finished.stderr
        assert len(finished.stderr.splitlines()) == 1
