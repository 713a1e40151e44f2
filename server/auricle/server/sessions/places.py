"""The places of a server: who holds one, for which peer, and who is given up so that another has one."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Holder(Protocol):
    """Whoever holds a place: a conversation."""

    @property
    def peer(self) -> str:
        """The address that its first connection came from, without the port; empty where there is none."""

    @property
    def waiting_since(self) -> float | None:
        """When its connection was lost, in seconds; None while there is one."""

    @property
    def given_up(self) -> bool:
        """Whether `give_up` has been called: it is as good as gone."""

    def give_up(self) -> None:
        """End the session, whose client is gone."""


H = TypeVar("H", bound=Holder)


class Places(Generic[H]):
    """The open sessions of one server, and the bounds on them; a bound of None is no bound.

    A session that waits for its client to come back counts like any other, and is the first to go, the one that has
    waited longest before the others: where every place is taken, where its own peer has as many as it may have, and
    where too many wait.
    """

    def __init__(self, *, most: int | None, most_per_peer: int | None, most_waiting: int | None) -> None:
        self._most = most
        self._most_per_peer = most_per_peer
        self._most_waiting = most_waiting
        self._holders: set[H] = set()

    def bound(self, *, most: int | None, most_per_peer: int | None, most_waiting: int | None) -> None:
        """Change the bounds, for sessions to come."""
        self._most, self._most_per_peer, self._most_waiting = most, most_per_peer, most_waiting

    def __iter__(self) -> Iterator[H]:
        """Iterate over the open sessions, in no order."""
        return iter(self._holders)

    def __len__(self) -> int:
        """Return the number of open sessions, those that are being given up among them."""
        return len(self._holders)

    def add(self, holder: H) -> None:
        """Count a session."""
        self._holders.add(holder)

    def discard(self, holder: H) -> None:
        """Count a session no longer. Idempotent."""
        self._holders.discard(holder)

    @property
    def taken(self) -> int:
        """Number of places that are taken."""
        return len(self._staying())

    @property
    def waiting(self) -> int:
        """Number of open sessions whose client is gone, and may come back."""
        return sum(holder.waiting_since is not None for holder in self._holders)

    def peer_problem(self, peer: str) -> str | None:
        """Return why a peer has no place for one more session, as a clause, or None where it has."""
        most = self._most_per_peer
        if most is None or not peer or len(self._staying(peer)) < most:
            return None
        return f"{peer} has {most} sessions already"

    def make_room(self, peer: str) -> None:
        """Give up, for a session of this peer that is about to begin, those that wait and stand in its way."""
        if peer:
            self._thin_out(self._staying(peer), self._most_per_peer)
        self._thin_out(self._staying(), self._most)
        if self._most_waiting is not None:
            self._thin_out(_waiting(self._staying()), self._most_waiting + 1)

    def _staying(self, peer: str | None = None) -> list[H]:
        return [holder for holder in self._holders if not holder.given_up and peer in (None, holder.peer)]

    def _thin_out(self, among: list[H], most: int | None) -> None:
        """Give up the longest waiting, until there is room for one more; or as many as wait."""
        if most is not None:
            for holder in _waiting(among)[: max(0, len(among) - most + 1)]:
                holder.give_up()


def _waiting(among: list[H]) -> list[H]:
    """Return those that wait for their client, the longest waiting first."""
    waiting = [(since, holder) for holder in among if (since := holder.waiting_since) is not None]
    return [holder for _, holder in sorted(waiting, key=lambda pair: pair[0])]
