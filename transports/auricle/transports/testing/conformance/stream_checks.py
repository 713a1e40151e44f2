"""Checks of the audio stream: accounting, credit, flushes, configuration, gaps, the end. Source: notes §3.2-§3.7."""

from typing import Any, Final

import trio

from auricle.core.schema import LAST_POSITION
from auricle.transports.testing.conformance.failures import Failed, NotApplicable, require
from auricle.transports.testing.conformance.handshake_checks import refused
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.testing.conformance.server_under_test import RATE, SAMPLE_BYTES, ServerUnderTest

FLUSHES: Final = 8
CANCELLED: Final = "cancelled", False, 1000
COMPLETED: Final = "completed", True, 1000
TOO_MANY: Final = 40
TRICKLE: Final = 65
"""Bytes that come one a frame."""


async def run_session(server: ServerUnderTest, pieces: list[bytes]) -> ProbeClient:
    """Run a whole session with the audio in these frames; return its client."""
    async with server.connect_ready() as client:
        for piece in pieces:
            await client.audio(piece)
        await client.end()
        accounts_add_up(await client.receive_until_closed(), received=sum(map(len, pieces)) // SAMPLE_BYTES)
        return client


def accounts_add_up(closed: dict[str, Any], *, received: int) -> None:
    """O9: on completion everything is committed, and the counts say so."""
    stats = closed.get("stats", {})
    require(closed.get("reason") == "completed", f"the session has to be completed, not {closed.get('reason')}")
    for count in ("received", "processed", "committed"):
        require(stats.get(count) == received, f"O9: {count} has to be {received}, not {stats.get(count)}")
    require(closed.get("complete") is True or stats.get("dropped"), "O9: with everything committed it is complete")


async def accounts_for_every_sample(server: ServerUnderTest) -> None:
    client = await run_session(server, [server.speech])
    closed = client.session.closed
    if closed is None or closed.complete is not True:
        raise Failed(closed.message if closed else "the client core never received closed")
    require(len(client.messages("input_ended")) == 1, "O8: input_ended comes once")


async def ends_without_audio(server: ServerUnderTest) -> None:
    await run_session(server, [])


async def takes_audio_before_ready(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.open()
        await client.audio(server.speech[:RATE])
        await client.receive_until("ready")
        await client.end()
        accounts_add_up(await client.receive_until_closed(), received=min(RATE, len(server.speech)) // SAMPLE_BYTES)


async def does_not_mind_chunks(server: ServerUnderTest) -> None:
    one = await run_session(server, [server.speech])
    async with server.connect_ready() as client:
        within_credit(client, server.samples)
        # A client core sends whole samples only: these frames end anywhere, at first after every byte.
        await _trickle(client, server.speech[:TRICKLE], 1)
        await _trickle(client, server.speech[TRICKLE:], 1_111)
        await client.send_raw({"type": "end_input", "total": server.samples})
        accounts_add_up(await client.receive_until_closed(), received=server.samples)
        require(one.finals == client.finals, f"O13: other frames, other finals: {one.finals} and {client.finals}")


async def _trickle(client: ProbeClient, pcm: bytes, size: int) -> None:
    for at in range(0, len(pcm), size):
        await client.send_bytes(pcm[at : at + size])


def within_credit(client: ProbeClient, samples: int) -> None:
    """Raise `NotApplicable` where the credit does not allow so many samples at once."""
    credit = client.messages("ready")[0]["credit"]
    if credit < samples:
        raise NotApplicable(f"the server grants {credit / RATE:.1f} s of credit, and the speech is longer")


async def drops_half_a_sample(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_bytes(bytes(641))
        await client.send_raw({"type": "end_input"})
        closed = await client.receive_until_closed()
        require(
            closed["stats"]["received"] == 320, f"received counts whole samples: 320, not {closed['stats']['received']}"
        )
        codes = [warning.get("code") for warning in client.messages("warning")]
        require("odd_bytes_dropped" in codes, "half a sample that is dropped is told (odd_bytes_dropped)")


async def ends_once(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_bytes(bytes(6_400))
        for _ in range(3):
            await client.send_raw({"type": "end_input", "total": 3_200})
        accounts_add_up(await client.receive_until_closed(), received=3_200)
        require(len(client.messages("input_ended")) == 1, "O8: input_ended comes once")


async def counts_late_audio(server: ServerUnderTest) -> None:
    punctual = await run_session(server, [server.speech])
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        await client.end()
        for _ in range(10):
            await client.send_bytes(bytes(3_200))
        closed = await client.receive_until_closed()
        require(closed["stats"]["received"] == server.samples, "audio after the end of input is not received")
        require(client.finals == punctual.finals, f"audio after the end changes no final: {client.finals}")
        if client.messages("warning"):
            require(client.messages("warning")[0]["code"] == "late_audio", "late audio is told as late_audio")


async def minds_a_wrong_total(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_bytes(bytes(6_400))
        await client.send_raw({"type": "end_input", "total": 1})
        await client.receive_until_closed()
        codes = [warning.get("code") for warning in client.messages("warning")]
        require("audio_count_mismatch" in codes, "a total that is not what came is told (audio_count_mismatch)")


async def enforces_credit(server: ServerUnderTest) -> None:
    """A gap needs credit as audio does, and no server hears so fast that this one would be granted on its way."""
    async with server.connect_ready() as client:
        beyond = client.messages("ready")[0]["credit"] + 1
        if beyond > LAST_POSITION:
            raise NotApplicable("the server grants all the credit there is")
        await client.send_raw({"type": "gap", "samples": beyond})
        await refused(client, "backlog_exceeded", 4413)


async def grants_credit(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        before = client.messages("ready")[0]["credit"]
        if before > 120 * RATE:
            raise NotApplicable(f"the server grants {before // RATE} s of credit at once")
        pieces = before // server.samples + 2
        for _ in range(pieces):
            await client.audio(server.speech)
        await client.end()
        accounts_add_up(await client.receive_until_closed(), received=pieces * server.samples)


async def answers_an_empty_flush(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.flush("f1")
        answer = await client.receive_until("flushed")
        require(answer["upto"] == 0, f"a flush of nothing is answered at 0, not {answer['upto']}")
        require(answer.get("empty") is not False, "no final came before the answer, so it is not said to be otherwise")


async def answers_a_flush(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        await client.flush("f1")
        answer = await client.receive_until("flushed")
        require(answer["upto"] >= server.samples, f"O6: upto has to be {server.samples} at least, not {answer['upto']}")
        await client.audio(server.speech)
        await client.end()
        accounts_add_up(await client.receive_until_closed(), received=2 * server.samples)


async def answers_many_flushes(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        for number in range(FLUSHES):
            await client.audio(server.speech[: RATE // 2])
            await client.flush(f"f{number}")
        await client.end()
        await client.receive_until_closed()
        answered = [answer["id"] for answer in client.messages("flushed")]
        require(answered == [f"f{number}" for number in range(FLUSHES)], f"O6: answers come in order: {answered}")


async def answers_an_id_once(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        for _ in range(2):
            await client.send_raw({"type": "flush", "id": "f1"})
        await client.send_raw({"type": "end_input"})
        await client.receive_until_closed()
        require(len(client.messages("flushed")) == 1, "a flush is answered once for each id")


async def answers_too_many_flushes(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        asked = [f"f{number}" for number in range(TOO_MANY)]
        for flush_id in asked:
            await client.send_raw({"type": "flush", "id": flush_id})
        await client.send_raw({"type": "end_input"})
        accounts_add_up(await client.receive_until_closed(), received=0)
        refusals = client.messages("error")
        answered = [answer.get("id") for answer in client.messages("flushed")] + [
            error.get("ref") for error in refusals
        ]
        require(sorted(map(str, answered)) == sorted(asked), f"each flush is answered or refused, once: {answered}")
        codes = {(error.get("code"), error.get("fatal")) for error in refusals}
        require(codes <= {("rate_limited", False)}, f"too many flushes are rate_limited, which is not fatal: {codes}")


async def refuses_a_flush_of_the_future(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw({"type": "flush", "id": "f1", "at": 10**9})
        error = await client.receive_until("error")
        told = error.get("code"), error.get("ref"), error.get("fatal")
        require(told == ("invalid_param", "f1", False), f"a flush beyond the audio is invalid_param, not {told}")


async def answers_a_marker(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        await client.do(client.session.mark("m1", now=trio.current_time()))
        await client.end()
        await client.receive_until_closed()
        require(
            [answer["id"] for answer in client.messages("flushed")] == ["m1"],
            "a marker is answered, at the latest in the end",
        )


async def changes_in_mid_stream(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        change = {"endpointing": {"silence_ms": 400}}
        await client.do(client.session.configure("c1", change, now=trio.current_time()))
        await client.audio(server.speech)
        await client.end()
        await client.receive_until_closed()
        _require_changes(client)
        answers = client.messages("configured")
        require(len(answers) == 1, "O7: a change is answered once")
        require(answers[0]["from"] == server.samples, f"O7: from has to be {server.samples}, not {answers[0]['from']}")


def _require_changes(client: ProbeClient) -> None:
    """Raise `NotApplicable` where the server refuses to change anything, which it may."""
    refusals = [str(error.get("code")) for error in client.messages("error") if error.get("ref") == "c1"]
    if refusals and refusals[0].startswith("unsupported_"):
        raise NotApplicable(f"the server refuses changes ({refusals[0]})")


async def answers_a_change_once(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        for silence_ms in (400, 500):
            await client.send_raw({"type": "configure", "id": "c1", "set": {"endpointing": {"silence_ms": silence_ms}}})
        await client.send_raw({"type": "end_input"})
        await client.receive_until_closed()
        _require_changes(client)
        silences = [answer["effective"]["endpointing"]["silence_ms"] for answer in client.messages("configured")]
        require(silences == [400], f"a change is answered once for each id, and the first counts: {silences}")


async def refuses_a_bad_change(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.send_raw({"type": "configure", "id": "c1", "set": {"language": 5}})
        message = await client.receive_until("error", "configured")
        require(message["type"] == "error", "a malformed change is refused")
        require(message.get("fatal") is False, "a malformed change does not end the session")
        require(message.get("ref") == "c1", "the error names the change")
        await client.send_raw({"type": "end_input"})
        await client.receive_until_closed()


async def counts_gaps(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        await client.do(client.session.skip(16_000, now=trio.current_time()))
        await client.end()
        closed = await client.receive_until_closed()
        require(closed["stats"].get("gap") == 16_000, f"stats.gap has to be 16000, not {closed['stats'].get('gap')}")
        accounts_add_up(closed, received=server.samples + 16_000)


async def refuses_a_huge_frame(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        longest = client.messages("ready")[0].get("limits", {}).get("max_audio_s")
        if not isinstance(longest, int | float) or longest > 25:
            raise NotApplicable("the server tells no limit for the audio in one frame (ready.limits.max_audio_s)")
        await client.send_bytes(bytes(int((longest + 0.1) * RATE) * SAMPLE_BYTES))
        await refused(client, "too_large", 1009)


async def confirms_a_cancel(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        await _cancelled(client)


async def confirms_an_early_cancel(server: ServerUnderTest) -> None:
    async with server.connect() as client:
        await client.open()
        await client.audio(server.speech[:RATE])
        await _cancelled(client)


async def confirms_a_late_cancel(server: ServerUnderTest) -> None:
    async with server.connect_ready() as client:
        await client.audio(server.speech)
        await client.flush("f1")
        await client.end()
        await client.do(client.session.cancel(now=trio.current_time()))
        outcome = await _result_of(client)
        require(outcome in (CANCELLED, COMPLETED), f"a cancel after the end is confirmed, or comes too late: {outcome}")


async def _cancelled(client: ProbeClient) -> None:
    await client.do(client.session.cancel(now=trio.current_time()))
    outcome = await _result_of(client)
    require(outcome == CANCELLED, f"a cancel is confirmed as cancelled, not complete, 1000: {outcome}")


async def _result_of(client: ProbeClient) -> tuple[object, object, object]:
    closed = await client.receive_until_closed()
    return closed.get("reason"), closed.get("complete"), closed.get("code")
