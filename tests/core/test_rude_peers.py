"""Whatever a peer says, in any order: nothing raises, nothing grows, and there is one ending at most."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core import Emit, Frame, Limits, Role, SessionClosed, Transmit
from auricle.core.codec import encode
from auricle.core.guarantees import ANSWERED_KEPT
from auricle.core.messages import CLIENT_MESSAGES, SERVER_MESSAGES
from auricle.core.session import Outputs, Session
from auricle.core.testing.endable import check_can_end
from core.link import Link, ready
from core.test_codec import ANY_TEXT, messages

FRAMES = {
    Role.CLIENT: st.one_of(*(messages(cls).map(encode) for cls in CLIENT_MESSAGES.values())),
    Role.SERVER: st.one_of(*(messages(cls).map(encode) for cls in SERVER_MESSAGES.values())),
}
ANYTHING = {role: frames | ANY_TEXT | st.binary(max_size=50) for role, frames in FRAMES.items()}
BIG = "1" + "0" * 400
"""More than a float can hold, and legal JSON."""


def check(session: Session, outputs: Outputs, endings: list[Any]) -> None:
    for output in outputs:
        match output:
            case Transmit(frame=str(frame)):
                frame.encode()
            case Emit(event=event):
                assert not endings, "the terminal event is the last"
                if isinstance(event, SessionClosed):
                    endings.append(event)
            case _:
                pass
    hash(session.snapshot)


def numbered(frame: Frame, session: Session) -> Frame:
    """Give a durable message the number that makes the session look at the rest of it."""
    if isinstance(frame, str) and re.search(r'"seq":-?\d+', frame):
        return re.sub(r'"seq":-?\d+', f'"seq":{session.snapshot.seq + 1}', frame, count=1)
    return frame


@settings(deadline=None)
@given(st.data(), st.sampled_from(["connecting", "ready", "streaming", "draining"]), st.sampled_from(Role))
def test_any_frames_in_any_state(data: st.DataObject, state: str, peer: Role) -> None:
    link = Link()
    if state != "connecting":
        link.settle()
    link.engine.accepts = False
    if state in ("streaming", "draining"):
        link.send(500)
    if state == "draining":
        link.end()
    link.settle()
    session, endings, now = (link.server if peer is Role.CLIENT else link.client), list[Any](), 0.0
    for frame in data.draw(st.lists(ANYTHING[peer], max_size=8)):
        check(session, session.receive(numbered(frame, session), now=now), endings)
        check_can_end(session.snapshot, now=now)
        now += 3.0
        check(session, session.handle_timeout(now=now), endings)
        assert session.next_deadline is None or session.next_deadline > now, "no hot loop"
    check(session, session.transport_lost("reset", 1006, now=now), endings)
    while not session.finished and session.next_deadline is not None:
        # It may have been offered to resume: nobody answers.
        now = session.next_deadline
        check(session, session.handle_timeout(now=now), endings)
    assert len(endings) == 1
    assert session.finished


def test_the_length_of_a_text_frame_is_told_in_bytes() -> None:
    link = ready(limits=Limits(max_text_bytes=100))
    outputs = link.server.receive('{"type":"ping","id":"' + "ß" * 40 + '"}', now=0.0)
    assert "too_large" in str(outputs)


@pytest.mark.parametrize(
    "frame", [f'{{"type":"ping","t":{BIG}}}', f'{{"type":"ping","t":-{BIG}}}', f'{{"type":"end_input","total":{BIG}}}']
)
def test_a_number_that_no_float_can_hold_is_a_bad_message(frame: str) -> None:
    link = ready()
    link.route("server", link.server.receive(frame, now=0.0))
    link.settle()
    assert link.closed.error == "bad_message"


def test_refused_flushes_do_not_pile_up() -> None:
    link = ready()
    for number in range(10 * ANSWERED_KEPT):
        link.server.receive(f'{{"type":"flush","id":"f{number}","at":9}}', now=0.0)
    assert len(link.server.snapshot.answered) == ANSWERED_KEPT


def test_warnings_that_wait_for_ready_do_not_pile_up() -> None:
    link = Link()
    link.engine.accepts = False
    link.settle()
    for number in range(100):
        link.server.receive(f'{{"type":"new{number}"}}', now=0.0)
    assert len(link.server.snapshot.deferred_warnings) == 1


def test_more_flushes_before_ready_than_may_wait_end_the_session() -> None:
    link = Link()
    link.engine.accepts = False
    link.settle()
    for number in range(Limits().max_flushes_pending + 1):
        link.route("server", link.server.receive(f'{{"type":"flush","id":"f{number}"}}', now=0.0))
    assert link.server.closed is not None
    assert link.server.closed.reason == "error"
