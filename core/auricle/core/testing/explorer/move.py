"""`Move`: one move from a joint state to the next, and the call that makes it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from auricle.core.session import Outputs


class Move(NamedTuple):
    """One move. A fair one is guaranteed to happen: delivery, an expired timer, or what an engine must do."""

    who: str
    what: str
    fair: bool


Verb = Callable[[Any], Outputs]
