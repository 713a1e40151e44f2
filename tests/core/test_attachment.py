"""The attachment's table: total, with a reason in every cell, and such that what must not be cannot be."""

import ast
from pathlib import Path

import pytest

from auricle.core import ClientSession, Interrupted, Limits, LocalProtocolError, Role, SessionClosed, Start, State
from auricle.core.draft import Draft
from auricle.core.outcomes import Ignore, Move, Violation
from auricle.core.recovery import Recovery
from auricle.core.rules.attachment import ATTACHMENTS, HEARD, MAY_SPEAK, MOVES, TOGETHER, WITH_TOKEN, may, moved
from auricle.core.server import ServerSession
from auricle.core.snapshot import Snapshot
from auricle.core.states import WITH_TRANSPORT, Attachment, AttachmentEvent, Kind
from core.link import Link

CORE = Path(__file__).parents[2] / "core" / "auricle" / "core"
EVERY_MOVE = [
    (role, event, before, outcome.next)
    for role, rows in MOVES.items()
    for event, row in rows.items()
    for before, outcome in row.items()
    if isinstance(outcome, Move)
]


def into(role: Role, *targets: Attachment) -> set[tuple[AttachmentEvent, Attachment]]:
    """The moves that lead into ``targets`` from elsewhere."""
    return {
        (event, before) for owner, event, before, after in EVERY_MOVE
        if owner is role and after in targets and before not in targets
    }  # fmt: skip


class TestTheTable:
    def test_every_row_has_every_attachment_of_its_role_and_every_cell_a_reason(self) -> None:
        for role, rows in MOVES.items():
            for event, row in rows.items():
                assert set(row) == set(ATTACHMENTS[role]), event
                assert all(outcome.why for outcome in row.values()), event

    def test_every_attachment_and_every_event_is_used(self) -> None:
        assert {attachment for role in Role for attachment in ATTACHMENTS[role]} == set(Attachment)
        assert {event for rows in MOVES.values() for event in rows} == set(AttachmentEvent)
        assert {event for _, event, _, _ in EVERY_MOVE} == set(AttachmentEvent)

    @pytest.mark.parametrize("role", Role)
    def test_a_move_leads_to_an_attachment_of_the_role(self, role: Role) -> None:
        assert {after for owner, _, _, after in EVERY_MOVE if owner is role} <= set(ATTACHMENTS[role])

    @pytest.mark.parametrize("role", Role)
    def test_every_attachment_can_be_reached_and_can_come_to_its_end(self, role: Role) -> None:
        first = Attachment.UNCONNECTED if role is Role.CLIENT else Attachment.ATTACHED
        reached = {first}
        moves = {(before, after) for owner, _, before, after in EVERY_MOVE if owner is role}
        while further := {after for before, after in moves if before in reached and after not in reached}:
            reached |= further
        assert reached == set(ATTACHMENTS[role])
        for attachment in reached:
            ended = moved(role, attachment, AttachmentEvent.END)
            assert ended in TOGETHER[role][State.CLOSED]
            assert moved(role, ended, AttachmentEvent.DETACH) is Attachment.DETACHED

    @pytest.mark.parametrize("role", Role)
    def test_what_is_over_stays_over(self, role: Role) -> None:
        assert {after for owner, _, before, after in EVERY_MOVE if (owner, before) == (role, Attachment.DETACHED)} == {
            Attachment.DETACHED
        }

    def test_what_cannot_happen_is_an_error_with_its_reason(self) -> None:
        with pytest.raises(AssertionError, match=r"attached.*the session ends with its transport"):
            moved(Role.CLIENT, Attachment.ATTACHED, AttachmentEvent.RECONNECT)

    def test_every_state_has_attachments_and_only_those_of_its_role(self) -> None:
        for role in Role:
            assert set(TOGETHER[role]) == set(State)
            assert set().union(*TOGETHER[role].values()) == set(ATTACHMENTS[role])


class TestWhoMayResume:
    def test_a_token_comes_from_a_server_that_offers_it_and_from_nothing_else(self) -> None:
        assert into(Role.CLIENT, *WITH_TOKEN) == {
            (AttachmentEvent.READY_RESUMABLE, Attachment.STARTING),
            (AttachmentEvent.READY_RESUMABLE, Attachment.STARTING_AGAIN),
        }
        assert into(Role.SERVER, *WITH_TOKEN) == {(AttachmentEvent.READY_RESUMABLE, Attachment.ATTACHED)}

    def test_resume_is_said_only_with_a_token(self) -> None:
        assert into(Role.CLIENT, Attachment.GATED) == {(AttachmentEvent.SAY_RESUME, Attachment.REOPENING)}
        assert {before for _, before in into(Role.CLIENT, Attachment.REOPENING)} <= WITH_TOKEN

    def test_a_second_server_that_declines_leaves_nothing_to_reconnect_with(self) -> None:
        """A client came to ``resume`` without a token: restarted once, it counted as restarting for ever."""
        after = moved(Role.CLIENT, Attachment.STARTING_AGAIN, AttachmentEvent.READY)
        assert not may(Role.CLIENT, after, AttachmentEvent.RECONNECT)
        assert not may(Role.CLIENT, after, AttachmentEvent.RESTART)
        assert not may(Role.CLIENT, after, AttachmentEvent.SAY_RESUME)

    @pytest.mark.parametrize("attachment", ATTACHMENTS[Role.CLIENT])
    def test_a_transport_that_opens_is_for_one_thing(self, attachment: Attachment) -> None:
        to_start = may(Role.CLIENT, attachment, AttachmentEvent.SAY_START)
        to_resume = may(Role.CLIENT, attachment, AttachmentEvent.SAY_RESUME)
        asked_for = attachment not in WITH_TRANSPORT | {Attachment.UNCONNECTED, Attachment.DETACHED}
        assert to_start + to_resume == asked_for

    @pytest.mark.parametrize("attachment", ATTACHMENTS[Role.CLIENT])
    def test_a_session_is_opened_again_or_recovered_never_either(self, attachment: Attachment) -> None:
        again = may(Role.CLIENT, attachment, AttachmentEvent.OPEN_AGAIN)
        assert not (again and may(Role.CLIENT, attachment, AttachmentEvent.RECONNECT))

    def test_who_has_cancelled_does_not_come_back(self) -> None:
        link = Link(resumable=True)
        link.settle()
        link.route("client", link.client.cancel(now=link.now))
        assert link.client.snapshot.attachment is Attachment.ATTACHED
        link.break_connection()
        link.deliver("client")
        closed = link.client.closed
        assert closed is not None
        assert closed.reason == "lost"
        assert not link.of(Interrupted)


