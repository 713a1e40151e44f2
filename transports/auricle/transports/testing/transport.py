"""The promises of `Wire`, as checks on a connected pair of wires, for any event loop.

Modelled on `trio.testing.check_two_way_stream`: makers instead of objects, because most checks use up their wires.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

from auricle.core import Frame
from auricle.transports.testing.failures import raise_all
from auricle.transports.testing.loop import Loop, Task, Tasks, require, sentence
from auricle.transports.testing.watched_wire import Waits
from auricle.transports.wire import Wire, WireLost

MakePair = Callable[[], AbstractAsyncContextManager[tuple[Wire, Wire]]]
"""Opens two connected wires for the length of a block."""
CHECK_TIMEOUT_S: Final = 10.0
"""Real seconds after which a check counts as hung; a working wire takes less than a tenth of it."""
HANGS: Final = "it hangs"
PIECE: Final = bytes(range(256)) * 256
SMALL: Final = 1000
MOST_IN_FLIGHT: Final = 1024
"""Pieces of 64 KiB: a wire that takes more than that unread never pushes back."""
MESSAGES: Final[tuple[Frame, ...]] = (
    "text", b"bytes", "", b"", "é – 語 \0 \n", b"\x00\xff\n", '{"type": "ping"}', "t" * 60_000, PIECE * 16, b"last",
)  # fmt: skip
UNREAD: Final = 64
"""Small messages that a wire does not read on its own account past its queue for the reader."""
SURE: Final = 3
"""Times that the loop has to settle without a send going on before it counts as stuck."""
RACES: Final = 24
"""Number of tries; the cancel comes one loop step later at each."""


async def lost(operation: Awaitable[object], rule: str) -> WireLost:
    """Return the `WireLost` that the operation raises, or raise `AssertionError` with the rule."""
    try:
        await operation
    except WireLost as error:
        return error
    raise AssertionError(rule)


async def read_to_end(wire: Wire) -> tuple[list[Frame], WireLost]:
    """Receive until there is no more; return what came, and how it ended."""
    frames: list[Frame] = []
    while True:
        try:
            frames.append(await wire.receive())
        except WireLost as error:
            return frames, error


async def messages_are_kept(loop: Loop, a: Wire, b: Wire) -> None:
    """Messages arrive whole, in order, text as text and bytes as bytes, the empty and the large ones too."""
    require(a.subprotocol == b.subprotocol, "Both ends know the same subprotocol.")
    await _compare(loop, a, b, MESSAGES)


async def small_messages_are_kept(loop: Loop, a: Wire, b: Wire) -> None:
    """Messages arrive whole, also where their bytes come one at a time."""
    await _compare(loop, a, b, [message for message in MESSAGES if len(message) < SMALL])


async def _compare(loop: Loop, a: Wire, b: Wire, messages: Sequence[Frame]) -> None:
    async with loop.tasks() as tasks:
        tasks.start(lambda: _send_all(a, messages))
        for sent in messages:
            got = await b.receive()
            require(type(got) is type(sent), f"Text arrives as str and binary as bytes, not as {type(got).__name__}.")
            require(got == sent, f"A message of {len(sent)} arrives as it was sent, not as another of {len(got)}.")


async def directions_are_independent(loop: Loop, a: Wire, b: Wire) -> None:
    """Both ends may send and receive at the same time, as much as they like."""
    flood = [PIECE[: 1000 * n] for n in range(1, 60)]

    async def drain(wire: Wire) -> None:
        for sent in flood:
            require(await wire.receive() == sent, "Both ends sending at once mixes no messages up.")

    async with loop.tasks() as tasks:
        started = [tasks.start(partial(_send_all, wire, flood)) for wire in (a, b)]
        await loop.settle()  # until both are full
        started += [tasks.start(partial(drain, wire)) for wire in (a, b)]
        for task in started:
            await task.join()


async def a_cancelled_receive_loses_nothing(loop: Loop, a: Wire, b: Wire) -> None:
    """A receive may be cancelled at any point: the next one goes on where it was."""
    sent = [f"{n}:".encode() + PIECE * (n % 3) for n in range(2 * RACES)]
    got: list[Frame] = []

    async def receive() -> None:
        got.append(await b.receive())

    async with loop.tasks() as tasks:
        # First a cancel that races with the arrival of a message, later and later.
        for late, message in enumerate(sent[:RACES]):
            receiver = tasks.start(receive)
            await loop.settle()
            sender = tasks.start(partial(a.send, message))
            await _steps(loop, late)
            await _cancelled(receiver)
            if not got or got[-1] != message:
                await receive()
            await sender.join()
            require(got[-1] == message, "A cancelled receive loses no message and no part of one.")
        # Then cancels at every point of a busy wire.
        tasks.start(lambda: _send_all(a, sent[RACES:]))
        late = 0
        while len(got) < len(sent):
            late += 1
            receiver = tasks.start(receive)
            await _steps(loop, late % RACES)
            await _cancelled(receiver)
            require(got == sent[: len(got)], "A cancelled receive loses no message and no part of one.")


async def the_closing_handshake(loop: Loop, a: Wire, b: Wire) -> None:
    """After a close the peer reads everything sent before it, then ``WireLost("eof")`` with the code and the reason."""
    sent: list[Frame] = [f"message {n}" for n in range(12)]
    async with loop.tasks() as tasks:
        await _send_all(a, sent)
        ends: list[WireLost] = []

        async def read() -> None:
            ends.append((await read_to_end(a))[1])

        reading, closing = tasks.start(read), tasks.start(lambda: _close(a, 4400, "that was all"))
        await loop.settle()
        got, end = await read_to_end(b)
        require(got == sent, f"A close loses nothing that was sent before it: {len(got)} of {len(sent)} came.")
        require(end.how == "eof", f"A close is an 'eof' at the other end, not a {end.how!r}.")
        require((end.code, end.reason) == (4400, "that was all"), "A close carries its code and its reason.")
        await lost(b.send("too late"), "A wire that has heard the peer's close sends no more.")
        await lost(b.receive(), "A lost wire stays lost.")
        await b.abort()
        await closing.join()
        await reading.join()
        require(ends[0].how == "eof", f"A close that has been read is an 'eof' at both ends, not a {ends[0].how!r}.")


async def a_close_amid_the_peers_sending(loop: Loop, a: Wire, b: Wire) -> None:
    """A close while the peer is sending reaches it as a close, and what came from it is whole and in order."""
    sent: list[Frame] = [f"{n}:".encode() + PIECE for n in range(40)]
    seen: list[Frame] = []

    async def read() -> None:
        frames, _ = await read_to_end(a)
        seen.extend(frames)

    async with loop.tasks() as tasks:
        sending = tasks.start(lambda: _send_until_lost(b, sent))
        seen.append(await a.receive())
        reading = tasks.start(read)
        closing = tasks.start(lambda: _close(a, 1000, "enough"))
        got, end = await read_to_end(b)
        require(
            not got and (end.how, end.code, end.reason) == ("eof", 1000, "enough"),
            f"A close while the peer is sending reaches it as that close, not as {end}.",
        )
        await sending.join()
        await b.abort()
        await closing.join()
        await reading.join()
        require(seen == sent[: len(seen)], "What is received during a close is whole and in order.")


async def both_close_at_once(loop: Loop, a: Wire, b: Wire) -> None:
    """Two closes that cross are one end, for both an ``eof``."""
    ends: list[str] = []

    async def read(wire: Wire) -> None:
        _, end = await read_to_end(wire)
        ends.append(end.how)

    async with loop.tasks() as tasks:
        started = [tasks.start(partial(read, wire)) for wire in (a, b)]
        await loop.settle()
        started += [tasks.start(partial(_close, wire, 1000, "bye")) for wire in (a, b)]
        for task in started:
            await task.join()
    require(ends == ["eof", "eof"], f"Two closes that cross are an 'eof' to both ends, not {' and '.join(ends)}.")


async def an_abort_ends_both(loop: Loop, a: Wire, b: Wire) -> None:
    """After an abort both ends raise at once, and the peer sees a ``reset``, not an ``eof``."""
    async with loop.tasks() as tasks:
        receiving = tasks.start(lambda: lost(a.receive(), "An abort wakes our own receive."))
        hearing: list[WireLost] = []

        async def hear() -> None:
            hearing.append(await lost(b.receive(), "An abort wakes the peer's receive."))

        other = tasks.start(hear)
        await loop.settle()
        await a.abort()
        await receiving.join()
        await lost(a.receive(), "After an abort receive raises WireLost.")
        await lost(a.send("too late"), "After an abort send raises WireLost.")
        await other.join()
        require(hearing[0].how == "reset", f"The peer of an abort sees a 'reset', not an {hearing[0].how!r}.")
        await lost(_send_for_ever(b), "Sending to an end that has gone raises WireLost.")
        await a.abort()
        await b.abort()
        await b.abort()


async def an_abort_ends_a_close(loop: Loop, a: Wire, b: Wire) -> None:
    """A close whose peer does not read is ended by an abort; one that is cancelled leaves the wire to an abort."""
    async with loop.tasks() as tasks:
        reading = tasks.start(lambda: read_to_end(a))
        closing = tasks.start(lambda: _close(a, 1000, ""))
        await loop.settle()
        await a.abort()
        await closing.join()
        await reading.join()
        closing = tasks.start(lambda: _close(b, 1000, ""))
        await _cancelled(closing)
        await b.abort()
        await lost(b.receive(), "After a cancelled close and an abort, receive raises WireLost.")


async def a_close_without_an_answer(loop: Loop, a: Wire, b: Wire) -> None:
    """A close whose peer goes without a close of its own is a ``reset``: nobody has said that it was heard."""
    ends: list[WireLost] = []

    async def read() -> None:
        ends.append((await read_to_end(a))[1])

    async with loop.tasks() as tasks:
        # Messages that b does not take keep the close from being answered by the wire itself.
        sending = tasks.start(lambda: _send_all(a, [f"message {n}" for n in range(UNREAD)]))
        await loop.settle()
        await _cancelled(sending)
        reading, closing = tasks.start(read), tasks.start(lambda: _close(a, 1000, "bye"))
        await loop.settle()
        await b.abort()
        await closing.join()
        await reading.join()
    require(ends[0].how == "reset", f"A close that the peer has not answered is a 'reset', not an {ends[0].how!r}.")


async def a_clogged_send_pushes_back(loop: Loop, a: Wire, b: Wire) -> None:
    """A send waits while the peer does not read, blocks no other call, and goes on when the peer reads."""
    async with loop.tasks() as tasks:
        sent = await _clog(loop, tasks, a)
        await b.send("the other way")
        require(await a.receive() == "the other way", "A send that waits does not stop receive.")
        for n in range(len(sent.pieces)):
            require(await b.receive() == sent.pieces[n], "What a clogged send held back arrives whole and in order.")
        await sent.last.join()


async def a_cancelled_send_tears_nothing(loop: Loop, a: Wire, b: Wire) -> None:
    """A send cancelled half way and an abort: the peer sees whole messages and the loss, never a part of one."""
    async with loop.tasks() as tasks:
        sent = await _clog(loop, tasks, a)
        await _cancelled(sent.last)
        await a.abort()
        await lost(a.send("next"), "After a cancelled send and an abort, send raises WireLost.")
        got, end = await read_to_end(b)
        require(got == sent.pieces[: len(got)], "Half a message is never received as a whole one.")
        require(end.how == "reset", f"A wire cut in a message is a 'reset' to the peer, not an {end.how!r}.")


async def a_blocked_send_is_woken(loop: Loop, a: Wire, b: Wire) -> None:
    """A send that waits raises as soon as its own end is aborted."""
    async with loop.tasks() as tasks:
        sent = await _clog(loop, tasks, a)
        await a.abort()
        await lost(sent.last.join(), "A send that waits is woken by an abort, and raises WireLost.")


async def a_blocked_send_is_woken_by_the_peer(loop: Loop, a: Wire, b: Wire) -> None:
    """A send that waits raises as soon as the peer has dropped the connection."""
    async with loop.tasks() as tasks:
        sent = await _clog(loop, tasks, a)
        await b.abort()
        await lost(sent.last.join(), "A send that waits is woken when the peer goes, and raises WireLost.")


Check = Callable[[Loop, Any, Any], Awaitable[None]]
"""A check of one promise, on a pair of wires that it may use up."""
CHECKS: Final[tuple[Check, ...]] = (
    messages_are_kept,
    directions_are_independent,
    a_cancelled_receive_loses_nothing,
    the_closing_handshake,
    a_close_amid_the_peers_sending,
    both_close_at_once,
    an_abort_ends_both,
    an_abort_ends_a_close,
    a_close_without_an_answer,
    a_clogged_send_pushes_back,
    a_cancelled_send_tears_nothing,
    a_blocked_send_is_woken,
    a_blocked_send_is_woken_by_the_peer,
)
TRICKLING: Final[tuple[Check, ...]] = (small_messages_are_kept, the_closing_handshake, an_abort_ends_both)
"""What a transport over bytes must keep where they come one at a time."""


async def run_checks(loop: Loop, make: MakePair, make_trickling: MakePair | None = None) -> None:
    """Run every check, each on a fresh pair, in both directions.

    ``make_trickling`` makes pairs whose bytes arrive one at a time; None where there are no bytes. A maker of clogged
    pairs is not needed: the checks clog a wire themselves. Raises `AssertionError` with every rule that was broken, a
    line each.
    """
    failures: list[str] = []
    runs = [(check, make, "") for check in CHECKS]
    if make_trickling is not None:
        runs += [(check, make_trickling, "byte by byte, ") for check in TRICKLING]
    for check, maker, how in runs:
        try:
            await run_check(loop, check, maker)
        except AssertionError as failure:
            failures.append(f"{how}{failure}")
    raise_all(failures, of=len(runs))


async def run_check(loop: Loop, check: Check, make: MakePair) -> None:
    """Run one check on fresh pairs, in both directions. Raises `AssertionError`."""
    name = getattr(check, "__name__", str(check))
    for first, second in ((0, 1), (1, 0)):
        waits, begun = Waits(loop.now), loop.now()
        try:
            async with loop.within(CHECK_TIMEOUT_S, HANGS), make() as pair:
                wires = waits.watched(pair)
                await check(loop, wires[first], wires[second])
        except Exception as error:
            why = sentence(error, "A wire raises WireLost when it is lost, not before, and nothing else")
            if why == HANGS:
                why = f"it hangs in {waits.stuck_at(begun + CHECK_TIMEOUT_S)}; the rule is: {check.__doc__}"
            raise AssertionError(f"{name}: {why}") from error


class _Clogged:
    """The frames sent before the wire pushed back, and the send that waits."""

    def __init__(self) -> None:
        self.pieces: list[Frame] = []
        self.last: Task


async def _clog(loop: Loop, tasks: Tasks, wire: Wire) -> _Clogged:
    clogged = _Clogged()
    while len(clogged.pieces) < MOST_IN_FLIGHT:
        piece = f"{len(clogged.pieces)}:".encode() + PIECE
        clogged.pieces.append(piece)
        clogged.last = tasks.start(lambda: wire.send(piece))  # noqa: B023  # the task starts before the next turn
        for _ in range(SURE):
            await loop.settle()
        if not clogged.last.done:
            return clogged
        await clogged.last.join()
    raise AssertionError("A wire pushes back: 64 MiB were taken although the peer reads nothing.")


async def _cancelled(task: Task) -> None:
    task.cancel()
    await task.join()


async def _steps(loop: Loop, count: int) -> None:
    for _ in range(count):
        await loop.sleep(0)


async def _send_all(wire: Wire, frames: Any) -> None:
    for frame in frames:
        await wire.send(frame)


async def _send_until_lost(wire: Wire, frames: Any) -> None:
    try:
        await _send_all(wire, frames)
    except WireLost:
        return


async def _send_for_ever(wire: Wire) -> None:
    while True:
        await wire.send(PIECE)


async def _close(wire: Wire, code: int, reason: str) -> None:
    """Close, and ignore a loss of the peer before it answers."""
    try:
        await wire.close(code, reason)
    except WireLost:
        return
