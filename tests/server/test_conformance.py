"""`check_server`: our server passes, and a server that breaks a rule fails the check that is about it."""

import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile
import trio
import trio.lowlevel
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest

from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.engines.sphinx.engine import SphinxEngine
from auricle.server.app import ServerConfig, running_server
from auricle.transports.testing.conformance import CHECKS, Unreachable, Verdict, check_server, runner
from auricle.transports.testing.conformance.server_under_test import MOST_BYTES
from server import independent_server
from server.misbehaving_servers import READY, running, say, serving, websocket
from server.planted_server_faults import FAULTS, changed, plant, saying

HELLO = Path(__file__).parents[2] / "examples" / "audio" / "hello.flac"
BY_ID = {check.id: check for check in CHECKS}

TIMEOUT_S = 5.0
"""Of a check of a server with a fault: all of it goes by where nothing is answered, and a busy machine needs some."""


async def verdicts(*ids: str, timeout_s: float = 10.0) -> list[Verdict]:
    checks = [BY_ID[id] for id in ids] or CHECKS
    with trio.fail_after(120):
        async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
            return [verdict async for verdict in check_server(server.url, checks=checks, timeout_s=timeout_s)]


def test_our_server_passes_every_check() -> None:
    told = trio.run(verdicts)
    assert [(verdict.check.id, verdict.outcome, verdict.why) for verdict in told if verdict.outcome != "passed"] == []
    assert len(told) == len(CHECKS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_breaks_a_rule_fails_the_check_about_it(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(FAULTS[fault], monkeypatch)
    (verdict,) = trio.run(lambda: verdicts(FAULTS[fault].check, timeout_s=TIMEOUT_S))
    assert verdict.outcome == "failed"
    assert FAULTS[fault].words in verdict.why
    assert verdict.trace


def test_a_server_that_hears_real_words_passes_too() -> None:
    """Here finals depend on the audio: cut into other frames, or cut off in the middle, it has to come to the same."""

    async def scenario() -> list[Verdict]:
        checks = [BY_ID[id] for id in ("accounting", "chunks", "flush", "configure", "resume-again", "legacy-finals")]
        async with running_server(ServerConfig(port=0), SphinxEngine()) as server:
            return [verdict async for verdict in check_server(server.url, checks=checks, speech=_hello())]

    told = trio.run(scenario)
    assert [(verdict.check.id, verdict.why) for verdict in told if verdict.outcome != "passed"] == []


def _hello() -> bytes:
    samples, rate = soundfile.read(HELLO, dtype="int16")
    assert rate == 16_000
    return bytes(samples.tobytes())


def test_every_check_fails_somewhere() -> None:
    assert {fault.check for fault in FAULTS.values()} == set(BY_ID)


def test_a_server_that_offers_nothing_is_not_blamed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(saying("resume", "", changed("ready", resume=None)), monkeypatch)
    (verdict,) = trio.run(lambda: verdicts("resume"))
    assert (verdict.outcome, "does not offer" in verdict.why) == ("not applicable", True)


def test_a_server_written_from_the_document_alone_is_not_blamed_for_anything() -> None:
    """It leaves out all that is optional, and those checks do not apply; every other one passes."""

    async def every_verdict(port: int) -> list[Verdict]:
        return [verdict async for verdict in check_server(f"ws://127.0.0.1:{port}", timeout_s=10.0)]

    with running(serving(independent_server.serve)) as port:
        told = trio.run(every_verdict, port)
    assert [(verdict.check.id, verdict.why) for verdict in told if verdict.outcome == "failed"] == []
    optional = {verdict.check.id: verdict.why for verdict in told if verdict.outcome == "not applicable"}
    assert set(optional) == {
        "no-subprotocol", "partials", "huge-frame", "configure", "configure-once", "offset64", "resume", "resume-again",
        "resume-end", "resume-token", "resume-stranger", "superseded", "turns",
        *(check.id for check in CHECKS if check.dialect == "legacy"),
    }  # fmt: skip
    assert "subprotocol" in optional["no-subprotocol"]


async def refuses_what_is_no_start(request: WebSocketRequest) -> None:
    """Take anybody, but speak no legacy dialect."""
    connection = await request.accept()
    with suppress(ConnectionClosed):  # the runner leaves its first connection without a word
        await connection.get_message()
        await say(connection, type="error", seq=1, code="config_required", message="No.", fatal=True)
        stats = {"received": 0, "processed": 0, "committed": 0}
        await say(connection, type="closed", seq=2, reason="error", code=1002, complete=False, stats=stats)
        await connection.aclose(1002, "config_required")


def test_a_server_need_not_speak_the_legacy_dialect() -> None:
    checks = [check for check in CHECKS if check.dialect == "legacy" or check.id == "no-subprotocol"]

    async def some_verdicts(port: int) -> list[Verdict]:
        return [verdict async for verdict in check_server(f"ws://127.0.0.1:{port}", checks=checks, timeout_s=10.0)]

    with running(serving(refuses_what_is_no_start)) as port:
        told = trio.run(some_verdicts, port)
    assert {verdict.outcome for verdict in told} == {"not applicable"}


async def says_nothing(_: WebSocketConnection) -> None:
    """Not a word, and no Close frame either."""


async def says_no_json(connection: WebSocketConnection) -> None:
    await connection.send_message("{nobody")


async def says_too_much(connection: WebSocketConnection) -> None:
    await connection.send_message("[" * 100_000)


async def says_pong_for_ever(connection: WebSocketConnection) -> None:
    while True:
        await say(connection, type="pong", id="p", now=0.0)
        await trio.lowlevel.checkpoint()


async def is_ready_and_no_more(connection: WebSocketConnection) -> None:
    await say(connection, **READY)


@pytest.mark.parametrize(
    "behave", [says_nothing, says_no_json, says_too_much, says_pong_for_ever, is_ready_and_no_more]
)
def test_a_server_that_knows_nothing_fails_and_ends(behave: Callable[[WebSocketConnection], Awaitable[None]]) -> None:
    async def every_verdict(port: int) -> list[Verdict]:
        with trio.fail_after(60):
            return [verdict async for verdict in check_server(f"ws://127.0.0.1:{port}", timeout_s=0.05)]

    with running(websocket(behave)) as port:
        told = trio.run(every_verdict, port)
    passed = {verdict.check.id for verdict in told if verdict.outcome == "passed"}
    assert passed <= {"subprotocol", "no-subprotocol", "masks", "ready-first"}
    assert len(told) == len(CHECKS)


def test_a_server_that_floods_whoever_leaves_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks below the WebSocket while time runs out is no group of exceptions.

    Whether the time runs out depends on how fast this machine takes the flood; either end of it is one of ours.
    """

    monkeypatch.setattr(runner, "MIN_CONNECT_TIMEOUT_S", 0.05)

    async def behave(connection: WebSocketConnection) -> None:
        await connection.send_message("x" * 2 * MOST_BYTES)

    async def scenario(port: int) -> str:
        try:
            told = [verdict async for verdict in check_server(f"ws://127.0.0.1:{port}", timeout_s=0.05)]
        except Unreachable as error:
            return str(error)
        return "did not answer" if len(told) == len(CHECKS) else f"{len(told)} verdicts"

    with running(websocket(behave)) as port:
        assert "did not answer" in trio.run(scenario, port)


@pytest.mark.parametrize("seed", range(3))
def test_values_of_any_kind_fail_checks_and_nothing_else(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict) and value and chance.random() < 0.8:
            key = chance.choice(list(value))
            return value | {key: spoilt(value[key])}
        return chance.choice([None, [], {}, "x", "\ud800", -1, 1.5, 2**80, math.inf, True, [None, None]])

    plant(saying("", "", lambda _, message: [spoilt(message) if chance.random() < 0.3 else message]), monkeypatch)
    told = trio.run(lambda: verdicts(timeout_s=0.1))
    assert len(told) == len(CHECKS)
    assert "failed" in {verdict.outcome for verdict in told}


def test_nobody_there_is_one_sentence() -> None:
    async def scenario() -> None:
        async for _ in check_server("ws://127.0.0.1:9"):
            pass

    with pytest.raises(Unreachable, match="No WebSocket can be opened at"):
        trio.run(scenario)


def test_ids_are_unique_and_documented() -> None:
    assert len(BY_ID) == len(CHECKS)


def test_the_page_about_them_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = [f"| `{check.id}` | {check.title} | {check.source.partition(', ')[2]} |" for check in CHECKS]
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows


def test_every_section_it_names_is_there() -> None:
    protocol = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8").splitlines()
    named = {check.source.partition(", ")[2].partition(" (")[0] for check in CHECKS}
    assert named <= {line.removeprefix("## ") for line in protocol if line.startswith("## ")}
