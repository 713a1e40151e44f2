"""Who asks for a session: from where, and with what key."""

from dataclasses import dataclass
from typing import Final

from auricle.server.keys.access import EVERYBODY, Denied, Grant


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of the server."""

    address: str = ""
    """``address:port``; empty where it is unknown."""
    grant: Grant = EVERYBODY
    denied: Denied | None = None
    """Why it gets no session, where it is told so in the session: after ``start``, and with a retry delay."""

    @property
    def key_name(self) -> str | None:
        """The name of its key, whether it was let in or not; None where it has none."""
        return self.grant.name if self.denied is None else self.denied.key_name

    @property
    def host(self) -> str:
        """The address without the port."""
        return self.address.rpartition(":")[0]


UNKNOWN: Final = Caller()
