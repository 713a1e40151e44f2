"""The ten driver rules (notes/sans-io.md §5), each against both drivers, on virtual time."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from auricle.core import ClientSession, Final, Limits, LocalProtocolError, Partial, SessionClosed, Start
from auricle.core.machine import step as real_step
from auricle.core.outputs import RawOutput
from auricle.core.session import Outputs
from auricle.core.snapshot import Snapshot
from auricle.core.stimuli import Stimulus
from auricle.transports.errors import ConnectFailed, SessionOver
from transports.lab import Lab, read_all, settle
from transports.virtual import BACKENDS, Backend, run_virtual

pytestmark = pytest.mark.parametrize("backend", BACKENDS)
SECOND = bytes(32_000)


def test_rule_1_one_task_owns_the_core(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    owners: set[int] = set()

    def spy(snapshot: Snapshot, stimulus: Stimulus, *, now: float) -> tuple[Snapshot, tuple[RawOutput, ...]]:
        owners.add(anyio.get_current_task().id)
        return real_step(snapshot, stimulus, now=now)

    monkeypatch.setattr("auricle.core.session.step", spy)
    monkeypatch.setattr("auricle.core.client.step", spy)

    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(client.send_audio, SECOND)
            tasks.start_soon(client.flush)
            await settle()
            await client.end_input()
            await settle()
            lab.peer.hang_up()

    run_virtual(backend, scenario)
    assert len(owners) == 1


def test_rule_2_every_output_is_routed_before_the_next_input(backend: Backend) -> None:
    order: list[str] = []

    class Spy(ClientSession):
        def receive(self, frame: Any, *, now: float) -> Outputs:
            order.append("input")
            outputs = super().receive(frame, now=now)
            order.extend("output" for _ in outputs)
            return outputs

    async def scenario() -> None:
        lab = Lab(backend)
        for _ in range(3):
            lab.peer.say("loading", stage="model")
        lab.peer.ready()
        async with lab.connect(Spy(Start(), now=anyio.current_time())) as client:
            emit = client._emit

            def routed(event: Any) -> None:
                order.append("routed")
                emit(event)

            client._driver._emit = routed  # type: ignore[attr-defined]
            for n in range(3):
                lab.peer.say("warning", code=f"w{n}", message="…")
            await settle()
            lab.peer.hang_up()
            await read_all(client)

    run_virtual(backend, scenario)
    assert order[-10:] == [*["input", "output", "routed"] * 3, "routed"]  # the last one is the terminal event


def test_rule_3_a_failed_write_never_discards_what_was_received(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            await client.send_audio(SECOND)
            await settle()
            lab.wire.clogged = True
            await client.send_audio(SECOND)
            lab.peer.final("kept", 0, 0, 8_000)
            lab.peer.final("as well", 1, 8_000, 16_000)
            lab.peer.hang_up("reset")
            lab.wire.clogged = False  # the blocked write now fails
            lab.wire.change()
            events = await read_all(client)
        assert [event.text for event in events if isinstance(event, Final)] == ["kept", "as well"]
        assert client.closed is not None
        assert (client.closed.reason, client.closed.complete) == ("lost", False)

    run_virtual(backend, scenario)


def test_rule_4_the_reader_waits_neither_for_the_writer_nor_for_the_application(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            lab.wire.clogged = True
            await client.send_audio(SECOND)
            for rev in range(1, 200):
                lab.peer.say("partial", segment=0, rev=rev, text=f"word {rev}", start=0.0, end=0.1)
            await settle()
            assert not lab.wire.incoming, "everything was read although nothing could be written and nobody iterated"
            lab.peer.hang_up()

    run_virtual(backend, scenario)


def test_rule_5_a_stalled_write_kills_the_transport_and_is_never_retried(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            lab.wire.clogged = True
            begun = anyio.current_time()
            await client.send_audio(SECOND)
            events = await read_all(client)
            assert anyio.current_time() - begun == pytest.approx(Limits().write_stall_s, abs=0.1)
        closed = events[-1]
        assert isinstance(closed, SessionClosed)
        assert (closed.reason, closed.complete) == ("lost", False)
        assert "stopped taking data" in closed.message
        assert lab.wire.aborted
        assert lab.peer.audio == b""

    run_virtual(backend, scenario)


def test_rule_6_cancelling_the_application_never_cuts_a_write(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready(credit=16_000)
        async with lab.connect() as client:
            lab.wire.clogged = True
            with anyio.move_on_after(1.0):
                await client.send_audio(bytes(range(256)) * 125)  # one second
                await client.send_audio(bytes(64_000) * 20)  # waits for room, and is cancelled there
            lab.wire.clogged = False
            lab.wire.change()
            # Two seconds may be sent on the credit of the pre-buffer, and every byte of them arrives in order.
            audio = await lab.peer.hear_audio(64_000)
            assert audio == bytes(range(256)) * 125 + bytes(32_000), "the write that was in progress is whole"
            assert client.closed is None
            lab.peer.hang_up()

    run_virtual(backend, scenario)


def test_rule_7_a_timer_that_fired_has_fired(backend: Backend) -> None:
    early: list[float] = []
    calls: list[float] = []

    class Spy(ClientSession):
        def handle_timeout(self, *, now: float) -> Outputs:
            deadline = self.next_deadline
            assert deadline is not None
            calls.append(now)
            if now < deadline:
                early.append(now)
            outputs = super().handle_timeout(now=now)
            assert self.next_deadline is None or self.next_deadline > now, "no hot loop"
            return outputs

    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect(Spy(Start(), now=anyio.current_time())), anyio.create_task_group() as tasks:

            async def answer_pings() -> None:
                while True:
                    await anyio.sleep(10)
                    lab.peer.say("pong", now=0.0)

            tasks.start_soon(answer_pings)
            await anyio.sleep(3600)
            tasks.cancel_scope.cancel()
            lab.peer.hang_up()

    run_virtual(backend, scenario)
    assert not early
    assert 100 < len(calls) < 1000


def test_rule_8_reading_never_pauses_and_memory_stays_bounded(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            await client.send_audio(SECOND)
            await settle()
            for rev in range(1, 5000):
                lab.peer.say("partial", segment=0, rev=rev, text=f"word {rev}", start=0.0, end=0.1)
                lab.peer.say("ack", received=16_000, processed=rev, committed=0, credit=480_000 + rev, discard_before=0)
            for rev in range(5000, 10_000):
                lab.peer.say("partial", segment=0, rev=rev, text=f"word {rev}", start=0.0, end=0.1)
            await settle()
            assert not lab.wire.incoming
            assert len(client._events._events) < 10_010, "what supersedes an untaken event takes its place"
            lab.peer.final("word", 0, 0, 16_000)
            lab.peer.hang_up()
            events = await read_all(client)
            partials = [event for event in events if isinstance(event, Partial)]
            assert partials[-1].text == "word 9999"
            assert isinstance(events[-2], Final)

    run_virtual(backend, scenario)


@pytest.mark.parametrize(
    ("end", "reason", "words"),
    [
        (lambda peer: peer.hang_up("eof", 1000), "lost", "closed (code 1000)"),
        (lambda peer: peer.hang_up("eof", 1011), "lost", "closed (code 1011)"),
        (lambda peer: peer.hang_up("reset", 1006), "lost", "broke"),
    ],
    ids=["eof 1000", "eof 1011", "reset"],
)
def test_rule_9_eof_and_reset_are_different_inputs(
    backend: Backend, end: Callable[[Any], None], reason: str, words: str
) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            end(lab.peer)
            closed = (await read_all(client))[-1]
            assert isinstance(closed, SessionClosed)
            assert (closed.reason, closed.complete) == (reason, False)
            assert words in closed.message

    run_virtual(backend, scenario)


def test_rule_9_our_own_close_is_the_third(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            begun = anyio.current_time()
            await client.aclose()
            assert anyio.current_time() - begun == pytest.approx(Limits().abort_timeout_s, abs=0.1)
            assert client.closed is not None
            assert client.closed.reason == "aborted"
            await client.aclose()
        assert await lab.peer.hear("cancel")

    run_virtual(backend, scenario)


def test_rule_10_the_closing_handshake_is_waited_for(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            await client.end_input()
            await lab.peer.hear("end_input")
            lab.peer.input_ended(0)
            lab.peer.complete(0)
            await read_all(client)
            assert client.closed is not None
            assert client.closed.complete is True
            await settle()
            assert lab.wire.closed == (1000, "completed")
            assert not lab.wire.aborted
            assert not lab.wire_left, "still reading until the peer's end of the handshake"
            lab.peer.hang_up()
        assert lab.wire_left

    run_virtual(backend, scenario)


def test_rule_10_the_closing_handshake_is_bounded(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        begun = 0.0
        async with lab.connect() as client:
            await client.end_input()
            await lab.peer.hear("end_input")
            lab.peer.input_ended(0)
            lab.peer.complete(0)
            await read_all(client)
            begun = anyio.current_time()
        assert anyio.current_time() - begun == pytest.approx(Limits().close_timeout_s, abs=0.1)
        assert lab.wire_left

    run_virtual(backend, scenario)


def test_a_transport_that_never_opens_is_given_up(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        begun = anyio.current_time()
        with pytest.raises(ConnectFailed) as caught:
            async with lab.connect(opens_after_s=1e5):
                pass
        assert anyio.current_time() - begun == pytest.approx(Limits().connect_timeout_s, abs=0.1)
        assert caught.value.closed.error == "connect_timeout"
        assert caught.value.closed.retriable

    run_virtual(backend, scenario)


def test_a_server_that_says_nothing_is_given_up(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        with pytest.raises(ConnectFailed) as caught:
            async with lab.connect():
                pass
        assert caught.value.closed.error == "ready_timeout"

    run_virtual(backend, scenario)


def test_sending_after_the_server_has_ended_the_input_says_that_the_session_is_over(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client, anyio.create_task_group() as tasks:
            lab.peer.say("input_ended", received=0, by="server", code="shutdown")
            await settle()
            outcomes: list[str] = []

            async def send() -> None:
                with pytest.raises(SessionOver) as caught:
                    await client.send_audio(SECOND)
                outcomes.append(caught.value.closed.reason)

            async def flush() -> None:
                with pytest.raises(SessionOver) as caught:
                    await client.flush()
                outcomes.append(caught.value.closed.reason)

            tasks.start_soon(send)
            tasks.start_soon(flush)
            await settle()
            stats = {"received": 0, "processed": 0, "committed": 0}
            lab.peer.say("closed", reason="shutdown", code=1012, complete=False, stats=stats)
            lab.peer.hang_up()
        assert outcomes == ["shutdown"] * 2

    run_virtual(backend, scenario)


def test_sending_after_our_own_end_of_input_is_our_own_mistake(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        async with lab.connect() as client:
            await client.end_input()
            with pytest.raises(LocalProtocolError, match="the input has ended"):
                await client.send_audio(SECOND)
            with pytest.raises(LocalProtocolError, match="the input has ended"):
                await client.flush()
            lab.peer.hang_up()

    run_virtual(backend, scenario)


def test_an_exception_in_the_block_leaves_it_as_it_is(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        with pytest.raises(ZeroDivisionError):
            async with lab.connect():
                raise ZeroDivisionError
        assert lab.wire_left

    run_virtual(backend, scenario)


def test_a_cancelled_block_leaves_nothing_behind(backend: Backend) -> None:
    async def scenario() -> None:
        lab = Lab(backend)
        lab.peer.ready()
        with anyio.move_on_after(1.0):
            async with lab.connect() as client:
                await read_all(client)
        assert lab.wire_left

    run_virtual(backend, scenario)


def test_a_cancel_at_any_checkpoint_leaves_no_task_and_no_false_complete(backend: Backend) -> None:
    async def scenario(cancel_at: int) -> bool:
        lab = Lab(backend)
        lab.peer.ready()
        client = None
        finished = False
        with anyio.CancelScope() as scope:
            remaining = cancel_at

            async def checkpoint() -> None:
                nonlocal remaining
                remaining -= 1
                if remaining <= 0:
                    scope.cancel()
                await anyio.lowlevel.checkpoint()

            async with lab.connect() as client:
                await checkpoint()
                await client.send_audio(SECOND)
                await checkpoint()
                await client.flush()
                await checkpoint()
                await client.end_input()
                await checkpoint()
                lab.peer.final("hello", 0, 0, 16_000)
                await checkpoint()
                lab.peer.say("flushed", id="f1", upto=16_000)
                lab.peer.input_ended(16_000)
                await checkpoint()
                lab.peer.complete(16_000, segments=1)
                await checkpoint()
                lab.peer.hang_up()
                await read_all(client)
                finished = True
        if client is not None:
            assert client.closed is not None
            assert client.closed.complete is (True if finished else client.closed.reason == "completed")
        assert lab.wire_left
        return finished

    outcomes = [run_virtual(backend, lambda n=n: scenario(n)) for n in range(1, 10)]  # type: ignore[misc]
    assert outcomes[-1]
    assert not outcomes[0]
