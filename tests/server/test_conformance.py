"""`check_server`: our server passes, and a server that breaks a rule fails the check that is about it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from auricle.engines.script import COUNTING
from auricle.engines.scripted import ScriptedEngine
from auricle.server import app
from auricle.server.app import ServerConfig, running_server
from auricle.transports.testing.conformance import CHECKS, Unreachable, Verdict, check_server
from auricle.transports.trio.websocket import WebSocketWire

BY_ID = {check.id: check for check in CHECKS}
Message = dict[str, Any]
Tamper = Callable[["Liar", Message], list[Message]]


class Liar(WebSocketWire):
    """Our server's wire, with a fault between what it means and what it says."""

    tamper: Tamper

    async def send(self, frame: str | bytes) -> None:
        assert isinstance(frame, str)
        for message in type(self).tamper(self, json.loads(frame)):
            await super().send(json.dumps(message))


async def never(*_: object) -> None:
    await trio.sleep_forever()


async def verdicts(*ids: str, timeout_s: float = 10.0) -> list[Verdict]:
    checks = [BY_ID[id] for id in ids] or CHECKS
    with trio.fail_after(120):
        async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
            return [verdict async for verdict in check_server(server.url, checks=checks, timeout_s=timeout_s)]


def test_our_server_passes_every_check() -> None:
    told = trio.run(verdicts)
    assert [(verdict.check.id, verdict.outcome, verdict.why) for verdict in told if verdict.outcome != "passed"] == []
    assert len(told) == len(CHECKS)


def changed(type_: str, **fields: Any) -> Tamper:
    """Change fields of every message of one type."""
    return lambda _, message: [message | fields if message["type"] == type_ else message]


def without(type_: str) -> Tamper:
    """Leave messages of one type out."""
    return lambda _, message: [] if message["type"] == type_ else [message]


def twice(type_: str) -> Tamper:
    """Say messages of one type twice."""
    return lambda _, message: [message, message] if message["type"] == type_ else [message]


def lossy_stats(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "closed" and message["reason"] == "completed":
        message["stats"]["committed"] = max(0, message["stats"]["committed"] - 1)
    return [message]


def late_partial(wire: Liar, message: Message) -> list[Message]:
    if message["type"] == "partial":
        wire.last = message  # type: ignore[attr-defined]
    if message["type"] == "final" and hasattr(wire, "last"):
        return [message, wire.last]
    return [message]


def early_answer(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "flushed" and message["upto"]:
        message["upto"] -= 1
    return [message]


def bold_ack(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "ack":
        message["received"] += 1_000_000
        message["credit"] += 1_000_000
    return [message]


def guess(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "resumed":
        message["next"] = max(0, message["next"] - 100)
    return [message]


def kinder_close(_: Liar, message: Message) -> list[Message]:
    return [message | {"code": 1000}] if message["type"] == "closed" else [message]


def overlapping(_: Liar, message: Message) -> list[Message]:
    if message["type"] == "final" and message.get("segment") and "audio" in message:
        message["audio"][0] -= 1
    return [message]


FAULTS: dict[str, tuple[Tamper, str, str]] = {
    "a seq is left out": (without("speech_start"), "accounting", "O1"),
    "closed never comes": (without("closed"), "accounting", "O2"),
    "closed comes twice": (twice("closed"), "no-audio", "O2"),
    "the close code is another one": (kinder_close, "start-first", "1000"),
    "complete without being so": (lossy_stats, "accounting", "committed"),
    "a partial after its final": (late_partial, "accounting", "O5"),
    "finals that overlap": (overlapping, "accounting", "O3"),
    "a flush answered before its position": (early_answer, "flush", "O6"),
    "an ack of what was never sent": (bold_ack, "credit-granted", "O12"),
    "a confidence that is none": (changed("final", confidence=2), "accounting", "confidence"),
    "a pong without the id": (changed("pong", id="other"), "ping", "pong"),
    "the wrong error": (changed("error", code="internal"), "json", "bad_message"),
    "two ends of input": (twice("input_ended"), "end-once", "input_ended"),
    "a change answered somewhere": (changed("configured", **{"from": 1}), "configure", "O7"),
    "a resume from a guess": (guess, "resume", "O8"),
    "an old client told too much": (changed("ready", seq=1), "legacy-ready", "two keys"),
    "an old client told a log-probability": (changed("final", confidence=-0.4), "legacy-finals", "probability"),
    "an old client never closed": (lambda _, message: [message], "legacy-end", "nothing more came"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_breaks_a_rule_fails_the_check_about_it(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tamper, id, words = FAULTS[fault]
    monkeypatch.setattr(Liar, "tamper", tamper, raising=False)
    monkeypatch.setattr(app, "WebSocketWire", Liar)
    if id == "legacy-end":
        monkeypatch.setattr(Liar, "close", never)
    (verdict,) = trio.run(lambda: verdicts(id, timeout_s=1.5))
    assert verdict.outcome == "failed"
    assert words in verdict.why
    assert verdict.trace


def test_a_server_that_offers_nothing_is_not_blamed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "tamper", changed("ready", resume=None), raising=False)
    monkeypatch.setattr(app, "WebSocketWire", Liar)
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