class TestWhatIsHeard:
    def test_without_a_transport_nothing_is(self) -> None:
        for attachment in set(Attachment) - WITH_TRANSPORT:
            assert set(HEARD[attachment]) == set(Kind)
            assert all(isinstance(outcome, Ignore) for outcome in HEARD[attachment].values())

    @pytest.mark.parametrize("frame", ['{"type":"ready"', "nonsense", '{"type":"closed","seq":1}', b"\0\0"])
    def test_a_client_without_a_transport_is_unmoved(self, frame: str | bytes) -> None:
        client = ClientSession(Start(), now=0.0)
        client.connect(now=0.0)
        before = client.snapshot
        assert client.receive(frame, now=1.0) == ()
        assert client.snapshot is before

    def test_a_server_whose_client_is_away_is_unmoved(self) -> None:
        link = Link(resumable=True)
        link.settle()
        link.break_connection()
        link.deliver("server")
        assert link.server.snapshot.attachment is Attachment.HELD
        before = link.server.snapshot
        assert link.server.receive('{"type":"cancel"}', now=link.now) == ()
        assert link.server.snapshot is before

    def test_while_gated_only_the_answer_to_resume_is(self) -> None:
        gated = HEARD[Attachment.GATED]
        answers = {Kind.RESUMED, Kind.FATAL, Kind.CLOSED, Kind.PONG}
        violations = {kind for kind, outcome in gated.items() if isinstance(outcome, Violation)}
        of_a_session = {Kind.CONFIGURED, Kind.READY, Kind.ACK, Kind.FINAL, Kind.STATS, Kind.WARNING, Kind.ERROR}
        assert of_a_session <= violations
        assert not violations & answers
        assert isinstance(gated[Kind.PONG], Ignore)

    def test_whoever_is_gated_says_nothing_and_cannot_cancel_at_the_server(self) -> None:
        assert Attachment.GATED not in MAY_SPEAK
        assert not may(Role.CLIENT, Attachment.GATED, AttachmentEvent.CANCEL)


class TestWhereItIsHeld:
    def test_only_the_table_moves_an_attachment(self) -> None:
        """Read from the source: `Draft.attach` is the only one that writes the field."""
        writers = set()
        for path in sorted(CORE.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and any(keyword.arg == "attachment" for keyword in node.keywords):
                    writers.add(path.relative_to(CORE).as_posix())
        assert writers == {"draft.py", "server.py"}, "a server begins attached; a client unconnected, the default"

    def test_there_is_no_second_place_for_it(self) -> None:
        fields = {*Snapshot._fields, *Recovery._fields}
        assert not fields & {"attached", "detached", "resuming", "retained", "restarts", "suspected", "held", "gated"}

    def test_a_draft_moves_as_the_table_says(self) -> None:
        draft = Draft(Snapshot(role=Role.CLIENT, limits=Limits()), 0.0)
        draft.attach(AttachmentEvent.CONNECT)
        assert draft.s.attachment is Attachment.OPENING
        with pytest.raises(AssertionError, match="not open yet"):
            draft.attach(AttachmentEvent.READY)

    def test_both_sessions_begin_where_they_should(self) -> None:
        assert ClientSession(Start(), now=0.0).snapshot.attachment is Attachment.UNCONNECTED
        assert ServerSession(None, now=0.0).snapshot.attachment is Attachment.ATTACHED

    def test_a_transport_that_nobody_asked_for_is_our_mistake_and_changes_nothing(self) -> None:
        client = ClientSession(Start(), now=0.0)
        before = client.snapshot
        with pytest.raises(LocalProtocolError, match="none was asked for"):
            client.transport_opened("auricle.v1", now=0.0)
        assert client.snapshot is before

    def test_a_driver_that_is_cancelled_before_it_connects_ends_the_session(self) -> None:
        client = ClientSession(Start(), now=0.0)
        client.transport_lost("cancelled", 1006, now=0.0)
        assert isinstance(client.closed, SessionClosed)
        assert client.finished
