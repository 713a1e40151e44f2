"""What each effect of the rule table does: the map from names to functions, one map for either party."""

from collections.abc import Callable, Mapping
from typing import Final

from auricle.core import client_effects, client_recovery, guarantees, server_receive, server_recovery, server_send
from auricle.core.draft import Draft
from auricle.core.messages import (
    Ack,
    Configure,
    Configured,
    EndInput,
    ErrorMessage,
    Flush,
    Flushed,
    InputEnded,
    Message,
    Partial,
    SpeechEnd,
    SpeechStart,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outcomes import Effect
from auricle.core.outputs import AbortTransport, AudioSpan
from auricle.core.states import Role
from auricle.core.stimuli import Hear, Say, Stimulus

Do = Callable[[Draft, Stimulus], None]

GRACE_S: Final = 10.0
"""What a blocked loop of ours earns the peer: two PROGRESS_INTERVALs, in which a working server must have spoken."""


def _message(stimulus: Stimulus) -> Message:
    assert isinstance(stimulus, Say | Hear)
    assert not isinstance(stimulus.message, AudioSpan)
    return stimulus.message


def _send(draft: Draft, stimulus: Stimulus) -> None:
    draft.send(_message(stimulus))


def _emit(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    draft.emit(message)  # type: ignore[arg-type]  # the table lets only event messages here


def _track_ack(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, Ack)
    guarantees.check_ack(draft, message)


def _track_speech(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, SpeechStart | SpeechEnd)
    guarantees.check_speech(draft, message)


def _track_partial(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, Partial)
    guarantees.check_partial(draft, message)


def _track_final(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, FinalMessage)
    if draft.s.role is Role.SERVER:
        guarantees.check_cut(draft.s, message.audio[1])
    guarantees.check_final(draft, message)


def _track_flushed(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, Flushed)
    guarantees.check_flushed(draft, message)
    client_effects.answered(draft, Flush(id=message.id))


def _track_configured(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, Configured)
    guarantees.check_configured(draft, message)
    if draft.s.role is Role.CLIENT:
        client_effects.answered(draft, Configure(id=message.id, set={}))


def _track_input_ended(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, InputEnded)
    guarantees.check_input_ended(draft, message)
    client_effects.answered(draft, EndInput())


def _track_loss(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, ErrorMessage)
    if draft.s.role is Role.SERVER and message.audio is not None:
        guarantees.check_cut(draft.s, message.audio[1])
    guarantees.check_loss(draft, message)
    refused = guarantees.check_refusal(draft, message)
    if refused is not None and draft.s.role is Role.CLIENT:
        client_effects.answered(draft, refused)


def _forgive(draft: Draft, _: Stimulus) -> None:
    draft.update(grace_until=draft.now + GRACE_S)


def _hang_up(draft: Draft, _: Stimulus) -> None:
    draft.outputs.append(AbortTransport())
    draft.update(attached=False)


def _begin_goodbye(draft: Draft, _: Stimulus) -> None:
    draft.update(closed_at=draft.now, emptied=True)


def _detach(draft: Draft, _: Stimulus) -> None:
    draft.update(attached=False)


_SHARED: Final[Mapping[Effect, Do]] = {
    Effect.TRACK_SPEECH: _track_speech,
    Effect.TRACK_PARTIAL: _track_partial,
    Effect.TRACK_FINAL: _track_final,
    Effect.TRACK_CONFIGURED: _track_configured,
    Effect.TRACK_LOSS: _track_loss,
    Effect.GRANT_GRACE: _forgive,
    Effect.START_CLOSE_TIMER: _begin_goodbye,
    Effect.ABORT_TRANSPORT: _hang_up,
    Effect.DETACH: _detach,
}

_CLIENT: Final[Mapping[Effect, Do]] = {
    Effect.EMIT: _emit,
    Effect.TRACK_ACK: _track_ack,
    Effect.TRACK_FLUSHED: _track_flushed,
    Effect.TRACK_INPUT_ENDED: _track_input_ended,
    Effect.TRIM_RING: client_effects.trim_ring,
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
    Effect.NOTE_SILENCE: client_recovery.note_silence,
    Effect.RESET_BACKOFF: client_recovery.reset_backoff,
    Effect.RESTART: client_recovery.restart,
    Effect.END_REFUSED: client_recovery.end_refused,
    Effect.END_UNREACHABLE: client_recovery.end_unreachable,
    Effect.CONCLUDE: client_effects.conclude,
    Effect.ABORT: client_effects.abort,
    Effect.OPEN: client_effects.open_session,
    Effect.END_LOST: client_effects.end_lost,
}

_SERVER: Final[Mapping[Effect, Do]] = {
    Effect.SEND: _send,
    Effect.RECEIVE_START: server_receive.receive_start,
    Effect.RECEIVE_AUDIO: server_receive.receive_audio,
    Effect.COUNT_LATE_AUDIO: server_receive.count_late_audio,
    Effect.RECEIVE_GAP: server_receive.receive_gap,
    Effect.RECEIVE_CHANGE: server_receive.receive_change,
    Effect.REFUSE_CHANGE: server_receive.refuse_change,
    Effect.RECEIVE_FLUSH: server_receive.receive_flush,
    Effect.RECEIVE_END: server_receive.receive_end,
    Effect.STOP_INPUT: server_receive.stop_input,
    Effect.SEND_PONG: server_receive.send_pong,
    Effect.WARN_UNKNOWN: server_receive.warn_unknown,
    Effect.SEND_FLUSHED: server_send.send_flushed,
    Effect.SEND_STATS: server_send.send_stats,
    Effect.WARN_OF_EXPIRY: server_send.warn_of_expiry,
    Effect.AWAIT_RESUME: server_recovery.await_resume,
    Effect.ACCEPT_RESUME: server_recovery.accept_resume,
    Effect.EMIT_RECONNECTED: server_recovery.emit_reconnected,
    Effect.CLOSE_TRANSPORT: server_recovery.close_transport_again,
    Effect.REVOKE_TOKENS: server_recovery.revoke_tokens,
    Effect.RETAIN: server_recovery.retain,
    Effect.RELEASE: server_recovery.release,
    Effect.END_EXPIRED: server_recovery.end_expired,
    Effect.SEND_OLDEST_FLUSHED: server_send.send_oldest_flushed,
    Effect.SEND_DEFERRED_WARNING: server_send.send_deferred_warning,
    Effect.SEND_INPUT_ENDED: server_send.send_input_ended,
    Effect.ADVANCE: server_send.advance,
    Effect.SEND_ACK: server_send.send_ack,
    Effect.SEND_PROGRESS: server_send.send_progress,
    Effect.COMPLETE: server_send.complete,
    Effect.CONFIRM_CANCEL: server_receive.confirm_cancel,
    Effect.FAIL: server_send.fail,
    Effect.OPEN: server_send.open_session,
    Effect.END_LOST: server_receive.end_lost,
}

EFFECTS: Final[Mapping[Role, Mapping[Effect, Do]]] = {
    Role.CLIENT: {**_SHARED, **_CLIENT},
    Role.SERVER: {**_SHARED, **_SERVER},
}
