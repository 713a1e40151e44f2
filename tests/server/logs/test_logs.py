"""The form of the log, what it leaves out, and the line that a session leaves in it."""

import io
import json
import logging
import re
from typing import Any

import pytest
import structlog
import trio

from auricle.core import Accounting, ServerSession, SessionClosed, Start
from auricle.core.parts import Product
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, running_server
from auricle.server.logs.redaction import REDACTED, without_secrets
from auricle.server.logs.setup import configure_logging, set_level
from auricle.server.metrics.registry import ServerMetrics
from auricle.server.metrics.session_metrics import SessionMetrics
from auricle.server.sessions.caller import Caller
from auricle.server.sessions.session_log import log_session_end
from auricle.transports.trio import ConnectFailed

KEY = "ak_0123456789ab.0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE"
CANARY = "marmalade skies"
ours = logging.getLogger("auricle.server.anything")
theirs = logging.getLogger("somebody.elses.library")


@pytest.fixture
def log() -> io.StringIO:
    """Where the log goes."""
    return io.StringIO()


def records(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_record_is_an_object_whoever_writes_it(log: io.StringIO) -> None:
    configure_logging("info", "json", log)
    ours.info("session ended", extra={"session": "abc", "words": 5})
    theirs.warning("a library %s", "warns")
    first, second = records(log)
    assert list(first)[:4] == list(second)[:4] == ["time", "level", "logger", "message"]
    assert (first["level"], first["message"], first["session"], first["words"]) == ("info", "session ended", "abc", 5)
    assert (second["level"], second["logger"], second["message"]) == ("warning", theirs.name, "a library warns")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["time"])


def test_lines_are_for_people_and_no_client_can_break_them(log: io.StringIO) -> None:
    configure_logging("info", "text", log)
    ours.info("session ended", extra={"reference": "a\x1b[2Jb\nlevel=error", "tags": ["\x1b]0;x"]})
    (line,) = log.getvalue().splitlines()
    assert "session ended" in line
    assert "\x1b" not in line
    assert line.startswith("20")


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("debug", ["debug", "info", "warning", "error", "their info", "their warning"]),
        ("info", ["info", "warning", "error", "their warning"]),
        ("warning", ["warning", "error", "their warning"]),
        ("error", ["error"]),
    ],
)
def test_levels_and_that_they_can_be_changed(log: io.StringIO, level: str, told: list[str]) -> None:
    for first in ("error", "debug"):
        configure_logging(first, "json", log)
        set_level(level)
    log.truncate(0)
    log.seek(0)
    for each in ("debug", "info", "warning", "error"):
        ours.log(logging.getLevelName(each.upper()), each)
    theirs.debug("their debug")
    theirs.info("their info")
    theirs.warning("their warning")
    assert [record["message"] for record in records(log)] == told


def test_what_was_said_and_secrets_are_dropped_by_their_names(log: io.StringIO) -> None:
    configure_logging("debug", "json", log)
    fields = {
        "text": CANARY, "words": [CANARY], "audio": b"pcm", "token": KEY, "Authorization": f"Bearer {KEY}",
        "api_key": KEY, "inner": {"prompt": CANARY, "resume_token": KEY, "kept": 1}, "blob": b"12345", "count": 7,
    }  # fmt: skip
    ours.info("something", extra=fields)
    (record,) = records(log)
    assert record["inner"] == {"kept": 1}
    assert (record["blob"], record["count"]) == ("5 bytes", 7)
    assert record.keys() == {"time", "level", "logger", "message", "inner", "blob", "count"}


@pytest.mark.parametrize(
    "text",
    [
        f"the key {KEY} is wrong",
        f"Authorization: Bearer {KEY}",
        "authorization: token 0123456789abcdef",
        f"st_eyJrIjoxfQabc.{'x' * 43}",
        "realtime, openai-insecure-api-key.sk-proj-12345",
    ],
)
def test_keys_are_taken_out_of_any_text(log: io.StringIO, text: str) -> None:
    assert REDACTED in without_secrets(text)
    configure_logging("info", "json", log)
    ours.warning("refused: %s", text, extra={"why": text})
    try:
        raise ValueError(text)
    except ValueError:
        ours.exception("it failed")
    assert REDACTED in log.getvalue()
    for secret in ("0123456789ab.", "0123456789abcdef", "xxxxxx", "sk-proj"):
        assert secret not in log.getvalue()


