"""The driver rules 1 to 8 of notes/sans-io.md §5, as scenarios: who owns, who waits for whom, and what time it is."""

from auricle.core import ClientEvent, Final, Limits, Partial, SessionClosed, WarningMessage
from auricle.transports.testing.lab import DrivenClient, Lab, read_all
from auricle.transports.testing.loop import require

SECOND = bytes(32_000)
"""One second of silence as 16-bit mono at 16 kHz."""
RAMP = bytes(range(256)) * 125
"""One second in which every byte tells where it is."""


def ended(events: list[ClientEvent]) -> SessionClosed:
    """Return the terminal event."""
    closed = events[-1]
    assert isinstance(closed, SessionClosed), "checked by read_all"
    return closed


async def rule_1_one_task_owns_the_session(lab: Lab) -> None:
    """Everybody else hands it inputs. The watched session complains about others."""
    lab.peer.ready()
    async with lab.connect() as client, lab.loop.tasks() as tasks:
        senders = [tasks.start(lambda: client.send_audio(SECOND)) for _ in range(3)]
        senders += [tasks.start(client.flush) for _ in range(3)]
        for sender in senders:
            await sender.join()
        await client.end_input()
        await lab.peer.hear("end_input")
        lab.peer.hang_up()
    require(len(lab.peer.audio) == 3 * len(SECOND), "What several tasks send arrives, all of it.")


async def rule_2_every_output_is_routed_in_order(lab: Lab) -> None:
    """Frames go out and events come in the order in which the session gave them, none left behind."""
    for n in range(3):
        lab.peer.say("loading", stage=f"{n}")
    lab.peer.ready(credit=16_000)
    async with lab.connect() as client:
        for n in range(20):
            lab.peer.say("warning", code=f"w{n}", message="…")
            await client.send_audio(SECOND[: 3200 * (n % 3)])
        # More than the credit, and two messages behind it: one grant sets all of it off.
        await client.send_audio(RAMP * 4)
        await client.flush()
        await client.end_input()
        await lab.loop.settle()
        lab.peer.say("ack", received=0, processed=0, committed=0, credit=480_000, discard_before=0)
        await lab.peer.hear("end_input")
        lab.peer.hang_up()
        events = await read_all(client)
    (session,) = lab.sessions
    frames = [transmit.frame for transmit in session.transmitted]
    require(lab.wire.sent == frames, "Every frame that the session gives is sent, in order (rule 2).")
    require(events == [emit.event for emit in session.emitted], "Every event is handed over, in order (rule 2).")


async def rule_3_a_failed_write_discards_nothing_received(lab: Lab) -> None:
    """Flood, then close: what the peer said before its connection broke still counts, though a write failed."""
    lab.peer.ready()
    async with lab.connect() as client:
        await client.send_audio(SECOND)
        await lab.peer.hear_audio(len(SECOND))
        lab.wire.clogged = True
        await client.send_audio(SECOND)
        await lab.loop.settle()
        for n in range(50):
            lab.peer.final(f"word {n}", n, 320 * n, 320 * (n + 1))
        lab.peer.hang_up("reset", 1006)
        events = await read_all(client)
    texts = [event.text for event in events if isinstance(event, Final)]
    require(
        texts == [f"word {n}" for n in range(50)], f"A failed write discards nothing received, not {len(texts)}/50."
    )
    require((ended(events).reason, ended(events).complete) == ("lost", False), "A lost session is not complete.")


async def rule_3_a_failed_write_is_not_the_end_of_reading(lab: Lab) -> None:
    """The write fails first; the peer's last words are still on their way, and are read."""
    lab.peer.ready()
    async with lab.connect() as client:
        await client.send_audio(SECOND)
        await lab.peer.hear_audio(len(SECOND))
        lab.wire.breaks_writes = True
        await client.send_audio(SECOND)
        await lab.loop.sleep(1.0)
        lab.peer.final("the last words", 0, 0, 16_000)
        lab.peer.hang_up("reset", 1006)
        events = await read_all(client)
    texts = [event.text for event in events if isinstance(event, Final)]
    require(texts == ["the last words"], "A failed write is not the end of reading (rule 3).")


