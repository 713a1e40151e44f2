"""The kit, tested: each planted fault is killed by a named check, which passes without it (the other tests here)."""

import inspect
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import auricle.transports.asyncio.driver as asyncio_driver
import auricle.transports.trio.driver as trio_driver
from auricle.core import Frame
from auricle.transports import in_memory_wire
from auricle.transports.driver import BaseDriver
from auricle.transports.in_memory_wire import InMemoryWire, memory_pair
from auricle.transports.testing import (
    cancellation_sweep,
    driver_scenarios,
    termination_scenarios,
    transport,
)
from auricle.transports.testing.driver_harness import Scenario, run_scenario
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.replay import Action, play
from auricle.transports.wire import WireLost
from transports.drivers import DRIVERS

Patch = pytest.MonkeyPatch
NATIVE: dict[str, Any] = {"trio": trio_driver.Driver, "asyncio": asyncio_driver.Driver}


def edit(patch: Patch, owner: type, method: str, *edits: tuple[str, str]) -> None:
    """Change the source of a method; each piece of text must be there once, else the fault is out of date."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
    for old, new in edits:
        assert source.count(old) == 1, f"{owner.__qualname__}.{method} no longer has {old!r}"
        source = source.replace(old, new)
    namespace = dict(vars(sys.modules[owner.__module__]))
    exec(source, namespace)
    patch.setattr(owner, method, namespace[method])


def reader_waits_for_the_application(patch: Patch, world: str) -> None:
    posting = "self.post(partial(self._frame_received, transport, frame))"
    waiting = "while len(self._emit.__self__._events._events) > 16: await self.session_changed()"
    edit(patch, NATIVE[world], "_read", (posting, f"{posting}\n            {waiting}"))


def reader_waits_for_the_writer(patch: Patch, world: str) -> None:
    posting = "self.post(partial(self._frame_received, transport, frame))"
    full = {"trio": "transport.outbox.statistics().current_buffer_used", "asyncio": "transport.outbox.qsize()"}[world]
    edit(
        patch,
        NATIVE[world],
        "_read",
        (posting, f"{posting}\n            while {full} > 2: await self.session_changed()"),
    )


def a_cut_write_is_followed_by_the_next(patch: Patch, world: str) -> None:
    stalled = 'self._report_loss(transport, WireLost("stalled"))'
    edit(patch, NATIVE[world], "_write", (stalled, "continue"))


def a_failed_write_ends_the_reading(patch: Patch, world: str) -> None:
    # The comment is the only statement's neighbour there is: what follows it is `return`.
    failed = "# The reader still receives what the peer sent before the loss, and then the reason."
    edit(patch, NATIVE[world], "_write", (failed, 'self._report_loss(transport, WireLost("reset"))'))


def a_timer_is_given_the_time_before_it(patch: Patch, world: str) -> None:
    clock = {"trio": "trio.current_time()", "asyncio": "self._clock()"}[world]
    edit(patch, NATIVE[world], "_next", (f"max({clock}, deadline or 0.0)", "(deadline or 0.0) - 0.001"))


def a_timer_is_given_its_deadline(patch: Patch, world: str) -> None:
    clock = {"trio": "trio.current_time()", "asyncio": "self._clock()"}[world]
    edits = [(f"max({clock}, deadline or 0.0)", "deadline or 0.0")]
    if world == "asyncio":
        edits.append(("return self._session.handle_timeout(now=self._clock())", "pass"))
    edit(patch, NATIVE[world], "_next", *edits)


def the_socket_is_dropped_after_the_last_message(patch: Patch, world: str) -> None:
    edit(patch, NATIVE[world], "_write", ("await wire.close(item.code, item.reason)", "await wire.abort()"))


def a_cancel_of_the_application_drops_the_wire(patch: Patch, world: str) -> None:
    drop = {"trio": "self._transport.scope.cancel()", "asyncio": "self._transport.drop()"}[world]
    waiting = "await done.wait()"
    edit(
        patch, BaseDriver, "call",
        (waiting, f"try:\n        {waiting}\n    except BaseException:\n        {drop}\n        raise"),
    )  # fmt: skip


def stale_transports_are_heard(patch: Patch, world: str) -> None:
    patch.setattr(NATIVE[world], "_is_current", lambda _self, _transport: True)


def a_cancelled_driver_tells_nobody(patch: Patch, world: str) -> None:
    patch.setattr(BaseDriver, "_emit_events", lambda _self, outputs: list(outputs))


def the_reader_changes_the_session_itself(patch: Patch, world: str) -> None:
    posting = "self.post(partial(self._frame_received, transport, frame))"
    edit(patch, NATIVE[world], "_read", (posting, "self._frame_received(transport, frame, self._clock())"))


def only_the_first_output_is_routed(patch: Patch, world: str) -> None:
    edit(patch, NATIVE[world], "_route", ("for output in outputs", "for output in outputs[:1]"))


def events_are_handed_over_in_reverse(patch: Patch, world: str) -> None:
    edit(patch, NATIVE[world], "_route", ("for output in outputs", "for output in reversed(list(outputs))"))


def every_loss_is_a_reset(patch: Patch, world: str) -> None:
    edit(patch, BaseDriver, "_wire_lost", ("lost.how, lost.code", '"reset", 1006'))


def a_wire_is_opened_before_its_time(patch: Patch, world: str) -> None:
    waiting = {"trio": "trio.sleep_until(not_before)", "asyncio": "asyncio.sleep(not_before - self._clock())"}[world]
    none = {"trio": "trio.sleep(0)", "asyncio": "asyncio.sleep(0)"}[world]
    edit(patch, NATIVE[world], "_run_transport", (waiting, none))


def a_stalled_write_is_waited_for_for_ever(patch: Patch, world: str) -> None:
    edit(patch, NATIVE[world], "_write", ("self._session.snapshot.limits.write_stall_s", "1e5"))


FAULTS: list[tuple[Callable[[Patch, str], None], Scenario]] = [
    (reader_waits_for_the_application, driver_scenarios.rule_4_the_reader_waits_for_nobody),
    (reader_waits_for_the_writer, driver_scenarios.rule_4_the_reader_waits_for_nobody),
    (a_cut_write_is_followed_by_the_next, driver_scenarios.rule_5_a_stalled_write_kills_the_transport),
    (a_stalled_write_is_waited_for_for_ever, driver_scenarios.rule_5_a_stalled_write_kills_the_transport),
    (a_failed_write_ends_the_reading, driver_scenarios.rule_3_a_failed_write_is_not_the_end_of_reading),
    (a_timer_is_given_the_time_before_it, driver_scenarios.rule_7_a_timer_that_fired_has_fired),
    (a_timer_is_given_its_deadline, driver_scenarios.rule_7_a_late_timer_tells_how_late),
    (the_socket_is_dropped_after_the_last_message, termination_scenarios.rule_10_the_closing_handshake_is_waited_for),
    (a_cancel_of_the_application_drops_the_wire, driver_scenarios.rule_6_a_cancelled_call_leaves_the_wire_alone),
    (stale_transports_are_heard, termination_scenarios.what_a_stale_transport_says_is_ignored),
    (the_reader_changes_the_session_itself, driver_scenarios.rule_1_one_task_owns_the_session),
    (only_the_first_output_is_routed, termination_scenarios.rule_10_the_closing_handshake_is_waited_for),
    (events_are_handed_over_in_reverse, driver_scenarios.rule_2_every_output_is_routed_in_order),
    (every_loss_is_a_reset, termination_scenarios.rule_9("eof", 1011, "closed (code 1011)")),
    (a_wire_is_opened_before_its_time, termination_scenarios.a_server_that_stays_away_is_given_up),
]


@pytest.mark.parametrize("world", NATIVE)
@pytest.mark.parametrize(("fault", "killer"), FAULTS, ids=lambda item: item.__name__)
def test_a_faulty_driver_is_caught(
    monkeypatch: pytest.MonkeyPatch, world: str, fault: Callable[[Patch, str], None], killer: Scenario
) -> None:
    fault(monkeypatch, world)
    with pytest.raises(AssertionError, match=killer.__name__):
        run_scenario(*DRIVERS[world], killer)


def test_a_timer_that_trusts_itself_is_caught_where_timers_are_early(monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, NATIVE["asyncio"], "_next", ("max(self._clock(), deadline or 0.0)", "self._clock()"))
    with pytest.raises(AssertionError, match=r"never before the deadline"):
        run_scenario(*DRIVERS["asyncio, timers early"], driver_scenarios.rule_7_a_timer_that_fired_has_fired)


def test_a_task_left_behind_is_caught_by_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_waiting(_self: object) -> None:
        return

    monkeypatch.setattr(NATIVE["asyncio"], "_drop_all", no_waiting)
    with pytest.raises(AssertionError, match="cut at step"):
        cancellation_sweep.sweep(*DRIVERS["asyncio"], cancellation_sweep.through_a_lost_wire)


def test_a_terminal_event_that_is_missing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """On trio, where a cancel reaches application and driver at once; asyncio's `aclose` is always heard first."""
    a_cancelled_driver_tells_nobody(monkeypatch, "trio")
    with pytest.raises(AssertionError, match="a_cancelled_application_ends_the_session"):
        run_scenario(*DRIVERS["trio"], termination_scenarios.a_cancelled_application_ends_the_session)
    with pytest.raises(AssertionError, match=r"cut at step .*terminal event"):
        cancellation_sweep.sweep(*DRIVERS["trio"], cancellation_sweep.from_start_to_end)


