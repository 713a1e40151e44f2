"""Every planted fault there is, in one table: its name, where it comes from, and how it is planted.

A fault is a changed cell, effect, guarantee or driver; nothing of what hunts it knows about it. `test_mutants` proves
for each that the explorer, a named test or the simulation kills it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from auricle.core import (
    client_effects,
    client_recovery,
    codec,
    endings,
    outcomes,
    rules,
    server_receive,
    server_recovery,
    server_send,
    server_turns,
)
from auricle.core import guarantees as rules_of_order
from auricle.core.draft import Draft
from auricle.core.effects import EFFECTS
from auricle.core.guards import GUARDS
from auricle.core.messages import EndInput, Flushed, Resumed
from auricle.core.messages import Final as FinalMessage
from auricle.core.outcomes import Effect, Guard, Ignore, Rule
from auricle.core.outputs import AbortTransport, CloseTransport, Record, Replay, Send
from auricle.core.parts import SpeakerSpan
from auricle.core.server import ServerSession
from auricle.core.session import Outputs
from auricle.core.snapshot import Snapshot
from auricle.core.states import Attachment, AttachmentEvent, Kind, Role, State
from auricle.core.stimuli import Say, Stimulus
from core.attachment_faults import (
    cancels_and_comes_back,
    end_lost_with_the_transport,
    gives_up_a_second_start,
    gives_up_what_is_gone,
    hangs_up_on_whom_it_lets_go,
    older_transport_is_kept,
    reconnects_without_a_token,
    resumable_without_an_offer,
)

Patch = pytest.MonkeyPatch
Check = Callable[[], object]


def in_effect(patch: Patch, role: Role, effect: Effect, do: Callable[[Draft, Stimulus], None]) -> None:
    patch.setitem(EFFECTS[role], effect, do)  # type: ignore[arg-type]


def before_message(patch: Patch, effect: Effect, do: Callable[[Draft, Any], None]) -> None:
    """Do something with the message before an effect of either role takes it."""

    def wrapped(run: Callable[[Draft, Stimulus], None]) -> Callable[[Draft, Stimulus], None]:
        def first(draft: Draft, stimulus: Any) -> None:
            do(draft, stimulus.message)
            run(draft, stimulus)

        return first

    for role in Role:
        in_effect(patch, role, effect, wrapped(EFFECTS[role][effect]))


def in_cell(patch: Patch, table: Any, kind: Kind, state: State, *outcomes: outcomes.Outcome) -> None:
    patch.setitem(table[kind], state, outcomes)


def dropped_final(patch: Patch) -> None:
    """The server loses every second final on its way out, and numbers on."""
    send = Draft.send

    def lossy(draft: Draft, message: Any) -> None:
        send(draft, message)
        if isinstance(message, FinalMessage) and message.segment % 2:
            draft.outputs.pop()

    patch.setattr(Draft, "send", lossy)


def second_ending(patch: Patch) -> None:
    """A client that has been told closed calls itself lost when the connection goes."""
    in_cell(patch, rules.LOCAL_TO_CLIENT, Kind.LOST, State.CLOSED, Rule((Effect.END_LOST,)))


def leaked_credit(patch: Patch) -> None:
    """What the engine hears does not come back as credit."""

    def advance(draft: Draft, stimulus: Stimulus) -> None:
        credit = draft.s.credit
        server_send.advance(draft, stimulus)
        draft.update(credit=credit)

    in_effect(patch, Role.SERVER, Effect.ADVANCE, advance)


def progress_untold(patch: Patch) -> None:
    """What the engine has heard is told only where a quarter of the window has: a little progress, never."""

    def advance(draft: Draft, stimulus: Stimulus) -> None:
        owed = draft.s.ack_owed
        server_send.advance(draft, stimulus)
        draft.update(ack_owed=owed)

    in_effect(patch, Role.SERVER, Effect.ADVANCE, advance)


def early_close(patch: Patch) -> None:
    """The server says closed as soon as the input has ended, without waiting for its engine."""

    def hasty(draft: Draft, stimulus: Stimulus) -> None:
        server_send.send_input_ended(draft, stimulus)
        draft.update(processed=draft.s.received, speaking_since=None)
        server_send.complete(draft, stimulus)

    in_effect(patch, Role.SERVER, Effect.SEND_INPUT_ENDED, hasty)
    state = State.INPUT_ENDED
    cell = rules.LOCAL_TO_SERVER[Kind.ANSWER_PENDING][state]
    patch.setitem(
        rules.LOCAL_TO_SERVER[Kind.ANSWER_PENDING],  # type: ignore[arg-type]
        state,
        tuple(
            outcome._replace(next=State.CLOSED) if outcome.when is outcomes.Guard.INPUT_ANSWERED else outcome
            for outcome in cell
        ),  # type: ignore[union-attr]
    )


def flush_answered_twice(patch: Patch) -> None:
    """Every answer to a flush is said again."""
    send = Draft.send

    def twice(draft: Draft, message: Any) -> None:
        send(draft, message)
        if isinstance(message, Flushed):
            send(draft, Flushed(seq=draft.s.seq + 1, id=message.id, upto=message.upto))

    patch.setattr(Draft, "send", twice)


def end_ignored_while_connecting(patch: Patch) -> None:
    """The historical bug: an end of input that comes before ready is forgotten."""
    in_cell(patch, rules.HEARD_BY_SERVER, Kind.END_INPUT, State.CONNECTING, Ignore("not ready yet"))


def end_never_said(patch: Patch) -> None:
    """The seed's bug: the client does not tell the server that its input has ended."""

    def mute(draft: Draft, _: Stimulus) -> None:
        draft.update(ended=True, ended_at=draft.now)

    in_effect(patch, Role.CLIENT, Effect.QUEUE_END, mute)