async def rule_4_the_reader_waits_for_nobody(lab: Lab) -> None:
    """Neither for the writer, which is clogged, nor for the application, which does not iterate."""
    lab.peer.ready()
    async with lab.connect() as client:
        lab.wire.clogged = True
        for _ in range(10):
            await client.send_audio(SECOND[:3200])
        for rev in range(1, 200):
            lab.peer.partial(f"word {rev}", rev)
            lab.peer.say("warning", code=f"w{rev}", message="…")
            await lab.loop.sleep(0.01)
        require(not lab.wire.incoming, "The reader waits neither for the writer nor for the application (rule 4).")
        lab.peer.hang_up()


async def rule_5_a_stalled_write_kills_the_transport(lab: Lab) -> None:
    """The peer stops reading: after ``write_stall_s`` the wire is dropped, and the write is never tried again."""
    lab.peer.ready()
    async with lab.connect() as client:
        lab.wire.clogged = True
        begun = lab.loop.now()
        await client.send_audio(SECOND)
        await client.send_audio(SECOND)
        events = await read_all(client)
        waited = lab.loop.now() - begun
    stall_s = Limits().write_stall_s
    require(abs(waited - stall_s) < 0.1, f"A stalled write fails after {stall_s} s, not after {waited:.1f} s (rule 5).")
    require((ended(events).reason, ended(events).complete) == ("lost", False), "A stalled session is lost (rule 5).")
    require("stopped taking data" in ended(events).message, "That a write stalled is told apart from a break (rule 5).")
    require(lab.wire.aborted, "A stalled wire is aborted (rule 5).")
    require(not lab.peer.audio, "A stalled write is never tried again (rule 5).")


async def rule_6_a_cancel_never_cuts_a_write(lab: Lab) -> None:
    """Cancelling the application cancels its waiting; the write in progress goes on and arrives whole."""
    lab.peer.ready(credit=16_000)
    async with lab.connect() as client, lab.loop.tasks() as tasks:
        lab.wire.clogged = True

        async def send() -> None:
            await client.send_audio(RAMP)
            await client.send_audio(SECOND * 40)  # waits for room, and is cancelled there

        sender = tasks.start(send)
        await lab.loop.sleep(1.0)
        sender.cancel()
        await sender.join()
        lab.peer.unclog()
        # Two seconds may be sent on the credit of the pre-buffer, and every byte of them arrives in order.
        async with lab.loop.within(5.0, "A cancelled sender stops nobody else's write (rule 6)."):
            audio = await lab.peer.hear_audio(2 * len(RAMP))
        require(audio == RAMP + SECOND, "A cancel never cuts a write in progress (rule 6).")
        require(client.closed is None, "Cancelling one sender leaves the session alone (rule 6).")
        lab.peer.hang_up()


async def rule_6_a_cancelled_call_leaves_the_wire_alone(lab: Lab) -> None:
    """Callers cancelled at every point of their call: what was handed over is done, and the rest goes on."""
    lab.peer.ready()
    async with lab.connect() as client, lab.loop.tasks() as tasks:
        lab.wire.clogged = True
        await client.send_audio(RAMP)
        await lab.loop.settle()
        for steps in range(12):
            caller = tasks.start(lambda: client.send_audio(SECOND[:100]))
            for _ in range(steps):
                await lab.loop.sleep(0)
            caller.cancel()
            await caller.join()
        lab.peer.unclog()
        await client.end_input()
        async with lab.loop.within(5.0, "A cancelled call leaves the wire to the others (rule 6)."):
            await lab.peer.hear("end_input")
        require(lab.peer.audio[: len(RAMP)] == RAMP, "What was being written arrives whole (rule 6).")
        require((len(lab.peer.audio) - len(RAMP)) % 100 == 0, "A cancelled call is done, or not done (rule 6).")
        lab.peer.hang_up()


async def rule_7_a_timer_that_fired_has_fired(lab: Lab) -> None:
    """An hour of pings: never early, never twice for one deadline. The watched session complains."""
    lab.peer.ready()
    async with lab.connect(), lab.loop.tasks() as tasks:

        async def answer_pings() -> None:
            while True:
                await lab.loop.sleep(10)
                lab.peer.say("pong", now=0.0)

        tasks.start(answer_pings)
        await lab.loop.sleep(3600)
        lab.peer.hang_up()
        await lab.loop.settle()
    timeouts = lab.sessions[0].timeouts
    require(100 < timeouts < 1000, f"In an hour a session has some hundred timers, not {timeouts} (rule 7).")


