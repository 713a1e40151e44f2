"""The rule table: every transition of the protocol, and nothing else.

Every transition is in this package: no other module names a next state. `client` and `server` hold the rows of each
role, by side (what it says, what it hears, and local stimuli: verbs, transports and timers); `TABLE` joins them.

Each cell is a sequence of outcomes. The first whose guard holds is taken, and the last has no guard, so every cell
decides. An outcome is one of

* `Rule`: run these effects, then be in this state (None: stay);
* `Ignore`: nothing happens, and this is why that is right;
* `Violation`: when we say it, `LocalProtocolError` and nothing changes; when we hear it, the peer broke the protocol.

Beside it stands the table of the second automaton, what a session has of a transport: `auricle.core.rules.attachment`.

Sources: notes/wire-protocols.md §3.5 (legality), §3.8 (timers); notes/sans-io.md §6.2.
"""

from collections.abc import Mapping
from typing import Final

from auricle.core.outcomes import Cell
from auricle.core.rules.client import HEARD_BY_CLIENT, LOCAL_TO_CLIENT, SAID_BY_CLIENT
from auricle.core.rules.server import HEARD_BY_SERVER, LOCAL_TO_SERVER, SAID_BY_SERVER
from auricle.core.states import CLIENT_KINDS, SERVER_KINDS, Kind, Role, Side, State

__all__ = [
    "AFTER_VIOLATION",
    "EXPECTED_KINDS",
    "HEARD_BY_CLIENT",
    "HEARD_BY_SERVER",
    "LOCAL_TO_CLIENT",
    "LOCAL_TO_SERVER",
    "SAID_BY_CLIENT",
    "SAID_BY_SERVER",
    "TABLE",
]

TABLE: Final[Mapping[tuple[Role, Side], Mapping[Kind, Mapping[State, Cell]]]] = {
    (Role.CLIENT, Side.SAY): SAID_BY_CLIENT,
    (Role.CLIENT, Side.HEAR): HEARD_BY_CLIENT,
    (Role.CLIENT, Side.LOCAL): LOCAL_TO_CLIENT,
    (Role.SERVER, Side.SAY): SAID_BY_SERVER,
    (Role.SERVER, Side.HEAR): HEARD_BY_SERVER,
    (Role.SERVER, Side.LOCAL): LOCAL_TO_SERVER,
}

EXPECTED_KINDS: Final[Mapping[tuple[Role, Side], tuple[Kind, ...]]] = {
    (Role.CLIENT, Side.HEAR): SERVER_KINDS,
    (Role.SERVER, Side.HEAR): CLIENT_KINDS,
}
"""The kinds of message that each role may receive: the table has a row for each of them."""

AFTER_VIOLATION: Final = State.CLOSED
"""The one transition that is in no cell: hearing a `Violation` (or a breached guarantee) ends the session."""