def flush_overtakes_audio(patch: Patch) -> None:
    """A flush is sent at once, whatever audio waits for credit."""

    def at_once(draft: Draft, stimulus: Stimulus) -> None:
        client_effects.queue_flush(draft, stimulus)
        *before, last = draft.s.outbox
        draft.update(outbox=tuple(before))
        if draft.s.started:
            draft.send(last.message)

    in_effect(patch, Role.CLIENT, Effect.QUEUE_FLUSH, at_once)


def flush_forgotten(patch: Patch) -> None:
    """A flush with nothing to decide is never answered."""
    patch.setattr(rules_of_order, "is_decided", lambda *_: False)
    patch.setattr("auricle.core.guards.is_decided", lambda *_: False)
    patch.setattr(server_send, "is_decided", lambda *_: True)
    patch.setattr(server_send, "send_oldest_flushed", lambda draft, _: draft.update(flushes=draft.s.flushes[1:]))


def audio_after_cancel_is_a_violation(patch: Patch) -> None:
    """What crosses on the wire is taken for a broken protocol."""
    in_cell(
        patch,
        rules.HEARD_BY_SERVER,
        Kind.AUDIO,
        State.INPUT_ENDED,
        outcomes.Violation("protocol_violation", "too late"),
    )
    in_cell(
        patch, rules.HEARD_BY_SERVER, Kind.AUDIO, State.DRAINING, outcomes.Violation("protocol_violation", "too late")
    )


def drain_kept_alive_by_partials(patch: Patch) -> None:
    """The historical bug: every partial re-arms the drain timer, and an engine that stands still is never given up."""
    track = EFFECTS[Role.SERVER][Effect.TRACK_PARTIAL]

    def revive(draft: Draft, stimulus: Stimulus) -> None:
        track(draft, stimulus)
        draft.update(progress_at=draft.now)

    in_effect(patch, Role.SERVER, Effect.TRACK_PARTIAL, revive)


def claim_believed(patch: Patch) -> None:
    """A client takes the server's word for completeness."""
    patch.setattr(endings, "_mismatch", lambda *_: None)


def promise_unchecked(patch: Patch) -> None:
    """Stable text may change in the final."""

    before_message(patch, Effect.TRACK_FINAL, lambda draft, _: draft.update(stable_prefix=""))


def half_done(patch: Patch) -> None:
    """A refused verb leaves traces: the final is counted although it was not said."""

    def count_first(draft: Draft, stimulus: Stimulus) -> None:
        assert isinstance(stimulus, Say)
        draft.update(segment=draft.s.segment + 1)
        track(draft, stimulus)

    track = EFFECTS[Role.SERVER][Effect.TRACK_FINAL]
    in_effect(patch, Role.SERVER, Effect.TRACK_FINAL, count_first)


