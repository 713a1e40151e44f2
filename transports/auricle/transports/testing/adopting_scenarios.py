"""Scenarios for a server's driver: clients that come back on another wire, and sessions that are left."""

from contextlib import suppress
from typing import Final

from auricle.core import Limits, LocalProtocolError
from auricle.core.events import Disconnected, Reconnected
from auricle.transports.testing.loop import require
from auricle.transports.testing.server_harness import TENTH, TENTH_SAMPLES, ServerHarness
from auricle.transports.wire import WireLost

FAR_S: Final = 1_000.0


def _lose(harness: ServerHarness, number: int = -1) -> None:
    harness.wires[number].incoming.append(WireLost("reset"))
    harness.wires[number].change()


async def adopting_a_session_goes_on_over_the_next_wire(harness: ServerHarness) -> None:
    """After a loss the session waits, and goes on where it was."""
    await harness.begin()
    _lose(harness)
    await harness.loop.sleep(1.0)
    require(harness.wire.aborted, "A wire that is lost is let go of.")
    again = harness.new_wire()
    adopting = harness.come_back(again)
    await harness.loop.sleep(0.1)
    require(harness.told(again)[:1] == ["resumed"], "The session speaks on the wire that it has adopted.")
    harness.say(again, TENTH)
    await harness.loop.sleep(0.1)
    require(harness.heard_samples == 2 * TENTH_SAMPLES, "The session hears what comes on the wire that it has adopted.")
    told = [type(event) for event in harness.events if isinstance(event, Disconnected | Reconnected)]
    require(told == [Disconnected, Reconnected], f"A return is told once: {told}")
    require(not adopting.done, "`adopt` returns when the session is done with the wire, not before.")
    await harness.finish()
    require(again.closed is not None, "The closing handshake is done on the wire that was adopted (rule 10).")
    await adopting.join()


async def adopting_drops_the_old_wire(harness: ServerHarness) -> None:
    """A wire that is superseded is closed with 4409, is listened to no more, and is let go of in time."""
    await harness.begin()
    again = harness.new_wire()
    harness.come_back(again)
    await harness.loop.sleep(0.1)
    require(harness.wire.closed == (4409, "superseded"), "The wire that was superseded is closed with 4409.")
    sent = len(harness.wire.sent)
    harness.say(harness.wire, TENTH)
    harness.say(harness.wire, {"type": "cancel"})
    harness.say(again, TENTH)
    await harness.loop.sleep(1.0)
    require(harness.heard_samples == 2 * TENTH_SAMPLES, "A wire that was superseded is not listened to.")
    require(harness.served.session.closed is None, "What is said on a wire that was superseded ends nothing.")
    require(not harness.wire.aborted, "The peer of a wire that was superseded may still answer the close.")
    await harness.loop.sleep(Limits().close_timeout_s)
    require(harness.wire.aborted, "A wire that was superseded is dropped after `close_timeout_s`.")
    require(len(harness.wire.sent) == sent, "Nothing is sent on a wire that was superseded.")
    require(harness.served.session.closed is None, "The end of a wire that was superseded is nobody's end.")
    await harness.finish()


async def adopting_again_and_again_holds_one_wire(harness: ServerHarness) -> None:
    """However often a client comes back, only its last wire is held once the others have had their time."""
    await harness.begin()
    for _ in range(3):
        again = harness.new_wire()
        harness.come_back(again)
        await harness.loop.sleep(0.1)
        harness.say(again, TENTH)
        await harness.loop.sleep(2 * Limits().close_timeout_s)
        held = [number for number, wire in enumerate(harness.wires) if not wire.aborted]
        require(held == [len(harness.wires) - 1], f"Only the wire that was adopted last is held, and these are: {held}")
    await harness.finish()


async def adopting_is_refused_and_changes_nothing(harness: ServerHarness) -> None:
    """A wrong token is a `LocalProtocolError`; the session, its wire and the other wire stay as they are."""
    await harness.begin()
    again = harness.new_wire()
    refused = False
    try:
        await harness.come_back(again, token="guessed").join()
    except LocalProtocolError:
        refused = True
    require(refused, "A return that does not fit the session raises `LocalProtocolError`.")
    require(not again.aborted and not again.sent, "A wire that was refused still belongs to the caller.")
    harness.say(harness.wire, TENTH)
    await harness.loop.sleep(0.1)
    require(harness.heard_samples == 2 * TENTH_SAMPLES, "The session goes on where a stranger was refused.")
    await harness.finish()


async def leaving_fails_the_session(harness: ServerHarness) -> None:
    """Whoever leaves the block ends the session: its client is told, and its wire let go of."""
    await harness.begin()
    harness.leave()
    await harness.loop.sleep(Limits().close_timeout_s + Limits().resume_window_s + 1.0)
    await harness.serving.join()
    require("closed" in harness.told(harness.wire), "A client whose session is left is told that it is over.")
    require(harness.wire.closed == (1011, "internal"), "A session that is left is closed with 1011.")


async def a_cancelled_server_lets_go(harness: ServerHarness) -> None:
    """A cancel ends the session and lets go of its wires, wherever it comes."""
    await harness.begin()
    harness.serving.cancel()
    await harness.serving.join()
    await harness.loop.settle()
    require(harness.wire.aborted, "A driver that is cancelled lets go of its wire.")


async def a_server_cancelled_while_its_client_is_away_ends(harness: ServerHarness) -> None:
    """A cancel does not wait for a client that may come back."""
    await harness.begin()
    _lose(harness)
    await harness.loop.sleep(1.0)
    harness.serving.cancel()
    await harness.serving.join()
    await harness.loop.settle()


async def nobody_waits_for_a_server_that_has_ended(harness: ServerHarness) -> None:
    """Whoever waits in `adopt` is let go when the driver is cancelled, and later calls are refused."""
    await harness.begin()
    again = harness.new_wire()
    adopting = harness.come_back(again)
    await harness.loop.sleep(0.1)
    harness.serving.cancel()
    await harness.serving.join()
    async with harness.loop.within(FAR_S, "Nobody is left waiting for a driver that has ended."):
        with suppress(LocalProtocolError):  # it came too late: the wire is the caller's
            await adopting.join()
        refused = False
        try:
            await harness.come_back(harness.new_wire()).join()
        except LocalProtocolError:
            refused = True
    require(refused, "A driver that has ended adopts nothing, and says so.")