@pytest.mark.parametrize("text", ["the token is missing", "3.5 samples", "st_1.2", "no bearer at all", ""])
def test_other_texts_stay(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_has_no_values_of_variables(log: io.StringIO, form: str) -> None:
    configure_logging("info", form, log)
    try:
        heard = CANARY
        raise ValueError(len(heard))
    except ValueError:
        ours.exception("it failed")
    assert "ValueError: 15" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_what_is_bound_to_a_task_is_in_its_records(log: io.StringIO) -> None:
    configure_logging("info", "json", log)
    with structlog.contextvars.bound_contextvars(session="abc"):
        ours.info("inside")
    ours.info("outside")
    assert [record.get("session") for record in records(log)] == ["abc", None]


# ---------------------------------------------------------------------------- sessions


async def talk(config: Start, *, max_sessions: int = 5) -> str:
    """Hold one session, and return the id that its client was told."""
    async with running_server(ServerConfig(port=0, max_sessions=max_sessions), ScriptedEngine(COUNTING)) as server:
        async with server.open_session(config, Caller("192.0.2.7:50000")) as client:
            await client.send_audio(bytes(32_000 * 6))
            if max_sessions == 1:
                with pytest.raises(ConnectFailed):
                    async with server.open_session(config, Caller("192.0.2.8:50000")):
                        pass
            await client.end_input()
            async for _ in client:
                pass
        assert client.ready.session is not None
        return client.ready.session


def test_a_session_leaves_one_line(log: io.StringIO) -> None:
    configure_logging("info", "json", log)
    who = Product(name="cli", version="1.2", reference="call-7", tags=("a", "b"))
    session_id = trio.run(talk, Start(client=who))
    (record,) = records(log)
    assert record["message"] == "session ended"
    assert (record["session"], record["dialect"], record["peer"]) == (session_id, "auricle.v1", "192.0.2.7:50000")
    assert (record["client"], record["reference"], record["tags"]) == ("cli 1.2", "call-7", ["a", "b"])
    assert (record["audio_s"], record["words"], record["complete"]) == (6.0, 10, True)
    assert record["finals"] >= 1
    assert 0 <= record["final_delay_p95_s"] < 60
    assert record["reason"] == "completed"
    assert "error" not in record


@pytest.mark.parametrize(("finals", "p95"), [(0, None), (1, 0.0), (20, 18.0), (100, 94.0), (300, 289.0)])
def test_the_delay_that_all_but_a_twentieth_of_the_finals_came_within(finals: int, p95: float | None) -> None:
    async def measure() -> float | None:
        measured = SessionMetrics(ServerMetrics(), ServerSession(None, now=0.0), in_process=False)
        measured._delays.extend(map(float, range(finals)))  # of 300, the latest 200
        return measured.p95_delay_s

    assert trio.run(measure) == p95


def test_a_refused_session_is_a_warning(log: io.StringIO) -> None:
    configure_logging("warning", "json", log)

    async def two() -> None:
        await talk(Start(), max_sessions=1)

    trio.run(two)
    (record,) = records(log)
    assert (record["level"], record["message"], record["error"]) == ("warning", "session refused", "capacity")
    assert "this server has 1 sessions already" in record["why"]


@pytest.mark.parametrize(
    ("error", "message"), [("shutdown", "session handed on"), ("session_gone", "session not here")]
)
def test_a_planned_stop_is_no_warning(log: io.StringIO, error: str, message: str) -> None:
    configure_logging("info", "json", log)
    session = ServerSession(None, now=0.0)
    counts = dict.fromkeys(
        ("offered", "sent", "received", "processed", "committed", "non_speech", "dropped", "late", "segments", "words"),
        0,
    )
    closed = SessionClosed(
        reason="error", code=1012, message="It is said.", complete=False, retriable=True, error=error,
        accounting=Accounting(**counts),
    )  # fmt: skip
    log_session_end("n1.abc", session, closed, peer="192.0.2.7:50000")
    (record,) = records(log)
    assert (record["level"], record["message"], record["error"]) == ("info", message, error)
