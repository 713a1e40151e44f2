"""Any order of anything, once more in the legacy dialect: no accounting on the wire, and still no lie at either end."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from auricle.core import Final, Limits, State
from core.link import Link, only_ending
from core.test_properties import DESTRUCTIVE, HONEST, Conversation, run_machine

WORN_OUT = {"ready_timeout", "drain_timeout", "idle"}
"""The dialect has no sign of life, so a long silence may end it."""


class OldConversation(Conversation):
    """Our client and our server, both of which take the other for an old one."""

    @initialize(
        allowed=st.sets(st.sampled_from(DESTRUCTIVE), max_size=2),
        window_s=st.sampled_from([0.05, 2.5]),
        backlog_s=st.sampled_from([0.2, 10.0]),
        opens=st.booleans(),
    )
    def begin(self, allowed: set[str], window_s: float, backlog_s: float, opens: bool) -> None:  # type: ignore[override]
        self.allowed = allowed
        limits = Limits(window_s=window_s, backlog_s=backlog_s, prebuffer_s=0.1)
        self.link = Link(limits=limits, subprotocol=None, allow_legacy=True, opens=opens)
        self.flush_ids = []
        self.ended = False

    def check(self) -> None:
        link = self.link
        if not self.ended and link.client.state is not State.CLOSED:
            link.end()
        link.run_out()
        closed, told = only_ending(link.client_events), only_ending(link.server_events)
        assert closed.reason in HONEST or closed.error in WORN_OUT, closed
        assert told.reason in HONEST or told.error in WORN_OUT, told
        assert closed.complete in (None, False), "there is no proof in this dialect"
        if closed.complete is None:
            assert told.reason == "completed"
            assert link.server.snapshot.received == link.client.snapshot.offered, "every sample has come"
            assert len(link.of(Final)) == link.server.snapshot.segment, "and every final"


def test_any_order_of_anything_in_the_old_dialect() -> None:
    run_machine(OldConversation, examples=150, steps=40)
