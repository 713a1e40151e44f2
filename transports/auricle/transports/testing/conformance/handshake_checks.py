"""Checks of the opening of a session: negotiation, the first message, ``start``. Source: notes §3.1, §3.3, §3.5."""

from typing import Any

from auricle.core import PROTOCOL, Features, Start
from auricle.core.messages import Resume
from auricle.core.parts import AudioFormat
from auricle.transports.testing.conformance.failures import Failed, NotApplicable, require
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.testing.conformance.server_under_test import ServerUnderTest

START: dict[str, Any] = {"type": "start", "audio": {"encoding": "pcm_s16le", "sample_rate": 16_000}}


async def refused(client: ProbeClient, code: str, close_code: int) -> dict[str, Any]:
    """Require a refusal: a fatal error with this code, and ``closed`` with the close code; return the error."""
    closed = await client.receive_until_closed()
    errors = [error for error in client.messages("error") if error.get("fatal")]
    require(errors, f"O10: a fatal error {code} has to come before closed")
    require(errors[-1].get("code") == code, f"the error has to be {code}, not {errors[-1].get('code')}")
    require(closed.get("code") == close_code, f"the close code has to be {close_code}, not {closed.get('code')}")
    require(closed.get("complete") is False, "O10: a session that failed is not complete")
    return errors[-1]


async def selects_the_subprotocol(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        require(
            client.subprotocol == PROTOCOL, f"{PROTOCOL} was offered and has to be selected, not {client.subprotocol}"
        )


async def serves_without_a_subprotocol(server: ServerUnderTest) -> None:
    async with server.connect_bare() as client:
        require(not client.subprotocol, f"nothing was offered, so nothing may be selected: {client.subprotocol}")
        await client.send_raw(START)
        ready = await client.receive_until("ready", "error")
        if ready.get("code") == "config_required":
            raise NotApplicable(f"the server insists on the subprotocol {PROTOCOL}")
        require(
            ready.get("seq") == 1 and ready["type"] == "ready",
            "a first message with a type is this protocol, whatever was offered",
        )


async def says_ready_first(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        durable = [message for message in client.received if "seq" in message]
        require([message["type"] for message in durable] == ["ready"], "O1: ready is the first durable message")
        require(durable[0]["seq"] == 1, f"O1: seq begins at 1, not {durable[0]['seq']}")
        told = durable[0].get("protocol", PROTOCOL)
        require(told == PROTOCOL, f"ready.protocol, where it is said, has to be {PROTOCOL}, not {told}")
        require(durable[0].get("credit", 0) > 0, "ready.credit has to allow some audio")


async def wants_start_first(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_raw({"type": "flush", "id": "f1"})
        await refused(client, "config_required", 1002)


async def wants_start_before_audio(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_bytes(bytes(640))
        await refused(client, "config_required", 1002)


async def takes_one_start(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw(START)
        await refused(client, "already_started", 1002)


async def wants_json(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_raw("{nobody")
        await refused(client, "bad_message", 1007)


async def wants_a_type(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw("[]")
        await refused(client, "bad_message", 1007)


async def names_a_wrong_field(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_raw({"type": "start", "audio": {"sample_rate": "fast"}})
        error = await refused(client, "invalid_config", 4400)
        require(
            error.get("param") == "/audio/sample_rate", f"param has to point to the field, not {error.get('param')}"
        )


async def refuses_an_unknown_encoding(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_raw({"type": "start", "audio": {"encoding": "tape", "sample_rate": 16_000}})
        await refused(client, "unsupported_encoding", 4400)


async def refuses_what_it_cannot_do(server: ServerUnderTest) -> None:
    async with server.connect(Start(require=("telepathy",))) as client:
        client.judged = False
        await client.open()
        await refused(client, "unsupported_feature", 4400)


async def lists_what_it_ignores(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_raw({**START, "mood": "sunny"})
        ready = await client.receive_until("ready")
        require("/mood" in ready.get("ignored", ()), "an unknown field is ignored and listed in ready.ignored")


async def warns_once_of_an_unknown_type(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw({"type": "sing"})
        await client.send_raw({"type": "sing"})
        await client.send_raw({"type": "ping", "id": "p"})
        await client.receive_until("pong")
        codes = [warning.get("code") for warning in client.messages("warning")]
        require(codes == ["unknown_type"], f"an unknown type is told once as unknown_type, not as {codes}")


async def answers_pings(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw({"type": "ping", "id": "p1", "t": 4.25})
        pong = await client.receive_until("pong")
        require((pong.get("id"), pong.get("t")) == ("p1", 4.25), "pong gives id and t back")


async def keeps_features_off(server: ServerUnderTest) -> None:
    features = Features(partials=False, speech_events=False)
    async with server.connect_ready(Start(features=features)) as client:
        await client.audio(server.speech)
        await client.end()
        await client.receive_until_closed()
        unwanted = client.messages(
            "partial", "speech_start", "speech_end", "annotate", "turn_maybe_end", "turn_resumed", "turn_end"
        )
        require(not unwanted, f"{unwanted[0]['type'] if unwanted else ''} was not asked for")


async def wants_resume_first(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw(_body(Resume(session="nobody-knows-me", token="x", seen=1, sent=0)))
        await refused(client, "protocol_violation", 1002)


async def knows_no_stranger(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.send_raw(_body(Resume(session="nobody-knows-me", token="x", seen=1, sent=0)))
        await refused(client, "session_gone", 4410)


async def places_frames(server: ServerUnderTest) -> None:
    async with server.connect(Start(audio=AudioFormat(framing="offset64"))) as client:
        await client.open()
        message = await client.receive_until("ready", "error")
        if message["type"] == "error":
            raise NotApplicable("the server does not know the framing offset64")
        half = server.samples // 2
        await client.audio(server.speech[: half * 2])
        await client.do(client.session.skip(8_000, now=0.0))
        await client.audio(server.speech[half * 2 :])
        await client.end()
        closed = await client.receive_until_closed()
        counted = closed["stats"].get("gap"), closed["stats"].get("received")
        if counted != (8_000, server.samples + 8_000):
            raise Failed(f"gap and received have to be 8000 and {server.samples + 8_000}, not {counted}")


def _body(message: Resume) -> dict[str, Any]:
    return {
        "type": "resume",
        "session": message.session,
        "token": message.token,
        "seen": message.seen,
        "sent": message.sent,
    }