def loss_called_complete(patch: Patch) -> None:
    """Samples lost to an engine are counted as committed, and nobody mentions it."""
    stats = endings.stats

    def rosy(s: Snapshot, now: float) -> Any:
        return stats(s._replace(dropped=0, non_speech=s.non_speech + s.dropped), now)

    patch.setattr(endings, "stats", rosy)
    loss = rules_of_order.check_loss

    def silent(draft: Draft, error: Any) -> None:
        before = draft.s
        loss(draft, error)
        draft.update(dropped=before.dropped, non_speech=before.non_speech + draft.s.committed - before.committed)

    patch.setattr(rules_of_order, "check_loss", silent)


def legacy_log_probability(patch: Patch) -> None:
    """The old server's log-probability is passed on as if it were a probability."""
    patch.setattr("auricle.core.legacy.math.exp", lambda value: 0.0)


def codec_that_raises(patch: Patch) -> None:
    """A deeply nested frame escapes as an exception."""

    def strict(text: str, max_bytes: int) -> Any:
        return codec.json.loads(text)

    patch.setattr(codec, "parse_object", strict)


def no_keepalive(patch: Patch) -> None:
    """A client with nothing to say says nothing."""
    in_effect(
        patch, Role.CLIENT, Effect.SEND_PING, lambda draft, _: draft.update(pinged_at=draft.now, said_at=draft.now)
    )


def partial_after_final(patch: Patch) -> None:
    """A partial may belong to any segment."""
    before_message(patch, Effect.TRACK_PARTIAL, lambda draft, partial: draft.update(segment=partial.segment))


def flush_unanswered_at_close(patch: Patch) -> None:
    """The server closes without looking for flushes that are still open."""

    def complete(draft: Draft, stimulus: Stimulus) -> None:
        draft.update(flushes=())
        server_send.complete(draft, stimulus)

    in_effect(patch, Role.SERVER, Effect.COMPLETE, complete)


def acks_hold_the_credit(patch: Patch) -> None:
    """A client that wants no acks is not told its credit either."""
    tell = server_send.send_watermarks
    patch.setattr(server_send, "send_watermarks", lambda draft: tell(draft) if draft.s.config.features.acks else None)


def late_timers_judge(patch: Patch) -> None:
    """A blocked loop of ours is held against the peer."""
    patch.setattr("auricle.core.timers.LATE_TIMER_S", 1e9)


def sends_on_after_the_server_ended(patch: Patch) -> None:
    """Audio goes on being sent to a server that has said it takes no more."""
    in_cell(patch, rules.LOCAL_TO_CLIENT, Kind.SEND_PENDING, State.DRAINING, Rule((Effect.SEND_PENDING,)))


def cancel_into_the_void(patch: Patch) -> None:
    """A cancel is said although nobody is there, and then an answer is waited for."""
    in_cell(
        patch,
        rules.SAID_BY_CLIENT,
        Kind.CANCEL,
        State.CONNECTING,
        Rule((Effect.SEND_CANCEL,), State.DRAINING),
    )


# ---------------------------------------------------------------------------- how connections end


def close_drops_the_queue(patch: Patch) -> None:
    """The driver sends its Close frame at once, and what was queued before it is never sent."""
    patch.setattr("auricle.core.testing.explorer.drivers.with_close", lambda queued, close: (close,))


def socket_closed_after_the_last_message(patch: Patch) -> None:
    """The server drops the connection right behind ``closed``, and the reset wipes what was on its way."""
    polite = Draft.close_transport

    def rude(draft: Draft, code: int, reason: str) -> None:
        polite(draft, code, reason)
        if draft.s.role is Role.SERVER:
            draft.outputs = [
                AbortTransport() if isinstance(output, CloseTransport) else output for output in draft.outputs
            ]

    patch.setattr(Draft, "close_transport", rude)


def reader_waits_for_credit(patch: Patch) -> None:
    """The client's driver reads nothing while its own audio waits to be sent: the credit for it never arrives."""
    patch.setattr("auricle.core.testing.explorer.drivers.client_reads", lambda s, unsent: s.sent == s.offered)


def readers_wait_for_writers(patch: Patch) -> None:
    """Neither driver reads while something of its own is unsent: both wait for each other."""
    patch.setattr("auricle.core.testing.explorer.drivers.client_reads", lambda s, unsent: not unsent)
    patch.setattr("auricle.core.testing.explorer.drivers.server_reads", lambda s, unsent: not unsent)


