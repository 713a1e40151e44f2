"""What each effect of the rule table does: the map from names to functions, one map for either party."""

from collections.abc import Callable, Mapping
from typing import Final

from auricle.core import client_effects, client_recovery, guarantees, server_hears, server_recovery, server_says
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
    Effect.FORGIVE: _forgive,
    Effect.BEGIN_GOODBYE: _begin_goodbye,
    Effect.HANG_UP: _hang_up,
    Effect.DETACH: _detach,
}

_CLIENT: Final[Mapping[Effect, Do]] = {
    Effect.EMIT: _emit,
    Effect.TRACK_ACK: _track_ack,
    Effect.TRACK_FLUSHED: _track_flushed,
    Effect.TRACK_INPUT_ENDED: _track_input_ended,
    Effect.TRIM: client_effects.trim,
    Effect.GREET: client_effects.greet,
    Effect.OFFER_AUDIO: client_effects.offer_audio,
    Effect.OFFER_GAP: client_effects.offer_gap,
    Effect.ASK_CHANGE: client_effects.ask_change,
    Effect.ASK_FLUSH: client_effects.ask_flush,
    Effect.ASK_END: client_effects.ask_end,
    Effect.SAY_CANCEL: client_effects.say_cancel,
    Effect.SAY_PING: client_effects.say_ping,
    Effect.PUMP: client_effects.pump,
    Effect.GIVE_UP_FLUSH: client_effects.give_up_flush,
    Effect.REMEMBER_ERROR: client_effects.remember_error,
    Effect.RECLAIM: client_recovery.reclaim,
    Effect.TAKE_UP: client_recovery.take_up,
    Effect.INTERRUPT: client_recovery.interrupt,
    Effect.RETRY: client_recovery.retry,
    Effect.SUSPECT: client_recovery.suspect,
    Effect.REST: client_recovery.rest,
    Effect.RESTART: client_recovery.restart,
    Effect.REFUSED: client_recovery.refused,
    Effect.EXHAUST: client_recovery.exhaust,
    Effect.CONCLUDE: client_effects.conclude,
    Effect.ABANDON: client_effects.abandon,
    Effect.OPEN: client_effects.open_session,
    Effect.LOSE: client_effects.lose,
}

_SERVER: Final[Mapping[Effect, Do]] = {
    Effect.SEND: _send,
    Effect.TAKE_START: server_hears.take_start,
    Effect.TAKE_AUDIO: server_hears.take_audio,
    Effect.COUNT_LATE: server_hears.count_late,
    Effect.TAKE_GAP: server_hears.take_gap,
    Effect.TAKE_CHANGE: server_hears.take_change,
    Effect.REFUSE_CHANGE: server_hears.refuse_change,
    Effect.TAKE_FLUSH: server_hears.take_flush,
    Effect.TAKE_END: server_hears.take_end,
    Effect.STOP_INPUT: server_hears.stop_input,
    Effect.ANSWER_PING: server_hears.answer_ping,
    Effect.WARN_UNKNOWN: server_hears.warn_unknown,
    Effect.SAY_ANSWER: server_says.say_answer,
    Effect.SAY_STATS: server_says.say_stats,
    Effect.WARN_OF_EXPIRY: server_says.warn_of_expiry,
    Effect.AWAIT_RETURN: server_recovery.await_return,
    Effect.WELCOME_BACK: server_recovery.welcome_back,
    Effect.TELL_RETURN: server_recovery.tell_return,
    Effect.CLOSE_AGAIN: server_recovery.close_again,
    Effect.SHUT: server_recovery.shut,
    Effect.HOLD: server_recovery.hold,
    Effect.RELEASE: server_recovery.release,
    Effect.EXPIRE: server_recovery.expire,
    Effect.ANSWER_FLUSH: server_says.answer_flush,
    Effect.SAY_UNSAID: server_says.say_unsaid,
    Effect.SAY_INPUT_ENDED: server_says.say_input_ended,
    Effect.ADVANCE: server_says.advance,
    Effect.SAY_ACK: server_says.say_ack,
    Effect.SAY_PROGRESS: server_says.say_progress,
    Effect.COMPLETE: server_says.complete,
    Effect.CONFIRM_CANCEL: server_hears.confirm_cancel,
    Effect.GIVE_UP: server_says.give_up,
    Effect.OPEN: server_says.open_session,
    Effect.LOSE: server_hears.lose,
}

EFFECTS: Final[Mapping[Role, Mapping[Effect, Do]]] = {
    Role.CLIENT: {**_SHARED, **_CLIENT},
    Role.SERVER: {**_SHARED, **_SERVER},
}
