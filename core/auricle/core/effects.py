"""What each effect of the rule table does: the map from names to functions, one map for each role."""

from collections.abc import Mapping
from typing import Final

from auricle.core import (
    client_effects,
    client_recovery,
    endings,
    guarantees,
    server_receive,
    server_recovery,
    server_send,
    server_turns,
)
from auricle.core.draft import Draft
from auricle.core.effect_function import EffectFunction, for_message, for_stimulus
from auricle.core.messages import (
    Ack,
    Annotate,
    Closed,
    Configured,
    Message,
    Partial,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outcomes import Effect
from auricle.core.outputs import AbortTransport
from auricle.core.states import AttachmentEvent, Role
from auricle.core.stimuli import Lose, Stimulus

GRACE_S: Final = 10.0
"""How long no timeout against the peer fires after our own loop was blocked: two PROGRESS_INTERVALs, in which a
working server must have sent something."""


@for_message(Message)
def _send(draft: Draft, message: Message) -> None:
    draft.send(message)


@for_message(Message)
def _emit(draft: Draft, message: Message) -> None:
    draft.emit(message)  # type: ignore[arg-type]  # the table lets only event messages here


def _grant_grace(draft: Draft, _: Stimulus) -> None:
    draft.update(grace_until=draft.now + GRACE_S)


def _abort_transport(draft: Draft, _: Stimulus) -> None:
    draft.outputs.append(AbortTransport())


def _start_close_timer(draft: Draft, _: Stimulus) -> None:
    draft.update(closed_at=draft.now, emptied=True)


def _detach(draft: Draft, _: Stimulus) -> None:
    draft.attach(AttachmentEvent.DETACH)


_SHARED: Final[Mapping[Effect, EffectFunction]] = {
    Effect.TRACK_SPEECH: for_message(SpeechStart, SpeechEnd)(guarantees.check_speech),
    Effect.TRACK_PARTIAL: for_message(Partial)(guarantees.check_partial),
    Effect.TRACK_ANNOTATION: for_message(Annotate)(guarantees.check_annotation),
    Effect.TRACK_TURN_RESUMED: for_message(TurnResumed)(guarantees.check_turn_resumed),
    Effect.GRANT_GRACE: _grant_grace,
    Effect.START_CLOSE_TIMER: _start_close_timer,
    Effect.ABORT_TRANSPORT: _abort_transport,
    Effect.DETACH: _detach,
}

_CLIENT: Final[Mapping[Effect, EffectFunction]] = {
    Effect.EMIT: _emit,
    Effect.TRACK_ACK: for_message(Ack)(guarantees.check_ack),
    Effect.TRACK_FINAL: for_message(FinalMessage)(guarantees.check_final),
    Effect.TRACK_TURN_MAYBE_END: for_message(TurnMaybeEnd)(guarantees.check_turn_maybe_end),
    Effect.TRACK_TURN_END: for_message(TurnEnd)(guarantees.check_turn_end),
    Effect.TRACK_FLUSHED: client_effects.track_flushed,
    Effect.TRACK_CONFIGURED: client_effects.track_configured,
    Effect.TRACK_INPUT_ENDED: client_effects.track_input_ended,
    Effect.TRACK_LOSS: client_effects.track_loss,
    Effect.TRIM_RING: client_effects.trim_ring,
    Effect.REQUEST_TRANSPORT: client_effects.request_transport,
    Effect.SEND_START: client_effects.send_start,
    Effect.OFFER_AUDIO: client_effects.offer_audio,
    Effect.OFFER_GAP: client_effects.offer_gap,
    Effect.QUEUE_CHANGE: client_effects.queue_change,
    Effect.QUEUE_FLUSH: client_effects.queue_flush,
    Effect.QUEUE_END: client_effects.queue_end,
    Effect.SEND_CANCEL: client_effects.send_cancel,
    Effect.SEND_PING: client_effects.send_ping,
    Effect.SEND_PENDING: client_effects.send_pending,
    Effect.REPORT_FLUSH_TIMEOUT: client_effects.report_flush_timeout,
    Effect.STORE_ERROR: client_effects.store_error,
    Effect.SEND_RESUME: client_recovery.send_resume,
    Effect.APPLY_RESUMED: client_recovery.apply_resumed,
    Effect.INTERRUPT: client_recovery.interrupt,
    Effect.RETRY: client_recovery.retry,
    Effect.OPEN_AGAIN: client_recovery.open_again,
    Effect.NOTE_PONG: client_effects.note_pong,
    Effect.RESET_BACKOFF: client_recovery.reset_backoff,
    Effect.RESTART: client_recovery.restart,
    Effect.END_REFUSED: endings.end_refused,
    Effect.END_UNOPENED: endings.end_unopened,
    Effect.END_UNREACHABLE: endings.end_unreachable,
    Effect.CONCLUDE: for_message(Closed)(endings.conclude),
    Effect.ABORT: endings.abort,
    Effect.OPEN: client_effects.open_session,
    Effect.END_LOST: for_stimulus(Lose)(endings.end_lost),
}

_SERVER: Final[Mapping[Effect, EffectFunction]] = {
    Effect.SEND: _send,
    Effect.TRACK_FINAL: server_send.track_final,
    Effect.TRACK_CONFIGURED: for_message(Configured)(guarantees.check_configured),
    Effect.TRACK_LOSS: server_send.track_loss,
    Effect.RECEIVE_START: server_receive.receive_start,
    Effect.RECEIVE_AUDIO: server_receive.receive_audio,
    Effect.COUNT_LATE_AUDIO: server_receive.count_late_audio,
    Effect.RECEIVE_GAP: server_receive.receive_gap,
    Effect.RECEIVE_CHANGE: server_receive.receive_change,
    Effect.REFUSE_CHANGE: server_receive.refuse_change,
    Effect.RECEIVE_FLUSH: server_receive.receive_flush,
    Effect.REFUSE_REPEATED: server_receive.refuse_repeated,
    Effect.RECEIVE_END: server_receive.receive_end,
    Effect.STOP_INPUT: server_receive.stop_input,
    Effect.SEND_PONG: server_receive.send_pong,
    Effect.WARN_UNKNOWN: server_receive.warn_unknown,
    Effect.SEND_FLUSHED: server_send.send_flushed,
    Effect.SAY_TURN_MAYBE_END: server_turns.say_maybe_end,
    Effect.SAY_TURN_END: server_turns.say_end,
    Effect.SETTLE_TURN_WITH_FINAL: server_turns.settle_with_final,
    Effect.SETTLE_TURN_WITH_LOSS: server_turns.settle_with_loss,
    Effect.SEND_STATS: server_send.send_stats,
    Effect.WARN_OF_EXPIRY: server_send.warn_of_expiry,
    Effect.AWAIT_RESUME: server_recovery.await_resume,
    Effect.ACCEPT_RESUME: server_recovery.accept_resume,
    Effect.EMIT_RECONNECTED: server_recovery.emit_reconnected,
    Effect.CLOSE_TRANSPORT: server_recovery.close_transport_again,
    Effect.REVOKE_TOKENS: server_recovery.revoke_tokens,
    Effect.RETAIN: server_recovery.retain,
    Effect.RELEASE: server_recovery.release,
    Effect.HAND_ON: endings.hand_on,
    Effect.REFUSE_FOR_SHUTDOWN: endings.refuse_for_shutdown,
    Effect.END_EXPIRED: endings.end_expired,
    Effect.SEND_OLDEST_FLUSHED: server_send.send_oldest_flushed,
    Effect.SEND_DEFERRED_WARNING: server_send.send_deferred_warning,
    Effect.SEND_INPUT_ENDED: server_send.send_input_ended,
    Effect.ADVANCE: server_send.advance,
    Effect.NOTE_PREDICTION: server_send.note_prediction,
    Effect.NOTE_QUEUE: server_send.note_queue,
    Effect.SEND_ACK: server_send.send_ack,
    Effect.SEND_PROGRESS: server_send.send_progress,
    Effect.COMPLETE: server_send.complete,
    Effect.CONFIRM_CANCEL: server_receive.confirm_cancel,
    Effect.FAIL: server_send.fail,
    Effect.OPEN: server_send.open_session,
    Effect.END_LOST: for_stimulus(Lose)(endings.end_lost),
}

EFFECTS: Final[Mapping[Role, Mapping[Effect, EffectFunction]]] = {
    Role.CLIENT: {**_SHARED, **_CLIENT},
    Role.SERVER: {**_SHARED, **_SERVER},
}