def terminal_event_when_left_again(patch: Patch) -> None:
    """A client that is left twice ends twice."""
    in_cell(patch, rules.LOCAL_TO_CLIENT, Kind.ABORT, State.CLOSED, Rule((Effect.ABORT,)))


# ---------------------------------------------------------------------------- coming back


def speaks_before_resumed(patch: Patch) -> None:
    """Audio is sent right behind ``resume``, before the server has said where it stands."""
    patch.setattr(client_effects, "may_send", lambda s: s.started and s.attached and not s.cancelled)


def goes_on_from_its_own_count(patch: Patch) -> None:
    """After a cut the client sends on from where it was, whatever the server says it has."""
    _taking_up(patch, lambda draft, before: draft.update(sent=before.sent))


def resends_everything(patch: Patch) -> None:
    """After a cut the client sends again everything that it knows not to be decided (Gladia's way)."""
    _taking_up(patch, lambda draft, before: draft.update(sent=before.committed))


def forgets_its_questions(patch: Patch) -> None:
    """After a cut the client does not ask again what has not been answered."""
    _taking_up(patch, lambda draft, before: draft.update(outbox_sent=before.outbox_sent))


def _taking_up(patch: Patch, spoil: Callable[[Draft, Snapshot], None]) -> None:
    def apply_resumed(draft: Draft, stimulus: Stimulus) -> None:
        before = draft.s
        client_recovery.apply_resumed(draft, stimulus)
        spoil(draft, before)

    in_effect(patch, Role.CLIENT, Effect.APPLY_RESUMED, apply_resumed)


def token_used_up_at_once(patch: Patch) -> None:
    """The server voids a token as soon as it is shown: a cut that swallows ``resumed`` locks the client out."""
    _welcoming(patch, lambda draft: draft.recover(previous_token=None))


def credit_begins_again(patch: Patch) -> None:
    """After a cut the server grants only what it has received."""

    def stingy(draft: Draft) -> None:
        draft.outputs = [
            Send(message=_with(output.message, credit=draft.s.received))
            if isinstance(output, Send) and isinstance(output.message, Resumed)
            else output
            for output in draft.outputs
        ]

    _welcoming(patch, stingy)


def replays_one_too_few(patch: Patch) -> None:
    """The replay begins one message too late."""
    _welcoming(patch, lambda draft: _replay_from(draft, 1))


def replays_one_too_many(patch: Patch) -> None:
    """The replay begins with a message that has arrived."""
    _welcoming(patch, lambda draft: _replay_from(draft, -1))


def _replay_from(draft: Draft, further: int) -> None:
    draft.outputs = [
        Replay(seq=max(0, output.seq + further)) if isinstance(output, Replay) else output
        for output in draft.outputs
        if further > 0 or type(output).__name__ != "Forget"
    ]


def _welcoming(patch: Patch, spoil: Callable[[Draft], None]) -> None:
    def accept_resume(draft: Draft, stimulus: Stimulus) -> None:
        server_recovery.accept_resume(draft, stimulus)
        spoil(draft)

    in_effect(patch, Role.SERVER, Effect.ACCEPT_RESUME, accept_resume)


def _with(message: Any, **fields: Any) -> Any:
    return type(message)(**{name: getattr(message, name) for name in message.__slots__} | fields)


def silent_while_away(patch: Patch) -> None:
    """What is said while nobody is there is numbered, and not kept."""
    _recording(patch, lambda output: False)


def closed_lost_while_away(patch: Patch) -> None:
    """A server that closes while its client is away does not wait to tell it."""
    say_closed = endings.say_closed

    def hasty(draft: Draft, *args: Any, **named: Any) -> None:
        say_closed(draft, *args, **named)
        draft.attach(AttachmentEvent.DETACH)

    patch.setattr(endings, "say_closed", hasty)


def finals_lost_while_away(patch: Patch) -> None:
    """Finals said while nobody is there are not kept."""
    _recording(patch, lambda output: not isinstance(output.message, FinalMessage))


def _recording(patch: Patch, kept: Callable[[Record], bool]) -> None:
    send = Draft.send

    def forgetful(draft: Draft, message: Any) -> None:
        send(draft, message)
        draft.outputs = [output for output in draft.outputs if not isinstance(output, Record) or kept(output)]

    patch.setattr(Draft, "send", forgetful)