async def rule_7_a_late_timer_tells_how_late(lab: Lab) -> None:
    """When something has blocked the loop, the session is given the real time, and passes no verdict on the peer."""
    lab.peer.ready()
    async with lab.connect() as client:
        await lab.loop.sleep(15.0)
        lab.loop.jump(120.0)
        lab.peer.say("pong", now=0.0)
        await lab.loop.sleep(5.0)
        require(client.closed is None, "A timer that is late by our own fault condemns nobody (rule 7).")
        lab.peer.hang_up()


async def rule_7_inputs_do_not_hold_timers_up(lab: Lab) -> None:
    """A peer that talks all the time does not keep a deadline from coming."""
    lab.peer.ready()
    limits = Limits(flush_timeout_s=30.0, drain_silence_s=15.0)
    async with lab.connect(limits=limits) as client:
        begun = lab.loop.now()
        for n in range(600):
            lab.peer.say("pong", now=0.0)
            await lab.loop.sleep(0.1 if n % 2 else 0.0)
        pings = [frame for frame in lab.wire.sent if isinstance(frame, str) and '"ping"' in frame]
        waited = lab.loop.now() - begun
        require(len(pings) >= waited / limits.ping_interval_s - 1, "Inputs do not hold timers up (rule 7).")
        require(client.closed is None, "A session whose peer talks goes on (rule 7).")
        lab.peer.hang_up()


async def rule_8_reading_never_pauses(lab: Lab) -> None:
    """Ten thousand messages that nobody takes are read; what supersedes an untaken event takes its place."""
    lab.peer.ready()
    async with lab.connect() as client:
        await client.send_audio(SECOND)
        await lab.peer.hear_audio(len(SECOND))
        for rev in range(1, 10_000):
            lab.peer.partial(f"word {rev}", rev)
        await lab.loop.sleep(0.1)
        require(not lab.wire.incoming, "Reading never pauses (rule 8).")
        lab.peer.final("word", 0, 0, 16_000)
        lab.peer.hang_up()
        events = await read_all(client)
    partials = [event for event in events if isinstance(event, Partial)]
    require(partials[-1].text == "word 9999", "The last partial before a final is the last that was said (rule 8).")
    require(len(partials) < 100, f"An untaken partial gives way to its successor: {len(partials)} were kept (rule 8).")
    require(isinstance(events[-2], Final), "A final is never superseded (rule 8).")


async def a_trickle_is_the_same_as_a_flood(lab: Lab) -> None:
    """Frames that come one by one, with time between them, make the same events as all at once."""
    lab.peer.ready()
    async with lab.connect() as client, lab.loop.tasks() as tasks:
        await client.send_audio(SECOND)

        async def trickle() -> None:
            for n in range(50):
                await lab.loop.sleep(0.01)
                lab.peer.final(f"word {n}", n, 320 * n, 320 * (n + 1))
            await lab.loop.sleep(0.01)
            lab.peer.hang_up()

        tasks.start(trickle)
        events = await read_all(client)
    require(len([event for event in events if isinstance(event, Final)]) == 50, "A trickle loses nothing.")


async def events_reach_a_reader_that_waits(lab: Lab) -> None:
    """An application that iterates is woken by each event, at the time at which it came."""
    lab.peer.ready()
    times: list[float] = []
    async with lab.connect() as client, lab.loop.tasks() as tasks:

        async def iterate(client: DrivenClient) -> None:
            async for event in client:
                if isinstance(event, WarningMessage):
                    times.append(lab.loop.now())

        reader = tasks.start(lambda: iterate(client))
        begun = lab.loop.now()
        for n in range(5):
            await lab.loop.sleep(1.0)
            lab.peer.say("warning", code=f"w{n}", message="…")
        await lab.loop.sleep(1.0)
        lab.peer.hang_up()
        await reader.join()
    late = [time - begun - n - 1 for n, time in enumerate(times)]
    require(len(times) == 5 and max(late) < 0.1, "An event reaches an application that waits for it at once.")
