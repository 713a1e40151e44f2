"""What the public strategies draw is what they say, and the codec takes all of it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auricle.core import ClientSession, Limits, LocalProtocolError, ServerSession, SessionClosed, Start
from auricle.core.codec import decode, encode, plain
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES, Malformed, Message, Unknown
from auricle.core.outputs import Emit, Frame
from auricle.core.schema import FieldError
from auricle.core.states import Role
from auricle.core.testing import strategies
from auricle.core.testing.scenario import Fault, Step

LIMITS = Limits()
EVERY = [(Role.CLIENT, cls) for cls in CLIENT_MESSAGES.values()] + [
    (Role.SERVER, cls) for cls in SERVER_MESSAGES.values()
]
QUICK = settings(max_examples=100, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("sender", "cls"), EVERY, ids=lambda value: getattr(value, "type", None) or value.value)
def test_a_valid_message_is_understood_as_it_was_said(sender: Role, cls: type[Message]) -> None:
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(strategies.messages_of(cls))
    def comes_back(message: Message) -> None:
        heard = decode(encode(message), sender, LIMITS)
        assert plain(heard.message) == plain(message)
        assert type(heard.message) is cls

    comes_back()


@pytest.mark.parametrize("sender", [Role.CLIENT, Role.SERVER])
@QUICK
@given(data=st.data())
def test_any_frame_is_some_message(sender: Role, data: st.DataObject) -> None:
    frame = data.draw(strategies.any_frames(sender))
    heard = decode(frame, sender, LIMITS)
    assert isinstance(heard.message, Message)


@QUICK
@given(strategies.malformed_frames())
def test_malformed_frames_are(frame: Frame) -> None:
    heard = decode(frame, Role.SERVER, LIMITS).message
    assert isinstance(heard, Malformed | Unknown), heard


@QUICK
@given(strategies.orderings(strategies.any_frames(Role.CLIENT) | st.none()))
def test_a_server_survives_any_client(moves: list[tuple[float, Frame | None]]) -> None:
    survive(ServerSession("auricle.v1", now=0.0), moves)


@QUICK
@given(strategies.orderings(st.one_of(strategies.any_frames(Role.SERVER), strategies.client_verbs())))
def test_a_client_survives_any_server_and_any_application(moves: list[tuple[float, Any]]) -> None:
    session = ClientSession(Start(), now=0.0)
    session.connect(now=0.0)
    session.transport_opened("auricle.v1", now=0.0)
    survive(session, moves)


def survive(session: ClientSession | ServerSession, moves: list[tuple[float, Any]]) -> None:
    """I1: what is heard never raises. I2: a refused verb changes nothing. I3: one terminal event, and the last."""
    now, endings = 0.0, 0
    for pause, move in moves:
        now += pause
        before = session.snapshot
        try:
            outputs = (
                session.handle_timeout(now=now)
                if move is None
                else move(session, now)
                if callable(move)
                else session.receive(move, now=now)
            )
        except (LocalProtocolError, FieldError):
            assert callable(move)
            assert session.snapshot == before
            continue
        events = [output.event for output in outputs if isinstance(output, Emit)]
        assert not (endings and events)
        endings += sum(isinstance(event, SessionClosed) for event in events)
        assert not endings or not events or isinstance(events[-1], SessionClosed)
    assert endings <= 1


@QUICK
@given(strategies.scripts(), st.lists(strategies.faults(), max_size=3))
def test_scripts_and_faults_are_of_their_kind(steps: tuple[Step, ...], faults: list[Fault]) -> None:
    assert all(isinstance(step, Step) for step in steps)
    assert all(fault.for_s <= 8.0 for fault in faults)