def flush_answered_again_after_a_resume(patch: Patch) -> None:
    """The server does not know a flush again that its client asks again."""
    patch.setitem(GUARDS, Guard.KNOWN_FLUSH, lambda *_: False)  # type: ignore[arg-type]


def begins_anew_from_the_start(patch: Patch) -> None:
    """A session that was lost is sent again from its first sample, whatever is final already."""
    _restarting(patch, lambda draft: draft.update(committed=0, sent=0, received=0, processed=0, origin=0))


def begins_anew_and_forgets_the_end(patch: Patch) -> None:
    """A session that was lost goes on, and nobody tells the new one that the input has ended."""
    _restarting(
        patch,
        lambda draft: draft.update(
            outbox=tuple(pending for pending in draft.s.outbox if not isinstance(pending.message, EndInput))
        ),
    )


def begins_anew_where_it_was_sent(patch: Patch) -> None:
    """A session that was lost goes on where audio had been sent, and what was not decided is lost."""

    def skipping(draft: Draft, stimulus: Stimulus) -> None:
        draft.update(committed=draft.s.received)
        client_recovery.restart(draft, stimulus)

    in_effect(patch, Role.CLIENT, Effect.RESTART, skipping)


def _restarting(patch: Patch, spoil: Callable[[Draft], None]) -> None:
    def restart(draft: Draft, stimulus: Stimulus) -> None:
        client_recovery.restart(draft, stimulus)
        spoil(draft)

    in_effect(patch, Role.CLIENT, Effect.RESTART, restart)


def leaves_when_idle(patch: Patch) -> None:
    """A connection that has gone silent ends the session, although its client could come back."""
    idle = Rule((Effect.ABORT_TRANSPORT, Effect.END_EXPIRED), State.CLOSED)
    for state in (State.READY, State.STREAMING):
        in_cell(patch, rules.LOCAL_TO_SERVER, Kind.IDLE_EXPIRED, state, idle)


# ---------------------------------------------------------------------------- what the explorer found


def told_after_the_end(patch: Patch) -> None:
    """A server application hears of its client's return after the terminal event."""
    patch.setitem(GUARDS, Guard.RETAINED, GUARDS[Guard.RETAINED])  # type: ignore[index]
    cell = rules.LOCAL_TO_SERVER[Kind.ATTACH][State.STREAMING]
    effects = next(outcome.effects for outcome in cell if isinstance(outcome, Rule))
    held = rules.LOCAL_TO_SERVER[Kind.ATTACH][State.CLOSED]
    in_cell(
        patch,
        rules.LOCAL_TO_SERVER,
        Kind.ATTACH,
        State.CLOSED,
        *(
            outcome._replace(effects=(*effects, Effect.CLOSE_TRANSPORT)) if isinstance(outcome, Rule) else outcome
            for outcome in held
        ),
    )


def late_flush_is_a_mistake(patch: Patch) -> None:
    """A flush whose audio came after the server ended the input is blamed on the client."""
    refuse = server_receive.refuse

    def blame(draft: Draft, code: str, why: str, **named: Any) -> None:
        refuse(draft, "invalid_param" if "have come" in why else code, why, **named)

    patch.setattr(server_receive, "refuse", blame)


def decides_across_a_change(patch: Patch) -> None:
    """A final may cover audio behind a change that lies at its very beginning, and has no answer."""
    checked = rules_of_order.check_cut

    def lenient(s: Snapshot, end: int) -> None:
        checked(s._replace(changes=tuple(change for change in s.changes if change.at != s.committed)), end)

    patch.setattr(rules_of_order, "check_cut", lenient)


def late_connection_wins(patch: Patch) -> None:
    """A ``resume`` that a network held back takes the session away from the connection that works."""
    resume = client_recovery.Resume
    patch.setattr(client_recovery, "Resume", lambda **fields: resume(**fields | {"attempt": 0}))


def asks_for_what_is_gone(patch: Patch) -> None:
    """A client goes on asking for a session that it has been told is gone."""
    waits = GUARDS[Guard.RETRY_LATER]
    patch.setitem(
        GUARDS,  # type: ignore[arg-type]
        Guard.RETRY_LATER,
        lambda s, stimulus: (
            waits(s, stimulus) or (s.attachment is Attachment.GATED and s.recovery.attempt < s.limits.max_reconnects)
        ),
    )


