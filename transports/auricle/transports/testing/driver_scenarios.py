"""The driver rules 1 to 8 of notes/sans-io.md §5, as scenarios: ownership, order, reading, writing, timers."""

from typing import Final as Constant

from auricle.core import ClientEvent, Final, Limits, Partial, SessionClosed, WarningMessage
from auricle.transports.testing.driver_harness import DrivenClient, DriverHarness, read_all
from auricle.transports.testing.loop import require

SECOND: Constant = bytes(32_000)
"""One second of silence as 16-bit mono at 16 kHz."""
RAMP: Constant = bytes(range(256)) * 125
"""One second of audio with a byte pattern that identifies positions."""


def ended(events: list[ClientEvent]) -> SessionClosed:
    """Return the terminal event."""
    closed = events[-1]
    assert isinstance(closed, SessionClosed), "checked by read_all"
    return closed


async def rule_1_one_task_owns_the_session(harness: DriverHarness) -> None:
    """All others post inputs to it. The checked session reports calls from other tasks."""
    harness.peer.ready()
    async with harness.connect() as client, harness.loop.tasks() as tasks:
        senders = [tasks.start(lambda: client.send_audio(SECOND)) for _ in range(3)]
        senders += [tasks.start(client.flush) for _ in range(3)]
        for sender in senders:
            await sender.join()
        await client.end_input()
        await harness.peer.wait_for_message("end_input")
        harness.peer.hang_up()
    require(len(harness.peer.audio) == 3 * len(SECOND), "What several tasks send arrives, all of it.")


async def rule_2_every_output_is_routed_in_order(harness: DriverHarness) -> None:
    """Frames go out and events come in the order in which the session gave them, none left behind."""
    for n in range(3):
        harness.peer.send_message("loading", stage=f"{n}")
    harness.peer.ready(credit=16_000)
    async with harness.connect() as client:
        for n in range(20):
            harness.peer.send_message("warning", code=f"w{n}", message="…")
            await client.send_audio(SECOND[: 3200 * (n % 3)])
        # More than the credit, and two messages behind it: one grant sets all of it off.
        await client.send_audio(RAMP * 4)
        await client.flush()
        await client.end_input()
        await harness.loop.settle()
        harness.peer.send_message("ack", received=0, processed=0, committed=0, credit=480_000, discard_before=0)
        await harness.peer.wait_for_message("end_input")
        harness.peer.hang_up()
        events = await read_all(client)
    (session,) = harness.sessions
    frames = [transmit.frame for transmit in session.transmitted]
    require(harness.wire.sent == frames, "Every frame that the session gives is sent, in order (rule 2).")
    require(events == [emit.event for emit in session.emitted], "Every event is handed over, in order (rule 2).")


async def rule_3_a_failed_write_discards_nothing_received(harness: DriverHarness) -> None:
    """Flood, then close: what the peer sent before its connection broke still counts, although a write failed."""
    harness.peer.ready()
    async with harness.connect() as client:
        await client.send_audio(SECOND)
        await harness.peer.wait_for_audio(len(SECOND))
        harness.wire.clogged = True
        await client.send_audio(SECOND)
        await harness.loop.settle()
        for n in range(50):
            harness.peer.final(f"word {n}", n, 320 * n, 320 * (n + 1))
        harness.peer.hang_up("reset", 1006)
        events = await read_all(client)
    texts = [event.text for event in events if isinstance(event, Final)]
    require(
        texts == [f"word {n}" for n in range(50)], f"A failed write discards nothing received, not {len(texts)}/50."
    )
    require((ended(events).reason, ended(events).complete) == ("lost", False), "A lost session is not complete.")


async def rule_3_a_failed_write_is_not_the_end_of_reading(harness: DriverHarness) -> None:
    """The write fails first; the peer's last frames are still in flight, and are read."""
    harness.peer.ready()
    async with harness.connect() as client:
        await client.send_audio(SECOND)
        await harness.peer.wait_for_audio(len(SECOND))
        harness.wire.breaks_writes = True
        await client.send_audio(SECOND)
        await harness.loop.sleep(1.0)
        harness.peer.final("the last words", 0, 0, 16_000)
        harness.peer.hang_up("reset", 1006)
        events = await read_all(client)
    texts = [event.text for event in events if isinstance(event, Final)]
    require(texts == ["the last words"], "A failed write is not the end of reading (rule 3).")


