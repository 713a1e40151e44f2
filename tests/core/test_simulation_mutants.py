"""The simulation, tested: faults planted in rules, effects and drivers must each be killed by one of the first seeds.

``pytest -s`` prints which seed kills which, and why.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auricle.core import client_effects, client_recovery, rules, server_recovery, server_send, timers
from auricle.core.draft import Draft
from auricle.core.effects import EFFECTS
from auricle.core.guards import GUARDS
from auricle.core.messages import Final
from auricle.core.outcomes import Effect, Guard, Ignore, Rule
from auricle.core.outputs import CloseTransport, Output, Record, Replay
from auricle.core.server import ServerSession
from auricle.core.states import Kind, Role, State
from auricle.core.stimuli import Stimulus
from auricle.core.testing.driver import Driver
from auricle.core.testing.network import Path
from auricle.core.testing.random_scenarios import draw
from auricle.core.testing.scenario import EndInput, Fault, Scenario, Speak
from auricle.core.testing.simulation import SimulationFailure, simulate

Patch = pytest.MonkeyPatch
MOST_SEEDS = 600
TRIED_FIRST = (0, 2, 4, 6, 9, 13, 14, 18, 22, 87, 94, 134, 227, 243, 377)
"""Seeds that have killed before. Where drawing has changed they are seeds like any other."""


def in_effect(patch: Patch, role: Role, effect: Effect, do: Callable[[Draft, Stimulus], None]) -> None:
    patch.setitem(EFFECTS[role], effect, do)  # type: ignore[arg-type]


def leaked_credit(patch: Patch) -> None:
    """What the engine hears does not come back as credit."""

    def advance(draft: Draft, stimulus: Stimulus) -> None:
        credit = draft.s.credit
        server_send.advance(draft, stimulus)
        draft.update(credit=credit)

    in_effect(patch, Role.SERVER, Effect.ADVANCE, advance)


def final_dropped_at_close(patch: Patch) -> None:
    """The last final is counted, and does not leave."""
    send = Draft.send

    def lossy(draft: Draft, message: Any) -> None:
        send(draft, message)
        if isinstance(message, Final) and message.reason == "end_input":
            draft.outputs.pop()

    patch.setattr(Draft, "send", lossy)


def second_terminal_event(patch: Patch) -> None:
    """A client that has been told closed calls itself lost when the connection goes."""
    patch.setitem(rules.LOCAL_TO_CLIENT[Kind.LOST], State.CLOSED, (Rule((Effect.END_LOST,)),))  # type: ignore[index]


def resends_from_its_own_guess(patch: Patch) -> None:
    """After resumed the client goes on where it believes it was, and not where the server says."""

    def guess(draft: Draft, stimulus: Stimulus) -> None:
        sent = draft.s.sent
        client_recovery.apply_resumed(draft, stimulus)
        draft.update(sent=sent)

    in_effect(patch, Role.CLIENT, Effect.APPLY_RESUMED, guess)


def audio_before_resumed(patch: Patch) -> None:
    """The client is not gated."""
    patch.setattr(client_effects, "may_send", lambda s: s.started and s.attached and not s.cancelled)


def drain_kept_alive_by_partials(patch: Patch) -> None:
    """Every partial re-arms the drain timer: an engine that gets nowhere is never given up."""
    track = EFFECTS[Role.SERVER][Effect.TRACK_PARTIAL]

    def revive(draft: Draft, stimulus: Stimulus) -> None:
        track(draft, stimulus)
        draft.update(progress_at=draft.now)

    in_effect(patch, Role.SERVER, Effect.TRACK_PARTIAL, revive)


def socket_closed_after_the_last_message(patch: Patch) -> None:
    """The driver says the Close frame and closes the socket: unread data turns that into a reset (uvicorn #3047)."""
    do = Driver._do

    def hasty(driver: Driver, output: Output) -> None:
        do(driver, output)
        if isinstance(output, CloseTransport) and driver.transport.end is not None:
            driver.transport.end.abort()
            driver.lose(driver.transport, "eof", 1000, "")

    patch.setattr(Driver, "_do", hasty)


def token_rotated_too_early(patch: Patch) -> None:
    """The old token is void as soon as it is used: a cut that swallows resumed locks the client out."""

    def rotate(draft: Draft, stimulus: Stimulus) -> None:
        server_recovery.accept_resume(draft, stimulus)
        draft.recover(previous_token=None)

    in_effect(patch, Role.SERVER, Effect.ACCEPT_RESUME, rotate)


def replay_begins_too_late(patch: Patch) -> None:
    """The first message that was missed is not sent again."""
    keep = ServerSession._keep

    def forgetful(session: ServerSession, item: Any) -> Any:
        return keep(session, replace(item, seq=item.seq + 1) if isinstance(item, Replay) else item)

    patch.setattr(ServerSession, "_keep", forgetful)


def nothing_is_recorded_while_alone(patch: Patch) -> None:
    """What is said without a client is lost."""
    keep = ServerSession._keep
    patch.setattr(ServerSession, "_keep", lambda s, item: () if isinstance(item, Record) else keep(s, item))


def ring_let_go_too_early(patch: Patch) -> None:
    """What a server has received is not kept for the case that it loses it."""

    def hasty(draft: Draft, stimulus: Stimulus) -> None:
        client_effects.trim_ring(draft, stimulus)
        draft.update(ring_start=max(draft.s.ring_start, draft.s.received))

    in_effect(patch, Role.CLIENT, Effect.TRIM_RING, hasty)


def controls_not_said_again(patch: Patch) -> None:
    """After resumed only audio is sent again."""

    def half(draft: Draft, stimulus: Stimulus) -> None:
        outbox_sent = draft.s.outbox_sent
        client_recovery.apply_resumed(draft, stimulus)
        draft.update(outbox_sent=outbox_sent)

    in_effect(patch, Role.CLIENT, Effect.APPLY_RESUMED, half)


def flushes_not_told_apart(patch: Patch) -> None:
    """A flush that is said again is answered again."""
    patch.setitem(GUARDS, Guard.KNOWN_FLUSH, lambda *_: False)  # type: ignore[arg-type]


def changes_not_told_apart(patch: Patch) -> None:
    """A change that is said again is made again."""
    patch.setitem(GUARDS, Guard.KNOWN_CHANGE, lambda *_: False)  # type: ignore[arg-type]


def no_keepalive(patch: Patch) -> None:
    """A client with nothing to say says nothing."""
    mute = lambda draft, _: draft.update(pinged_at=draft.now, said_at=draft.now)  # noqa: E731
    in_effect(patch, Role.CLIENT, Effect.SEND_PING, mute)


def late_timers_judge(patch: Patch) -> None:
    """A blocked loop of ours is held against the peer."""
    patch.setattr(timers, "LATE_TIMER_S", 1e9)


def hot_timer(patch: Patch) -> None:
    """Saying an ack moves its deadline by a moment only."""

    def again(draft: Draft, stimulus: Stimulus) -> None:
        server_send.send_ack(draft, stimulus)
        draft.update(acked_at=draft.now - draft.s.limits.ack_interval_s + 0.001, ack_owed=True)

    in_effect(patch, Role.SERVER, Effect.SEND_ACK, again)


def gaps_forgotten_at_a_restart(patch: Patch) -> None:
    """The new session is sent silence for what had no audio: the positions slip."""

    def forgetful(draft: Draft, stimulus: Stimulus) -> None:
        client_recovery.restart(draft, stimulus)
        draft.update(gap=0)

    in_effect(patch, Role.CLIENT, Effect.RESTART, forgetful)


def end_ignored_while_connecting(patch: Patch) -> None:
    """An end of input that comes before ready is forgotten."""
    row = rules.HEARD_BY_SERVER[Kind.END_INPUT]
    patch.setitem(row, State.CONNECTING, (Ignore("not ready yet"),))  # type: ignore[arg-type]


def ended_twice(patch: Patch) -> None:
    """A server that held how it ended says closed anew instead of again."""

    def close_anew(draft: Draft, stimulus: Stimulus) -> None:
        closed = draft.s.closed
        assert closed is not None
        draft.emit(closed)
        server_recovery.close_transport_again(draft, stimulus)

    in_effect(patch, Role.SERVER, Effect.CLOSE_TRANSPORT, close_anew)


def configuration_forgotten_at_a_restart(patch: Patch) -> None:
    """A new session begins with the configuration of the first one."""

    def old(draft: Draft, stimulus: Stimulus) -> None:
        client_recovery.restart(draft, stimulus)
        draft.update(config=replace(draft.s.config, language=None))

    in_effect(patch, Role.CLIENT, Effect.RESTART, old)


MUTANTS = (
    leaked_credit, final_dropped_at_close, second_terminal_event, resends_from_its_own_guess, audio_before_resumed,
    drain_kept_alive_by_partials, socket_closed_after_the_last_message, token_rotated_too_early,
    replay_begins_too_late, nothing_is_recorded_while_alone, ring_let_go_too_early, controls_not_said_again,
    flushes_not_told_apart, changes_not_told_apart, no_keepalive, late_timers_judge, hot_timer,
    gaps_forgotten_at_a_restart, end_ignored_while_connecting, ended_twice, configuration_forgotten_at_a_restart,
)  # fmt: skip


@pytest.mark.parametrize("plant", MUTANTS, ids=lambda plant: plant.__name__)
def test_a_seed_kills_it(plant: Callable[[Patch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        for seed in (*TRIED_FIRST, *range(MOST_SEEDS)):
            try:
                simulate(draw(seed))
            except SimulationFailure as failure:
                print(f"{plant.__name__}: seed {seed}: {failure.why[:100]}")
                break
        else:
            pytest.fail(f"{plant.__name__} survives {MOST_SEEDS} seeds")
    simulate(draw(seed))  # and the seed passes without it


HELD_S = [15.4 + 0.2 * number for number in range(8)]
"""A little longer than a client waits for ``resumed``: its second try may overtake the first."""


def late(held_s: float) -> Scenario:
    """A conversation in which the network holds back the first resume, and nothing that comes after it."""
    faults = (
        Fault(kind="cut", at_s=5.0, for_s=0.0),
        Fault(kind="stall_up", said_by="client", message="resume", for_s=held_s),
    )
    slow = Path(latency_s=0.4)
    return Scenario(steps=(Speak(640_000, 8_000, live=True), EndInput()), up=slow, down=slow, faults=faults)


@pytest.mark.parametrize("held_s", HELD_S)
def test_a_resume_that_was_held_back_takes_nothing_away(held_s: float) -> None:
    assert simulate(late(held_s)).closed.complete is True