def change_overtakes_audio(patch: Patch) -> None:
    """A change is sent at once, whatever audio waits for credit."""

    def at_once(draft: Draft, stimulus: Stimulus) -> None:
        client_effects.queue_change(draft, stimulus)
        *before, last = draft.s.outbox
        draft.update(outbox=(last._replace(at=0), *before))

    in_effect(patch, Role.CLIENT, Effect.QUEUE_CHANGE, at_once)


def gap_sent_as_nothing(patch: Patch) -> None:
    """The client counts samples without audio, and does not tell the server."""
    send = Draft.send

    def mute(draft: Draft, message: Any) -> None:
        send(draft, message)
        if message.__class__.__name__ == "Gap":
            draft.outputs.pop()

    patch.setattr(Draft, "send", mute)


def drains_as_if_nobody_could_go_on(patch: Patch) -> None:
    """A server that shuts down ends the input of everybody."""
    patch.setitem(GUARDS, Guard.CAN_GO_ON, lambda *_: False)  # type: ignore[arg-type]


def refused_once_and_for_all(patch: Patch) -> None:
    """A client takes the first refusal before ``ready`` for the last word."""
    patch.setitem(GUARDS, Guard.OPENING_AGAIN, lambda *_: False)  # type: ignore[arg-type]


def keeps_the_tokens_of_what_it_hands_on(patch: Patch) -> None:
    """A session that has been handed on can still be resumed."""
    in_effect(patch, Role.SERVER, Effect.REVOKE_TOKENS, lambda _draft, _stimulus: None)


# ---------------------------------------------------------------------------- turns


def promise_not_taken_back(patch: Patch) -> None:
    """A turn ends with other words than were promised, and nobody says that the promise does not hold."""
    patch.setattr(server_turns, "_take_back", lambda draft, _: draft.update(turn=draft.s.turn._replace(maybe=None)))


def last_turn_never_ends(patch: Patch) -> None:
    """Neither a flush that ends the turn nor the end of input does."""
    patch.setattr(server_send, "end_turn", lambda *_: None)


def turn_outlives_its_server(patch: Patch) -> None:
    """A client whose server has lost the session holds the new one to the finals of the old one's turn."""

    def restart(draft: Draft, stimulus: Stimulus) -> None:
        turn = draft.s.turn
        client_recovery.restart(draft, stimulus)
        draft.update(turn=turn)

    in_effect(patch, Role.CLIENT, Effect.RESTART, restart)


# ---------------------------------------------------------------------------- speakers


def annotates_what_comes_next(patch: Patch) -> None:
    """Nobody holds the server to segments that have a final."""
    for role in Role:
        in_effect(patch, role, Effect.TRACK_ANNOTATION, lambda _draft, _stimulus: None)

    def annotate(session: ServerSession, segment: int, speakers: Sequence[SpeakerSpan], *, now: float) -> Outputs:
        return true_annotate(session, segment + 1, speakers, now=now)

    true_annotate = ServerSession.annotate
    patch.setattr(ServerSession, "annotate", annotate)


# ---------------------------------------------------------------------------- the table


class Mutant(NamedTuple):
    """One planted fault."""

    plant: Callable[[Patch], None]
    origin: str
    explorer: str | None = None
    """The exploration that kills it (by the name in `settings.LARGE`); None: no search over control can."""
    simulation: str | None = None
    """The simulation that kills it, by its name."""

    @property
    def name(self) -> str:
        """How reports call it."""
        return self.plant.__name__


