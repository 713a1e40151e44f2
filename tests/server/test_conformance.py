"""`check_server`: our server passes, and a server that breaks a rule fails the check that is about it."""

from pathlib import Path

import pytest
import trio

from auricle.engines.script import COUNTING
from auricle.engines.scripted import ScriptedEngine
from auricle.server.app import ServerConfig, running_server
from auricle.transports.testing.conformance import CHECKS, Unreachable, Verdict, check_server
from server.liars import FAULTS, changed, plant, saying

BY_ID = {check.id: check for check in CHECKS}


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
    (verdict,) = trio.run(lambda: verdicts(FAULTS[fault].check, timeout_s=1.0))
    assert verdict.outcome == "failed"
    assert FAULTS[fault].words in verdict.why
    assert verdict.trace


def test_every_check_fails_somewhere() -> None:
    assert {fault.check for fault in FAULTS.values()} == set(BY_ID)


def test_a_server_that_offers_nothing_is_not_blamed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(saying("resume", "", changed("ready", resume=None)), monkeypatch)
    (verdict,) = trio.run(lambda: verdicts("resume"))
    assert (verdict.outcome, "does not offer" in verdict.why) == ("not applicable", True)


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
