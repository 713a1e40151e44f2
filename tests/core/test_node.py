"""Session ids that carry their node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.core.codec import MAX_ID
from auricle.core.node import MOST_NODE, is_node_name, node_of, session_id

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,24}", fullmatch=True)


@given(NAMES, st.from_regex(r"[0-9a-f]{32}", fullmatch=True))
def test_the_node_of_a_session_comes_back_out_of_its_id(node: str, unique: str) -> None:
    name = session_id(node, unique)
    assert is_node_name(node)
    assert node_of(name) == node
    assert len(name) <= MAX_ID


@pytest.mark.parametrize("session", ["", "s1", "0b9f7a6e", ".x", "a b.c", "n\n.c", f"{'n' * (MOST_NODE + 1)}.c", "ä.c"])
def test_ids_of_other_servers_name_no_node(session: str) -> None:
    assert node_of(session) is None


@given(st.text(max_size=64))
def test_any_id_names_a_node_that_needs_no_quotes_or_none(session: str) -> None:
    node = node_of(session)
    assert node is None or (is_node_name(node) and session.startswith(f"{node}."))