TABLE = (
    Mutant(dropped_final, "sans-io.md §6.7", "credit"),
    Mutant(second_ending, "wsproto, twice closed", "leaving"),
    Mutant(leaked_credit, "h2 #1210, nghttp2 #253", "credit"),
    Mutant(progress_untold, "a survivor of the suite"),
    Mutant(early_close, "trio-websocket #69", "a flush"),
    Mutant(flush_answered_twice, "O6", "a flush"),
    Mutant(end_ignored_while_connecting, "the old server", "signs of life"),
    Mutant(end_never_said, "the old client", "signs of life"),
    Mutant(flush_overtakes_audio, "F19", "overtaking"),
    Mutant(flush_forgotten, "F7", "a flush"),
    Mutant(audio_after_cancel_is_a_violation, "crossing", "the server ends"),
    Mutant(drain_kept_alive_by_partials, "F5"),
    Mutant(claim_believed, "I6"),
    Mutant(promise_unchecked, "O5"),
    Mutant(half_done, "I2"),
    Mutant(loss_called_complete, "I6", "engine failures"),
    Mutant(legacy_log_probability, "the old server"),
    Mutant(codec_that_raises, "I1"),
    Mutant(no_keepalive, "F3"),
    Mutant(partial_after_final, "O5"),
    Mutant(flush_unanswered_at_close, "livekit #5562", "a marker"),
    Mutant(acks_hold_the_credit, "credit without acks", "no acks"),
    Mutant(late_timers_judge, "F9"),
    Mutant(sends_on_after_the_server_ended, "crossing"),
    Mutant(cancel_into_the_void, "crossing", "leaving"),
    Mutant(close_drops_the_queue, "trio-websocket #69: a driver's", "a flush"),
    Mutant(socket_closed_after_the_last_message, "uvicorn #3047", "a flush"),
    Mutant(reader_waits_for_credit, "trio-websocket: a driver's", "credit"),
    Mutant(readers_wait_for_writers, "websockets F2: a driver's", "signs of life"),
    Mutant(terminal_event_when_left_again, "wsproto, twice closed", "leaving"),
    Mutant(speaks_before_resumed, "wire-protocols.md §3.12", "a cut"),
    Mutant(goes_on_from_its_own_count, "wire-protocols.md §3.7", "a cut"),
    Mutant(resends_everything, "Gladia, wire-protocols.md §3.12", "a cut"),
    Mutant(forgets_its_questions, "wire-protocols.md §3.7", "a cut"),
    Mutant(token_used_up_at_once, "a lost resumed", "a lost resumed"),
    Mutant(credit_begins_again, "O12", "a cut"),
    Mutant(replays_one_too_few, "I4", "a cut"),
    Mutant(replays_one_too_many, "I4", "a cut"),
    Mutant(silent_while_away, "O1", "a cut"),
    Mutant(closed_lost_while_away, "wire-protocols.md §3.7", "a cut"),
    Mutant(finals_lost_while_away, "trio-websocket #79", "a cut"),
    Mutant(flush_answered_again_after_a_resume, "O6", "a cut"),
    Mutant(begins_anew_from_the_start, "I4", "restart"),
    Mutant(begins_anew_and_forgets_the_end, "I9", "restart"),
    Mutant(begins_anew_where_it_was_sent, "I6", "restart"),
    Mutant(leaves_when_idle, "wire-protocols.md §3.5", "a cut"),
    Mutant(told_after_the_end, "found by the explorer", "a cut"),
    Mutant(late_flush_is_a_mistake, "found by the explorer", "the server ends"),
    Mutant(decides_across_a_change, "found by the explorer", "a change"),
    Mutant(late_connection_wins, "found by the explorer", "two cuts"),
    Mutant(asks_for_what_is_gone, "found by the explorer", "a restart, the end told"),
    Mutant(change_overtakes_audio, "F19", "overtaking"),
    Mutant(gap_sent_as_nothing, "I7", "a gap"),
    Mutant(drains_as_if_nobody_could_go_on, "a rolling deploy", "a drain"),
    Mutant(refused_once_and_for_all, "a rolling deploy", "no room"),
    Mutant(keeps_the_tokens_of_what_it_hands_on, "a rolling deploy", "a drain"),
    Mutant(resumable_without_an_offer, "a second server that declines", "a second server that declines"),
    Mutant(reconnects_without_a_token, "a second server that declines", "a drain, and no resuming"),
    Mutant(cancels_and_comes_back, "the attachment's table", "leaving while away"),
    Mutant(gives_up_what_is_gone, "wire-protocols.md §3.7", "restart"),
    Mutant(gives_up_a_second_start, "the attachment's table", "a second server that declines"),
    Mutant(hangs_up_on_whom_it_lets_go, "found by the explorer", "no return, without acks"),
    Mutant(end_lost_with_the_transport, "wire-protocols.md §3.7", "a cut"),
    Mutant(older_transport_is_kept, "wire-protocols.md §3.7", "silence"),
    Mutant(promise_not_taken_back, "O11", "turns"),
    Mutant(last_turn_never_ends, "O11", "turns"),
    Mutant(turn_outlives_its_server, "O11"),
    Mutant(annotates_what_comes_next, "O4", "speakers"),
)


@contextmanager
def planted(mutate: Callable[[Patch], None]) -> Iterator[None]:
    """Plant a fault for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        mutate(patch)
        yield
