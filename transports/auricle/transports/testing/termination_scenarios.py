"""The driver rules 9 and 10, and every way in which a wire, a session or an application ends."""

from auricle.core import Final, Limits, SessionClosed
from auricle.core.events import Interrupted
from auricle.core.messages import Resumed
from auricle.core.stimuli import LossKind
from auricle.transports.errors import ConnectFailed
from auricle.transports.testing.driver_harness import DrivenClient, DriverHarness, Scenario, read_all
from auricle.transports.testing.driver_scenarios import RAMP, SECOND, ended
from auricle.transports.testing.loop import require
from auricle.transports.wire import WireLost


async def complete(harness: DriverHarness, client: DrivenClient) -> None:
    """Bring a session to its complete end, as far as messages go."""
    await client.end_input()
    await harness.peer.wait_for_message("end_input")
    harness.peer.input_ended(0)
    harness.peer.complete(0)


def rule_9(how: LossKind, code: int, words: str) -> Scenario:
    """Return the scenario for one kind of loss."""

    async def rule_9_eof_and_reset_are_told_apart(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client:
            harness.peer.hang_up(how, code)
            closed = ended(await read_all(client))
        require((closed.reason, closed.complete) == ("lost", False), "A loss is never complete (rule 9).")
        require(words in closed.message, f"A loss by {how} is told as one, not: {closed.message} (rule 9)")

    rule_9_eof_and_reset_are_told_apart.__name__ += f"_{how}_{code}"
    return rule_9_eof_and_reset_are_told_apart


async def rule_9_our_own_close_is_the_third(harness: DriverHarness) -> None:
    """`aclose` sends ``cancel``, waits for the peer within its timeout, and is idempotent."""
    harness.peer.ready()
    async with harness.connect() as client:
        begun = harness.loop.now()
        await client.aclose()
        waited = harness.loop.now() - begun
        require(abs(waited - Limits().abort_timeout_s) < 0.1, f"Leaving takes abort_timeout_s, not {waited:.1f} s.")
        require(client.closed is not None and client.closed.reason == "aborted", "Our own end is 'aborted' (rule 9).")
        await client.aclose()
    await harness.peer.wait_for_message("cancel")


def after_closed(how: LossKind) -> Scenario:
    """Return the scenario for this kind of loss after the session is complete."""

    async def rule_9_after_closed_any_end_will_do(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client:
            await complete(harness, client)
            harness.peer.hang_up(how, 1006)
            closed = ended(await read_all(client))
        require(closed.complete is True, f"A {how} after closed takes nothing back (rule 9).")

    rule_9_after_closed_any_end_will_do.__name__ += f"_{how}"
    return rule_9_after_closed_any_end_will_do


async def rule_10_the_closing_handshake_is_waited_for(harness: DriverHarness) -> None:
    """Everything queued is sent, then the close; reading goes on until the peer has closed too."""
    harness.peer.ready()
    async with harness.connect() as client:
        await client.send_audio(RAMP)
        await client.end_input()
        await harness.peer.wait_for_message("end_input")
        require(harness.peer.audio == RAMP, "Everything queued is sent before the close (rule 10).")
        harness.peer.final("hello", 0, 0, 16_000)
        harness.peer.input_ended(16_000)
        harness.peer.complete(16_000, segments=1)
        events = await read_all(client)
        await harness.loop.settle()
        require(ended(events).complete is True, "A session that is told so is complete (rule 10).")
        require(
            harness.wire.closed == (1000, "completed"), "The socket is closed with a handshake, not dropped (rule 10)."
        )
        require(not harness.wire.aborted, "A wire in its closing handshake is not aborted (rule 10).")
        require(not harness.wire.released, "The wire is held until the peer's end of the handshake (rule 10).")
        harness.peer.hang_up()


async def rule_10_the_closing_handshake_is_bounded(harness: DriverHarness) -> None:
    """The wait for a peer that never answers the close is bounded by the session's close timer."""
    harness.peer.ready()
    async with harness.connect() as client:
        await complete(harness, client)
        await read_all(client)
        begun = harness.loop.now()
    waited, bound_s = harness.loop.now() - begun, Limits().close_timeout_s
    require(abs(waited - bound_s) < 0.1, f"The closing handshake ends after {bound_s} s, not {waited:.1f} s (rule 10).")


async def rule_10_a_clogged_close_is_bounded(harness: DriverHarness) -> None:
    """The peer reads no more: a close that cannot even be written does not hold the application up."""
    harness.peer.ready()
    async with harness.connect() as client:
        harness.wire.clogged = True
        await client.send_audio(SECOND)
        await harness.loop.settle()
        begun = harness.loop.now()
    waited = harness.loop.now() - begun
    require(abs(waited - Limits().abort_timeout_s) < 0.1, f"Leaving a clogged wire takes 1 s, not {waited:.1f} s.")
    require(harness.sessions[0].closed is not None, "Leaving ends the session.")


async def a_transport_that_never_opens_is_given_up(harness: DriverHarness) -> None:
    """After ``connect_timeout_s``, with a terminal event that names the timeout."""
    harness.delay(0, 1e5)
    begun = harness.loop.now()
    closed = await _fail_to_connect(harness)
    waited, bound_s = harness.loop.now() - begun, Limits().connect_timeout_s
    require(abs(waited - bound_s) < 0.1, f"Connecting is given up after {bound_s} s, not {waited:.1f} s.")
    require(closed.error == "connect_timeout" and closed.retriable, "That connecting took too long is said.")


async def a_refused_transport_is_told(harness: DriverHarness) -> None:
    """The terminal event has the code of the refusal."""
    harness.refuse(0, WireLost("refused", 4401, "no key"))
    closed = await _fail_to_connect(harness)
    require((closed.code, closed.complete) == (4401, False), f"A refusal keeps its code, not {closed.code}.")


async def a_silent_server_is_given_up(harness: DriverHarness) -> None:
    """After ``ready_timeout_s``."""
    closed = await _fail_to_connect(harness)
    require(closed.error == "ready_timeout", "That the server never became ready is said.")


async def _fail_to_connect(harness: DriverHarness) -> SessionClosed:
    try:
        async with harness.connect():
            raise AssertionError("A client is handed out only when it is ready.")
    except ConnectFailed as failed:
        return failed.closed


async def an_exception_of_the_application_is_left_alone(harness: DriverHarness) -> None:
    """It propagates unchanged, and the wire is released."""
    harness.peer.ready()
    try:
        async with harness.connect():
            raise ZeroDivisionError
    except ZeroDivisionError:
        return
    raise AssertionError("An exception of the application comes out as it was.")


async def a_cancelled_application_ends_the_session(harness: DriverHarness) -> None:
    """In bounded time, with a terminal event that can still be read."""
    harness.peer.ready()
    clients: list[DrivenClient] = []
    async with harness.loop.tasks() as tasks:

        async def application() -> None:
            async with harness.connect() as client:
                clients.append(client)
                await read_all(client)

        task = tasks.start(application)
        await harness.loop.sleep(1.0)
        begun = harness.loop.now()
        task.cancel()
        await task.join()
        waited = harness.loop.now() - begun
        require(
            waited < Limits().abort_timeout_s + 0.1, f"A cancelled application is let go of, not in {waited:.1f} s."
        )
        events = await read_all(clients[0])
    require(ended(events).complete is False, "A session that is cut is not complete.")


async def a_lost_transport_is_followed_by_another(harness: DriverHarness) -> None:
    """Each `OpenTransport` opens a new wire, not before its time, and the session goes on over that."""
    harness.peer.ready(token="first")
    async with harness.connect() as client:
        await client.send_audio(RAMP)
        await harness.peer.wait_for_audio(len(RAMP))
        harness.delay(1, 0.5)
        harness.peer.hang_up("reset", 1006)
        await client.send_audio(RAMP)
        again = harness.peer_of(1)
        resume = await again.wait_for_message("resume")
        require(resume["token"] == "first" and harness.opened == 2, "A lost transport is followed by one other.")
        require(harness.wire.released, "The wire before is let go of.")
        again.resumed(8_000)
        audio = await again.wait_for_audio(len(RAMP) + len(RAMP) // 2)
        require(audio == RAMP[16_000:] + RAMP, "Audio goes on where the server says, on the new wire only.")
        again.seq = harness.peer.seq
        again.final("kept", 0, 0, 32_000)
        await client.end_input()
        await again.wait_for_message("end_input")
        again.input_ended(32_000)
        again.complete(32_000, segments=1)
        again.hang_up()
        events = await read_all(client)
    kinds = [type(event) for event in events if isinstance(event, Interrupted | Resumed | Final)]
    require(kinds == [Interrupted, Resumed, Final], "An interruption, its end, and what was said after it.")
    require(ended(events).complete is True, "A session that came back can be complete.")


async def what_a_stale_transport_says_is_ignored(harness: DriverHarness) -> None:
    """A replaced wire that is slow to abort receives more frames and is lost; the session ignores both."""
    harness.peer.ready(token="first")
    async with harness.connect(limits=Limits(write_stall_s=5.0)) as client:
        await client.send_audio(RAMP)
        await harness.peer.wait_for_audio(len(RAMP))
        harness.wire.clogged, harness.wire.abort_duration_s = True, 2.0
        await client.send_audio(SECOND)  # stalls
        again = harness.peer_of(1)
        await again.wait_for_message("resume")
        again.resumed(16_000)
        again.seq = harness.peer.seq
        await again.wait_for_audio(len(SECOND))
        harness.peer.final("from the old one", 0, 0, 16_000)
        harness.peer.send_message("resumed", session="t", next=0, credit=0, token="x", state="streaming")
        await harness.loop.sleep(3.0)
        require(harness.wire.released, "A stalled wire is let go of as soon as it dies.")
        require(client.closed is None and harness.opened == 2, "A transport that has been replaced is lost only once.")
        again.final("from the new one", 0, 0, 16_000)
        await client.send_audio(RAMP)
        await again.wait_for_audio(len(SECOND + RAMP))
        require(harness.peer.audio == RAMP, "Nothing is sent to a transport that has been replaced.")
        await client.aclose()
        events = await read_all(client)
    texts = [event.text for event in events if isinstance(event, Final)]
    require(texts == ["from the new one"], f"What a stale transport says is ignored, not {texts}.")


async def a_server_that_stays_away_is_given_up(harness: DriverHarness) -> None:
    """Wires that do not open are tried again, each not before its time, and not for ever."""
    harness.peer.ready(token="first")
    limits = Limits()
    for number in range(1, limits.max_reconnects + 2):
        harness.refuse(number, WireLost("refused", 1006, "nobody there"))
    async with harness.connect() as client:
        begun = harness.loop.now()
        harness.peer.hang_up("reset", 1006)
        closed = ended(await read_all(client))
        waited = harness.loop.now() - begun
    require(closed.complete is False, "A session that could not be got back is not complete.")
    least_s = limits.reconnect_min_s / 2
    require(least_s <= waited <= limits.reconnect_timeout_s + 1, f"Trying again took {waited:.1f} s.")
    require(
        2 < harness.opened <= limits.max_reconnects + 1, f"A lost wire is tried again in moderation: {harness.opened}."
    )


async def leaving_between_two_transports(harness: DriverHarness) -> None:
    """The application can close at once while the driver waits for or opens a new wire."""
    harness.peer.ready(token="first")
    harness.delay(1, 1e5)
    async with harness.connect() as client:
        harness.peer.hang_up("reset", 1006)
        await harness.loop.sleep(1.0)
        require(harness.opened == 2, "A lost wire is followed by another one.")
        begun = harness.loop.now()
        await client.aclose()
        waited = harness.loop.now() - begun
        require(waited < Limits().abort_timeout_s + 0.1, f"Leaving without a wire takes no time, not {waited:.1f} s.")
