"""The name of a node, where its operator gives it none."""

import secrets
from typing import Final

NODE_BYTES: Final = 3
"""Random bytes of it."""


def random_node_name() -> str:
    """Return a name that says nothing."""
    return secrets.token_hex(NODE_BYTES)