async def rule_4_the_reader_waits_for_nobody(harness: DriverHarness) -> None:
    """Neither for the writer, which is clogged, nor for the application, which does not iterate."""
    harness.peer.ready()
    async with harness.connect() as client:
        harness.wire.clogged = True
        for _ in range(10):
            await client.send_audio(SECOND[:3200])
        for rev in range(1, 200):
            harness.peer.partial(f"word {rev}", rev)
            harness.peer.send_message("warning", code=f"w{rev}", message="…")
            await harness.loop.sleep(0.01)
        require(not harness.wire.incoming, "The reader waits neither for the writer nor for the application (rule 4).")
        harness.peer.hang_up()


async def rule_5_a_stalled_write_kills_the_transport(harness: DriverHarness) -> None:
    """The peer stops reading: after ``write_stall_s`` the wire is dropped, and the write is never tried again."""
    harness.peer.ready()
    async with harness.connect() as client:
        harness.wire.clogged = True
        begun = harness.loop.now()
        await client.send_audio(SECOND)
        await client.send_audio(SECOND)
        events = await read_all(client)
        waited = harness.loop.now() - begun
    stall_s = Limits().write_stall_s
    require(abs(waited - stall_s) < 0.1, f"A stalled write fails after {stall_s} s, not after {waited:.1f} s (rule 5).")
    require((ended(events).reason, ended(events).complete) == ("lost", False), "A stalled session is lost (rule 5).")
    require("stopped taking data" in ended(events).message, "That a write stalled is told apart from a break (rule 5).")
    require(harness.wire.aborted, "A stalled wire is aborted (rule 5).")
    require(not harness.peer.audio, "A stalled write is never tried again (rule 5).")


async def rule_6_a_cancel_never_cuts_a_write(harness: DriverHarness) -> None:
    """Cancelling the application cancels its waiting; the write in progress goes on and arrives whole."""
    harness.peer.ready(credit=16_000)
    async with harness.connect() as client, harness.loop.tasks() as tasks:
        harness.wire.clogged = True

        async def send() -> None:
            await client.send_audio(RAMP)
            await client.send_audio(SECOND * 40)  # waits for room, and is cancelled there

        sender = tasks.start(send)
        await harness.loop.sleep(1.0)
        sender.cancel()
        await sender.join()
        harness.peer.unclog()
        # Two seconds may be sent on the credit of the pre-buffer, and every byte of them arrives in order.
        async with harness.loop.within(5.0, "A cancelled sender stops nobody else's write (rule 6)."):
            audio = await harness.peer.wait_for_audio(2 * len(RAMP))
        require(audio == RAMP + SECOND, "A cancel never cuts a write in progress (rule 6).")
        require(client.closed is None, "Cancelling one sender leaves the session alone (rule 6).")
        harness.peer.hang_up()


async def rule_6_a_cancelled_call_leaves_the_wire_alone(harness: DriverHarness) -> None:
    """Callers cancelled at every point of their call: what was handed over is done, and the rest goes on."""
    harness.peer.ready()
    async with harness.connect() as client, harness.loop.tasks() as tasks:
        harness.wire.clogged = True
        await client.send_audio(RAMP)
        await harness.loop.settle()
        for steps in range(12):
            caller = tasks.start(lambda: client.send_audio(SECOND[:100]))
            for _ in range(steps):
                await harness.loop.sleep(0)
            caller.cancel()
            await caller.join()
        harness.peer.unclog()
        await client.end_input()
        async with harness.loop.within(5.0, "A cancelled call leaves the wire to the others (rule 6)."):
            await harness.peer.wait_for_message("end_input")
        require(harness.peer.audio[: len(RAMP)] == RAMP, "What was being written arrives whole (rule 6).")
        require((len(harness.peer.audio) - len(RAMP)) % 100 == 0, "A cancelled call is done, or not done (rule 6).")
        harness.peer.hang_up()


async def rule_7_a_timer_that_fired_has_fired(harness: DriverHarness) -> None:
    """An hour of pings: never early, never twice for one deadline. The checked session reports violations."""
    harness.peer.ready()
    async with harness.connect(), harness.loop.tasks() as tasks:

        async def answer_pings() -> None:
            while True:
                await harness.loop.sleep(10)
                harness.peer.send_message("pong", now=0.0)

        tasks.start(answer_pings)
        await harness.loop.sleep(3600)
        harness.peer.hang_up()
        await harness.loop.settle()
    timeouts = harness.sessions[0].timeouts
    require(100 < timeouts < 1000, f"In an hour a session has some hundred timers, not {timeouts} (rule 7).")


