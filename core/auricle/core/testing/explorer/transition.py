"""`Transition`: one move from a joint state to the next, with what drivers and the network do with its outputs."""

from collections.abc import Callable
from typing import Any

from auricle.core.events import Restarted
from auricle.core.messages import Message, Resume, Start
from auricle.core.outputs import AudioSpan
from auricle.core.session import Outputs
from auricle.core.states import Attachment, State
from auricle.core.stimuli import LossKind
from auricle.core.testing.explorer import checks, drivers
from auricle.core.testing.explorer.endpoints import NOW, Client, Close, Server, Skipped, new_server
from auricle.core.testing.explorer.joint_state import End, Fault, Health, JointState, Link, Served
from auricle.core.testing.explorer.settings import Settings
from auricle.core.testing.explorer.step_cache import NO_EVENTS, Op, StepCache


class Transition:
    """One move. Every method does what a driver or the network would; `joint_state` returns the result."""

    __slots__ = ("born", "cache", "client", "connecting", "here", "links", "seen", "servers", "settings", "spent")

    def __init__(self, cache: StepCache, settings: Settings, w: JointState) -> None:
        self.cache = cache
        self.settings = settings
        self.client, self.connecting, self.here = w.client, w.connecting, w.here
        self.links, self.servers = list(w.links), list(w.servers)
        self.born, self.spent, self.seen = w.born, w.spent, w.seen

    # ------------------------------------------------------------------------ the two sides

    def client_does(self, key: Any, verb: Callable[[Client], Outputs]) -> bool:
        """Let the client do something; False where it may not."""
        taken = self.cache.client(self.client, key, verb)
        if taken is None:
            return False
        self.client = taken.state
        for op, number in taken.ops:
            self._client_op(op, number)
        if taken.events != NO_EVENTS:
            self._observe(taken.events)
        return True

    def _client_op(self, op: Op, number: int) -> None:
        match op:
            case Op.SEND:
                link = self.links[self.here] if self.here >= 0 else None
                if link is not None and link.health is Health.GOOD and link.server is not End.GONE:
                    self.links[self.here] = link._replace(up=(*link.up, number))
            case Op.CLOSE:
                self._close(self.here, number, client=True)
            case Op.ABORT:
                self.connecting = False
                if self.here >= 0:
                    self.drop_client_end()
            case Op.OPEN:
                if self.here >= 0:
                    self.drop_client_end()
                    self._let_go()
                self.connecting = True
            case Op.ADOPT:
                raise AssertionError("a client adopts nothing")

    def drop_client_end(self) -> None:
        """The client's driver drops its connection; whatever is queued may be lost."""
        link = self.links[self.here]
        health = Health.BROKEN if link.health is Health.GOOD else link.health
        self.links[self.here] = link._replace(client=End.DROPPED, health=health, down=())
        if not self.cache.clients[self.client].attached:
            self._let_go()

    def _let_go(self) -> None:
        self.links[self.here] = self.links[self.here]._replace(client=End.GONE, down=())
        self.here = -1

    def _close(self, index: int, number: int, *, client: bool) -> None:
        """Send a Close frame behind whatever is queued, and go on reading."""
        if index < 0:
            return
        link = self.links[index]
        good = link.health is Health.GOOD
        if client and link.client is End.OPEN:
            up = drivers.with_close(link.up, number) if good and link.server is not End.GONE else link.up
            self.links[index] = link._replace(up=up, client=End.CLOSING)
        elif not client and link.server is End.OPEN:
            down = drivers.with_close(link.down, number) if good and link.client is not End.GONE else link.down
            self.links[index] = link._replace(down=down, server=End.CLOSING)

    def server_does(self, index: int, key: Any, verb: Callable[[Server], Outputs], waiting: int = -1) -> bool:
        """Let a server session do something; False where it may not. ``waiting`` is a connection it may adopt."""
        served = self.servers[index]
        taken = self.cache.server(served.state, key, verb)
        if taken is None:
            return False
        self.servers[index] = served._replace(state=taken.state)
        for op, number in taken.ops:
            self._server_op(index, op, number, waiting)
        return True

    def _server_op(self, index: int, op: Op, number: int, waiting: int) -> None:
        at = self.servers[index].link
        match op:
            case Op.SEND:
                link = self.links[at] if at >= 0 else None
                if link is not None and link.health is Health.GOOD and link.client is not End.GONE:
                    self.links[at] = link._replace(down=(*link.down, number))
            case Op.CLOSE:
                self._close(at, number, client=False)
            case Op.ABORT:
                if at >= 0:
                    self._drop_server_end(index)
            case Op.ADOPT:
                if at >= 0:  # the old one is no longer read
                    self.links[at] = self.links[at]._replace(server=End.GONE, up=())
                self.servers[index] = self.servers[index]._replace(link=waiting)
            case Op.OPEN:
                raise AssertionError("a server opens nothing")

    def _drop_server_end(self, index: int) -> None:
        at = self.servers[index].link
        link = self.links[at]
        health = Health.BROKEN if link.health is Health.GOOD else link.health
        gone = not self.cache.servers[self.servers[index].state].snapshot.attached
        self.links[at] = link._replace(server=End.GONE if gone else End.DROPPED, health=health, up=())
        if gone:
            self.servers[index] = self.servers[index]._replace(link=-1)

    def _observe(self, events: int) -> None:
        before = self.cache.seen[self.seen]
        self.seen = self.cache.observe(self.seen, events, self.client)
        if any(isinstance(event, Restarted) for event in self.cache.events[events]):
            checks.has_reason_to_restart(self.spent)
        closed = self.cache.seen[self.seen].closed
        if closed is not None and before.closed is None:
            snapshot = self.cache.clients[self.client]
            checks.ends_for_a_reason(closed, self.spent, snapshot)
            if closed.complete:
                name = snapshot.recovery.session
                for served in self.servers:
                    if f"s{served.born}" == name:
                        checks.agrees_on_completeness(snapshot, self.cache.servers[served.state].snapshot)

    # ------------------------------------------------------------------------ the network

    def connect(self) -> None:
        """The connection that the client waits for is made."""
        self.connecting = False
        self.links.append(Link())
        self.here = len(self.links) - 1
        if not self.client_does("opened", lambda session: session.transport_opened("auricle.v1", now=NOW)):
            raise checks.InvariantBroken("I1", "the client refuses its own transport")
        link = self.links[self.here] if self.here >= 0 else None
        first = self.cache.items[link.up[0]] if link is not None and link.up else None
        if isinstance(first, Start):
            self._fresh_server(self.here)

    def _fresh_server(self, link: int) -> int:
        state = self.cache.servers.number(new_server(self.settings.limits()))
        self.servers.append(Served(state, link, self.born))
        self.born += 1
        checks.asks_no_more_than_needed(self.born, self.spent)
        return len(self.servers) - 1

    def refuse(self) -> None:
        """The connection is not made."""
        self.connecting = False
        self._client_loses("refused", 1006)

    def _client_loses(self, how: LossKind, code: int) -> None:
        if self.cache.clients[self.client].attached or how == "refused":
            self.client_does(("lost", how, code), lambda session: session.transport_lost(how, code, now=NOW))

    def _server_loses(self, index: int, how: LossKind, code: int) -> None:
        self.servers[index] = self.servers[index]._replace(link=-1)
        if self.cache.servers[self.servers[index].state].snapshot.attached:
            self.server_does(index, ("lost", how, code), lambda session: session.transport_lost(how, code, now=NOW))

    def client_learns(self) -> None:
        """The client learns that its connection is broken; what was on its way is lost."""
        self._let_go()
        self._client_loses("reset", 1006)

    def server_learns(self, at: int) -> None:
        """The server learns that a connection is broken; what was on its way is lost."""
        self.links[at] = self.links[at]._replace(server=End.GONE, up=())
        index = self.bound(at)
        if index >= 0:
            self._server_loses(index, "reset", 1006)

    def bound(self, at: int) -> int:
        """Return the index of the session that a connection belongs to, -1 where it belongs to none."""
        return next((index for index, served in enumerate(self.servers) if served.link == at), -1)

    def deliver_down(self) -> None:
        """The client receives the next item."""
        link = self.links[self.here]
        number, *rest = link.down
        self.links[self.here] = link._replace(down=tuple(rest))
        item = self.cache.items[number]
        if isinstance(item, Close):
            self._close(self.here, number, client=True)  # a WebSocket answers a Close frame
            self._let_go()
            self._client_loses("eof", item.code)
        else:
            self.client_does(("hear", number), lambda session: session.hear(item))

    def deliver_up(self, at: int) -> None:
        """The server receives the next item."""
        link = self.links[at]
        number, *rest = link.up
        self.links[at] = link._replace(up=tuple(rest))
        item = self.cache.items[number]
        index = self.bound(at)
        if isinstance(item, Close):
            self._close(at, number, client=False)
            self.links[at] = self.links[at]._replace(server=End.GONE, up=())
            if index >= 0:
                self._server_loses(index, "eof", item.code)
            return
        if index < 0:
            index = self._route(at, item)
            if index < 0:
                return
        session = self.cache.servers[self.servers[index].state].snapshot
        if isinstance(item, AudioSpan | Skipped) and not session.ended and session.state is not State.CLOSED:
            checks.arrives_in_place(item.start, session.sent)
        self.server_does(index, ("hear", number), lambda server: server.hear(item))

    def _route(self, at: int, item: object) -> int:
        """Look at the first message of a connection (`auricle.core.first_frame`); -1 where a session has adopted it."""
        assert isinstance(item, Message)
        if isinstance(item, Resume):
            for index in range(len(self.servers)):
                if self.server_does(index, ("attach", item), lambda server: server.come_back(item), at):
                    return -1
        return self._fresh_server(at)

    def cut(self, at: int) -> None:
        """A connection breaks; neither side knows yet."""
        self.links[at] = self.links[at]._replace(health=Health.BROKEN)

    def silence(self, at: int) -> None:
        """A connection falls silent; neither side learns so."""
        self.links[at] = self.links[at]._replace(health=Health.SILENT, up=(), down=())

    def restart_server(self) -> None:
        """The server forgets everything, and its ends of all connections are gone."""
        self.servers.clear()
        for at, link in enumerate(self.links):
            health = Health.BROKEN if link.health is Health.GOOD else link.health
            self.links[at] = link._replace(server=End.GONE, up=(), health=health)

    def drain_server(self) -> None:
        """The node shuts down, with all sessions that there are: whoever connects next reaches another one."""
        for index in range(len(self.servers)):
            self.server_does(index, ("shut down",), lambda server: server.shut_down(now=NOW))

    def spend(self, fault: Fault) -> None:
        """Take from the budget of a fault."""
        spent = list(self.spent)
        spent[fault] += 1
        self.spent = tuple(spent)

    # ------------------------------------------------------------------------ what comes of it

    def joint_state(self) -> JointState:
        """Return the joint state, without what can have no effect any more."""
        links = tuple(_tidy(link) for link in self.links)
        name = self.cache.clients[self.client].recovery.session
        servers = tuple(served for served in self.servers if not (self._over(served) or self._unreached(served, name)))
        # A connection on which no session has begun yet may still carry a resume that the network held back.
        unheard = {served.link for served in self.servers} - {served.link for served in servers}
        links = tuple(
            link._replace(server=End.GONE, up=()) if _is_left(link) and at in unheard else link
            for at, link in enumerate(links)
        )
        here = self.here
        if any(link.client is End.GONE and link.server is End.GONE for link in links):
            links, servers, here = _without_gone(links, servers, here)
        return JointState(self.client, self.connecting, here, links, servers, self.born, self.spent, self.seen)

    def _unreached(self, served: Served, name: str) -> bool:
        """Whether a session has no connection that a client reads, and is not the one it would resume.

        Nobody hears what it does, so its moves need no place among all others: `alone` shows that it ends.
        """
        if name == f"s{served.born}" or (self.here >= 0 and self.links[self.here].server is End.GONE):
            return False  # its ready may be on its way still
        return served.link < 0 or _is_left(self.links[served.link])

    def _over(self, served: Served) -> bool:
        s = self.cache.servers[served.state].snapshot
        return s.state is State.CLOSED and s.attachment is Attachment.DETACHED


def _is_left(link: Link) -> bool:
    """Whether a client has left a connection without a closing handshake: the server can only learn so."""
    return link.client is End.GONE and link.health is not Health.GOOD


def _tidy(link: Link) -> Link:
    """Drop items that can never be read: towards an end that is gone, and on a silent connection."""
    silent = link.health is Health.SILENT
    if link.up and (silent or link.server is End.GONE):
        link = link._replace(up=())
    if link.down and (silent or link.client is End.GONE):
        link = link._replace(down=())
    return link


def _without_gone(
    links: tuple[Link, ...], servers: tuple[Served, ...], here: int
) -> tuple[tuple[Link, ...], tuple[Served, ...], int]:
    """Leave out connections that have no end any more, and count the others anew."""
    used = [at for at, link in enumerate(links) if link.client is not End.GONE or link.server is not End.GONE]
    place = {at: n for n, at in enumerate(used)}
    moved = tuple(served._replace(link=place.get(served.link, -1)) for served in servers)
    return tuple(links[at] for at in used), moved, place.get(here, -1)
