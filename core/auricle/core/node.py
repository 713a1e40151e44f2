"""Session ids that carry their node: ``NODE.UNIQUE``, so that a resume can be sent to the server that has the session.

Behind a proxy a client does not choose its server. It repeats the node in the query of the new connection
(``?node=NODE``), where a rule of the proxy can read it. Nothing depends on it: a resume that arrives elsewhere is
answered ``session_gone``, and the session begins anew where it was committed.
"""

from typing import Final

SEPARATOR: Final = "."
QUERY_KEY: Final = "node"
"""What a client calls it in the query of a connection that is to resume a session."""
MOST_NODE: Final = 24
"""Longest name of a node: with a unique part of 32 digits it is well within a session id."""


def is_node_name(name: str) -> bool:
    """Whether a node may have this name: letters, digits, ``-`` and ``_``, which no URL and no proxy has to quote."""
    plain = name.replace("-", "0").replace("_", "0")
    return 0 < len(name) <= MOST_NODE and plain.isascii() and plain.isalnum()


def session_id(node: str, unique: str) -> str:
    """Return the id of a session of a node. ``unique`` is its own on that node."""
    return f"{node}{SEPARATOR}{unique}"


def node_of(session: str) -> str | None:
    """Return the node that a session id names; None for an id that names none."""
    node, separator, _ = session.partition(SEPARATOR)
    return node if separator and is_node_name(node) else None
