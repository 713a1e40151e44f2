"""What each effect of the rule table does: the map from names to functions, one map for either party."""

from collections.abc import Callable, Mapping
from typing import Final

from auricle.core import client_effects, guarantees, server_effects
from auricle.core.draft import Draft
from auricle.core.messages import (
    Ack,
    ErrorMessage,
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


def _track_input_ended(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, InputEnded)
    guarantees.check_input_ended(draft, message)


def _track_loss(draft: Draft, stimulus: Stimulus) -> None:
    message = _message(stimulus)
    assert isinstance(message, ErrorMessage)
    guarantees.check_loss(draft, message)
    if draft.s.role is Role.CLIENT:
        client_effects.refused_flush(draft, stimulus)


def _forgive(draft: Draft, _: Stimulus) -> None:
    draft.update(grace_until=draft.now + GRACE_S)


def _hang_up(draft: Draft, _: Stimulus) -> None:
    draft.outputs.append(AbortTransport())
    draft.update(attached=False)


def _detach(draft: Draft, _: Stimulus) -> None:
    draft.update(attached=False)


_SHARED: Final[Mapping[Effect, Do]] = {
    Effect.TRACK_SPEECH: _track_speech,
    Effect.TRACK_PARTIAL: _track_partial,
    Effect.TRACK_FINAL: _track_final,
    Effect.TRACK_FLUSHED: _track_flushed,
    Effect.TRACK_LOSS: _track_loss,
    Effect.FORGIVE: _forgive,
    Effect.HANG_UP: _hang_up,
    Effect.DETACH: _detach,
}

_CLIENT: Final[Mapping[Effect, Do]] = {
    Effect.EMIT: _emit,
    Effect.TRACK_ACK: _track_ack,
    Effect.TRACK_INPUT_ENDED: _track_input_ended,
    Effect.GREET: client_effects.greet,
    Effect.OFFER_AUDIO: client_effects.offer_audio,
    Effect.ASK_FLUSH: client_effects.ask_flush,
    Effect.ASK_END: client_effects.ask_end,
    Effect.SAY_CANCEL: client_effects.say_cancel,
    Effect.SAY_PING: client_effects.say_ping,
    Effect.PUMP: client_effects.pump,
    Effect.GIVE_UP_FLUSH: client_effects.give_up_flush,
    Effect.REMEMBER_ERROR: client_effects.remember_error,
    Effect.CONCLUDE: client_effects.conclude,
    Effect.ABANDON: client_effects.abandon,
    Effect.OPEN: client_effects.open_session,
    Effect.LOSE: client_effects.lose,
}

_SERVER: Final[Mapping[Effect, Do]] = {
    Effect.SEND: _send,
    Effect.TAKE_START: server_effects.take_start,
    Effect.TAKE_AUDIO: server_effects.take_audio,
    Effect.COUNT_LATE: server_effects.count_late,
    Effect.TAKE_FLUSH: server_effects.take_flush,
    Effect.TAKE_END: server_effects.take_end,
    Effect.STOP_INPUT: server_effects.stop_input,
    Effect.ANSWER_PING: server_effects.answer_ping,
    Effect.WARN_UNKNOWN: server_effects.warn_unknown,
    Effect.ANSWER_FLUSH: server_effects.answer_flush,
    Effect.SAY_UNSAID: server_effects.say_unsaid,
    Effect.SAY_INPUT_ENDED: server_effects.say_input_ended,
    Effect.ADVANCE: server_effects.advance,
    Effect.SAY_ACK: server_effects.say_ack,
    Effect.SAY_PROGRESS: server_effects.say_progress,
    Effect.COMPLETE: server_effects.complete,
    Effect.CONFIRM_CANCEL: server_effects.confirm_cancel,
    Effect.GIVE_UP: server_effects.give_up,
    Effect.OPEN: server_effects.open_session,
    Effect.LOSE: server_effects.lose,
}

EFFECTS: Final[Mapping[Role, Mapping[Effect, Do]]] = {
    Role.CLIENT: {**_SHARED, **_CLIENT},
    Role.SERVER: {**_SHARED, **_SERVER},
}