def test_a_driver_that_is_late_by_a_millisecond_is_not_equivalent(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [Action(0.1071, "speak"), Action(1.0191, "break"), Action(1.0191, "end")]
    expected = play(*DRIVERS["trio"], script)
    edit(monkeypatch, NATIVE["asyncio"], "_run_transport", ("sleep(not_before", "sleep(0.001 + not_before"))
    assert play(*DRIVERS["asyncio"], script) != expected


# ---------------------------------------------------------------------------- wires


class LosesOnCancel(InMemoryWire):
    async def receive(self) -> Frame:
        frame = await super().receive()
        await self._loop.sleep(0)
        return frame


class TearsOnCancel(InMemoryWire):
    async def send(self, frame: Frame) -> None:
        try:
            await super().send(frame)
        except WireLost:
            raise
        except BaseException:
            self.peer._incoming.append(frame[: len(frame) // 2])
            raise


class ClosesAtOnce(InMemoryWire):
    """The socket goes right after the last message: what the peer has not read yet is gone."""

    async def close(self, code: int, reason: str) -> None:
        self.peer._incoming.clear()
        await super().close(code, reason)


class ForgetsTheReason(InMemoryWire):
    async def close(self, code: int, reason: str) -> None:
        await super().close(code, "")


class AbortsPolitely(InMemoryWire):
    async def abort(self) -> None:
        self._close_sent = (1000, "")
        await super().abort()


class ClosesRudely(InMemoryWire):
    async def close(self, code: int, reason: str) -> None:
        await super().abort()


class TakesALossForAnAnswer(InMemoryWire):
    async def receive(self) -> Frame:
        try:
            return await super().receive()
        except WireLost:
            if self._close_sent is None:
                raise
            raise WireLost("eof", *self._close_sent) from None


class SleepsThroughAborts(InMemoryWire):
    def notify(self) -> None:
        if not self._aborted:
            super().notify()


class NeverPushesBack(InMemoryWire):
    async def send(self, frame: Frame) -> None:
        if self._is_over():
            raise WireLost("reset")
        self.peer._incoming.append(frame)
        self.notify()


class SkipsEmpty(InMemoryWire):
    async def send(self, frame: Frame) -> None:
        if frame:
            await super().send(frame)


class MixesTextAndBytes(InMemoryWire):
    async def receive(self) -> Frame:
        frame = await super().receive()
        return frame.encode() if isinstance(frame, str) else frame


class SwapsNeighbours(InMemoryWire):
    async def send(self, frame: Frame) -> None:
        await super().send(frame)
        self.peer._incoming.reverse()


class GoesOnAfterTheEnd(InMemoryWire):
    def _is_over(self) -> bool:
        return self._aborted or self.peer._aborted


class OneDirectionAtATime(InMemoryWire):
    async def receive(self) -> Frame:
        while len(self.peer._incoming) >= in_memory_wire.CAPACITY:
            await self._changed.wait()
        return await super().receive()


class LeaksItsOwnErrors(InMemoryWire):
    async def receive(self) -> Frame:
        try:
            return await super().receive()
        except WireLost:
            raise ConnectionResetError from None


class NeverOpens(InMemoryWire):
    async def send(self, frame: Frame) -> None:
        raise WireLost("reset")


WIRES: list[tuple[type[InMemoryWire], transport.Check]] = [
    (LosesOnCancel, transport.a_cancelled_receive_loses_nothing),
    (TearsOnCancel, transport.a_cancelled_send_tears_nothing),
    (ClosesAtOnce, transport.the_closing_handshake),
    (ForgetsTheReason, transport.the_closing_handshake),
    (ClosesRudely, transport.both_close_at_once),
    (ClosesRudely, transport.a_close_amid_the_peers_sending),
    (TakesALossForAnAnswer, transport.a_close_without_an_answer),
    (AbortsPolitely, transport.an_abort_ends_both),
    (SleepsThroughAborts, transport.an_abort_ends_both),
    (SleepsThroughAborts, transport.a_blocked_send_is_woken),
    (SleepsThroughAborts, transport.a_blocked_send_is_woken_by_the_peer),
    (SleepsThroughAborts, transport.an_abort_ends_a_close),
    (NeverPushesBack, transport.a_clogged_send_pushes_back),
    (SkipsEmpty, transport.messages_are_kept),
    (MixesTextAndBytes, transport.messages_are_kept),
    (SwapsNeighbours, transport.messages_are_kept),
    (GoesOnAfterTheEnd, transport.the_closing_handshake),
    (LeaksItsOwnErrors, transport.the_closing_handshake),
    (NeverOpens, transport.messages_are_kept),
    (OneDirectionAtATime, transport.directions_are_independent),
]


@pytest.mark.parametrize("world", NATIVE)
@pytest.mark.parametrize(("kind", "killer"), WIRES, ids=lambda item: item.__name__)
def test_a_faulty_wire_is_caught(world: str, kind: type[InMemoryWire], killer: transport.Check) -> None:
    loop: Loop = DRIVERS[world][0]
    with pytest.raises(AssertionError, match=rf"^{killer.__name__}: .*\w"):
        loop.run(lambda: transport.run_check(loop, killer, lambda: memory_pair(loop.signal, kind=kind)))


async def check_in_memory(loop: Loop, kind: type[InMemoryWire]) -> None:
    await transport.run_checks(loop, lambda: memory_pair(loop.signal, kind=kind))


@pytest.mark.parametrize("world", NATIVE)
def test_every_rule_that_is_broken_is_told(world: str) -> None:
    loop: Loop = DRIVERS[world][0]
    with pytest.raises(AssertionError) as caught:
        loop.run(lambda: check_in_memory(loop, SleepsThroughAborts))
    first, *told = str(caught.value).splitlines()
    broken = [line.partition(":")[0] for line in told]
    assert first == f"{len(broken)} of {len(transport.CHECKS)} checks fail."
    assert {"an_abort_ends_both", "a_blocked_send_is_woken", "an_abort_ends_a_close"} <= set(broken)
    assert "messages_are_kept" not in broken


@pytest.mark.parametrize("world", NATIVE)
def test_a_hang_says_where_it_waits(world: str) -> None:
    loop: Loop = DRIVERS[world][0]
    with pytest.raises(AssertionError) as caught:
        loop.run(lambda: transport.run_check(loop, transport.an_abort_ends_both, lambda: pair_of(loop)))
    assert str(caught.value).startswith("an_abort_ends_both: it hangs in one.receive() and other.receive();")
    assert "the rule is: After an abort both ends raise at once" in str(caught.value)


def pair_of(loop: Loop) -> Any:
    return memory_pair(loop.signal, kind=SleepsThroughAborts)


@pytest.mark.parametrize("world", NATIVE)
def test_a_pair_that_is_never_made_is_told_as_such(world: str) -> None:
    loop: Loop = DRIVERS[world][0]

    @asynccontextmanager
    async def never() -> AsyncIterator[tuple[InMemoryWire, InMemoryWire]]:
        await loop.signal().wait()
        raise AssertionError("nobody sets that")
        yield

    with pytest.raises(AssertionError, match="it hangs in the making or the end of the pair"):
        loop.run(lambda: transport.run_check(loop, transport.messages_are_kept, never))