async def rule_7_a_late_timer_tells_how_late(harness: DriverHarness) -> None:
    """When something has blocked the loop, the session gets the real time, and does not time the peer out."""
    harness.peer.ready()
    async with harness.connect() as client:
        await harness.loop.sleep(15.0)
        harness.loop.jump(120.0)
        harness.peer.send_message("pong", now=0.0)
        await harness.loop.sleep(5.0)
        require(client.closed is None, "A timer that is late by our own fault condemns nobody (rule 7).")
        harness.peer.hang_up()


async def rule_7_inputs_do_not_hold_timers_up(harness: DriverHarness) -> None:
    """A peer that sends all the time does not delay a deadline."""
    harness.peer.ready()
    limits = Limits(flush_timeout_s=30.0, drain_silence_s=15.0)
    async with harness.connect(limits=limits) as client:
        begun = harness.loop.now()
        for n in range(600):
            harness.peer.send_message("pong", now=0.0)
            await harness.loop.sleep(0.1 if n % 2 else 0.0)
        pings = [frame for frame in harness.wire.sent if isinstance(frame, str) and '"ping"' in frame]
        waited = harness.loop.now() - begun
        require(len(pings) >= waited / limits.ping_interval_s - 1, "Inputs do not hold timers up (rule 7).")
        require(client.closed is None, "A session whose peer talks goes on (rule 7).")
        harness.peer.hang_up()


async def rule_8_reading_never_pauses(harness: DriverHarness) -> None:
    """Ten thousand messages are read while the application takes none; newer events replace those they supersede."""
    harness.peer.ready()
    async with harness.connect() as client:
        await client.send_audio(SECOND)
        await harness.peer.wait_for_audio(len(SECOND))
        for rev in range(1, 10_000):
            harness.peer.partial(f"word {rev}", rev)
        await harness.loop.sleep(0.1)
        require(not harness.wire.incoming, "Reading never pauses (rule 8).")
        harness.peer.final("word", 0, 0, 16_000)
        harness.peer.hang_up()
        events = await read_all(client)
    partials = [event for event in events if isinstance(event, Partial)]
    require(partials[-1].text == "word 9999", "The last partial before a final is the last that was said (rule 8).")
    require(len(partials) < 100, f"An untaken partial gives way to its successor: {len(partials)} were kept (rule 8).")
    require(isinstance(events[-2], Final), "A final is never superseded (rule 8).")


async def a_trickle_is_the_same_as_a_flood(harness: DriverHarness) -> None:
    """Frames that come one by one, with time between them, make the same events as all at once."""
    harness.peer.ready()
    async with harness.connect() as client, harness.loop.tasks() as tasks:
        await client.send_audio(SECOND)

        async def trickle() -> None:
            for n in range(50):
                await harness.loop.sleep(0.01)
                harness.peer.final(f"word {n}", n, 320 * n, 320 * (n + 1))
            await harness.loop.sleep(0.01)
            harness.peer.hang_up()

        tasks.start(trickle)
        events = await read_all(client)
    require(len([event for event in events if isinstance(event, Final)]) == 50, "A trickle loses nothing.")


async def events_reach_a_reader_that_waits(harness: DriverHarness) -> None:
    """An application that iterates is woken by each event, at the time at which it came."""
    harness.peer.ready()
    times: list[float] = []
    async with harness.connect() as client, harness.loop.tasks() as tasks:

        async def iterate(client: DrivenClient) -> None:
            async for event in client:
                if isinstance(event, WarningMessage):
                    times.append(harness.loop.now())

        reader = tasks.start(lambda: iterate(client))
        begun = harness.loop.now()
        for n in range(5):
            await harness.loop.sleep(1.0)
            harness.peer.send_message("warning", code=f"w{n}", message="…")
        await harness.loop.sleep(1.0)
        harness.peer.hang_up()
        await reader.join()
    late = [time - begun - n - 1 for n, time in enumerate(times)]
    require(len(times) == 5 and max(late) < 0.1, "An event reaches an application that waits for it at once.")
