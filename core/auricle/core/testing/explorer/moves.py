"""The moves from a joint state: by the application, the engine, the network, timers, and faults."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from auricle.core.messages import Ack, Loading, Ping, Pong
from auricle.core.parts import ServerInfo
from auricle.core.snapshot import Snapshot
from auricle.core.states import Kind, State
from auricle.core.testing.explorer import checks, drivers, engine_moves
from auricle.core.testing.explorer.endpoints import NOW, Server
from auricle.core.testing.explorer.joint_state import End, Fault, Health, JointState, Link
from auricle.core.testing.explorer.move import Move, Verb
from auricle.core.testing.explorer.settings import Settings
from auricle.core.testing.explorer.step_cache import StepCache
from auricle.core.testing.explorer.transition import Transition

ENGINE: Final = ServerInfo(name="explorer", turn_detector="explorer", speakers="explorer")
CLIENT_VERDICTS: Final = frozenset({Kind.READY_EXPIRED, Kind.SILENCE_EXPIRED, Kind.DRAIN_EXPIRED, Kind.CLOSE_EXPIRED})
"""Timers of a client that do not expire while its server is alive on a working network."""
SERVER_VERDICTS: Final = frozenset({Kind.HELLO_EXPIRED, Kind.IDLE_EXPIRED, Kind.CLOSE_EXPIRED})
"""Timers of a server that do not expire while its client is alive on a working network."""
STANDSTILLS: Final = frozenset({Kind.LOAD_EXPIRED, Kind.STALL_EXPIRED})
"""Timers that expire only where the engine, or its loading, stands still: those against a network are shorter."""
LONG: Final = frozenset({Kind.SESSION_MAX_REACHED, Kind.EXPIRY_NEAR, Kind.AUDIO_IDLE})
"""Timers of hours: explored as the server's end of the input (`Settings.stops`)."""


def successors(cache: StepCache, settings: Settings, w: JointState) -> Iterator[tuple[Move, JointState]]:
    """Return every move and the joint state it leads to. Raises `checks.InvariantBroken`."""
    for move, act in (
        *_of_client(cache, settings, w),
        *_of_network(cache, settings, w),
        *_of_servers(cache, settings, w),
    ):
        transition = Transition(cache, settings, w)
        if act(transition) is not False:
            yield move, transition.joint_state()


Act = Callable[[Transition], Any]
ServerAction = tuple[Move, Any, Verb, Fault | None]
"""A move at the server: the move, the key of the step, the call, and the fault that it spends."""


# ---------------------------------------------------------------------------- the client and its application


def _of_client(cache: StepCache, settings: Settings, w: JointState) -> Iterator[tuple[Move, Act]]:
    s = cache.clients[w.client]
    for move, key, verb in cache.listed(("app", w.client), lambda: tuple(_application(settings, s))):
        yield move, _client_act(key, verb, cache)
    for kind in cache.client_timers(w.client):
        yield from _client_timer(cache, settings, w, kind)


def _client_act(key: Any, verb: Verb, cache: StepCache) -> Act:
    def act(transition: Transition) -> bool:
        done = transition.client_does(key, verb)
        if done and key[0] in ("flush", "mark", "configure"):
            at = cache.clients[transition.client].offered
            transition.seen = cache.seen.number(checks.ask(cache.seen[transition.seen], key[1], at))
        return done

    return act


def _application(settings: Settings, s: Snapshot) -> Iterator[tuple[Move, Any, Verb]]:
    """Yield what the application may still do within the bounds."""
    if settings.abort:
        yield Move("app", "abort", fair=False), ("abort",), lambda c: c.abort(now=NOW)
    if s.state is State.CLOSED:
        return
    if not s.ended:
        if s.offered < settings.audio:
            yield Move("app", "audio", fair=False), ("audio",), lambda c: c.send_audio(b"\0\0", now=NOW)
        if s.gap < settings.gaps:
            yield Move("app", "gap", fair=False), ("gap",), lambda c: c.skip(1, now=NOW)
        known = {*s.answered, *(flush.id for flush in s.flushes)}
        for flush_id in settings.flushes:
            if flush_id not in known:
                yield _asking(flush_id)
        if len(s.changes) + len(s.answered_changes) < settings.changes:
            change_id = f"c{len(s.changes) + len(s.answered_changes)}"
            yield (
                Move("app", f"configure {change_id}", fair=False),
                ("configure", change_id),
                lambda c: c.configure(change_id, {"language": "de"}, now=NOW),
            )
        yield Move("app", "end_input", fair=True), ("end_input",), lambda c: c.end_input(now=NOW)
    if settings.cancel and not s.cancelled:
        yield Move("app", "cancel", fair=False), ("cancel",), lambda c: c.cancel(now=NOW)


def _asking(flush_id: str) -> tuple[Move, Any, Verb]:
    if flush_id.startswith("e"):
        return (
            Move("app", f"end turn {flush_id}", fair=False),
            ("flush", flush_id),
            lambda c: c.end_turn(flush_id, now=NOW),
        )
    if flush_id.startswith("m"):
        return Move("app", f"mark {flush_id}", fair=False), ("mark", flush_id), lambda c: c.mark(flush_id, now=NOW)
    return Move("app", f"flush {flush_id}", fair=False), ("flush", flush_id), lambda c: c.flush(flush_id, now=NOW)


def _client_timer(cache: StepCache, settings: Settings, w: JointState, kind: Kind) -> Iterator[tuple[Move, Act]]:
    link = w.links[w.here] if w.here >= 0 else None
    healthy = link is not None and link.health is Health.GOOD and link.server is not End.GONE
    spends: Fault | None = None
    if kind in CLIENT_VERDICTS and healthy:
        if w.spent[Fault.HASTE] >= settings.hasty:
            return
        spends = Fault.HASTE
    elif kind in STANDSTILLS:
        if w.spent[Fault.STALL] >= settings.stalls:
            return
        spends = Fault.STALL
    elif kind is Kind.OPEN_EXPIRED:
        if not w.connecting or w.spent[Fault.REFUSAL] >= settings.refusals:
            return
        spends = Fault.REFUSAL
    elif kind is Kind.RESUME_EXPIRED:
        if w.spent[Fault.EXPIRY] >= settings.expiries:
            return
        spends = Fault.EXPIRY
    elif kind is Kind.PING_DUE and not (settings.chatty and link is not None and _may_ping(cache, link)):
        return
    yield Move("client", f"timer {kind.name}", fair=spends is None), _client_fires(kind, spends)


def _client_fires(kind: Kind, spends: Fault | None) -> Act:
    def act(transition: Transition) -> bool:
        if spends is not None:
            transition.spend(spends)
        return transition.client_does(("timer", kind), lambda c: c.fire(kind))

    return act


def _may_ping(cache: StepCache, link: Link) -> bool:
    """One ping at a time is enough: another one changes nothing."""
    on_its_way = (cache.items[number] for number in (*link.up, *link.down))
    return not any(isinstance(item, Ping | Pong) for item in on_its_way)


# ---------------------------------------------------------------------------- the network


def _of_network(cache: StepCache, settings: Settings, w: JointState) -> Iterator[tuple[Move, Act]]:
    if w.connecting:
        yield Move("network", "connect", fair=True), Transition.connect
        if w.spent[Fault.REFUSAL] < settings.refusals:
            yield Move("network", "refuse", fair=False), _with_fault(Fault.REFUSAL, Transition.refuse)
    for at, link in enumerate(w.links):
        if link.up and link.server in (End.OPEN, End.CLOSING) and _is_read(cache, w, at):
            yield Move("network", f"deliver up {at}", fair=True), partial(Transition.deliver_up, at=at)
        broken = link.health is Health.BROKEN
        if link.server is End.DROPPED or (broken and link.server is not End.GONE):
            yield Move("network", f"server learns {at}", fair=True), partial(Transition.server_learns, at=at)
        unbound = all(served.link != at for served in w.servers)
        if link.health is Health.SILENT and link.server is End.OPEN and unbound:
            # Nothing has come on it: a server waits for a first message as long as for a start.
            yield Move("network", f"server gives up {at}", fair=True), partial(Transition.server_learns, at=at)
        if at == w.here:
            reads = drivers.client_reads(cache.clients[w.client], link.up)
            if link.down and reads and link.client in (End.OPEN, End.CLOSING):
                yield Move("network", "deliver down", fair=True), Transition.deliver_down
            if link.client is End.DROPPED or broken:
                yield Move("network", "client learns", fair=True), Transition.client_learns
        if link.health is Health.GOOD:
            if w.spent[Fault.CUT] < settings.cuts:
                yield Move("network", f"cut {at}", fair=False), _with_fault(Fault.CUT, partial(Transition.cut, at=at))
            if w.spent[Fault.SILENCE] < settings.silences:
                silence = partial(Transition.silence, at=at)
                yield Move("network", f"silence {at}", fair=False), _with_fault(Fault.SILENCE, silence)
    if w.spent[Fault.RESTART] < settings.restarts and w.servers:
        yield Move("network", "server restarts", fair=False), _with_fault(Fault.RESTART, Transition.restart_server)
    if w.spent[Fault.DRAIN] < settings.drains and w.servers:
        yield Move("network", "server drains", fair=False), _with_fault(Fault.DRAIN, Transition.drain_server)


def _with_fault(fault: Fault, act: Callable[[Transition], None]) -> Act:
    def suffer(transition: Transition) -> None:
        transition.spend(fault)
        act(transition)

    return suffer


def _is_read(cache: StepCache, w: JointState, at: int) -> bool:
    session = next((served for served in w.servers if served.link == at), None)
    return session is None or drivers.server_reads(cache.servers[session.state].snapshot, w.links[at].down)


# ---------------------------------------------------------------------------- the server and its engine


def _of_servers(cache: StepCache, settings: Settings, w: JointState) -> Iterator[tuple[Move, Act]]:
    for index, served in enumerate(w.servers):
        s = cache.servers[served.state].snapshot
        listed = cache.listed(("engine", served.state, served.born), partial(_engine, settings, s, served.born))
        for move, key, verb, spends in listed:
            if spends is None or w.spent[spends] == 0:
                yield move, _server_act(index, key, verb, spends)
        for kind in cache.server_timers(served.state):
            yield from _server_timer(cache, settings, w, index, kind)


def _server_act(index: int, key: Any, verb: Verb, spends: Fault | None) -> Act:
    def act(transition: Transition) -> bool:
        if spends is not None:
            transition.spend(spends)
        return transition.server_does(index, key, verb)

    return act


def _engine(settings: Settings, s: Snapshot, born: int) -> tuple[ServerAction, ...]:
    return tuple(_server_actions(settings, s, born))


def _server_actions(settings: Settings, s: Snapshot, born: int) -> Iterator[ServerAction]:
    """Yield what an engine and its application may do; what an engine must do is a fair move."""
    if settings.no_return and s.started:
        yield Move("server", "no return", fair=False), ("no return",), lambda v: v.no_return(now=NOW), Fault.RESTART
    if s.state is State.CLOSED or not s.started:
        return
    if settings.fail:
        yield (
            Move("engine", "fail", fair=False),
            ("fail",),
            lambda v: v.fail("internal", "it broke", now=NOW),
            Fault.FAIL,
        )
    if s.state is State.CONNECTING:
        if settings.full:
            refuse = partial(Server.fail, code="capacity", why="there is no room", now=NOW, retry_after_s=1.0)
            yield Move("engine", "refuse", fair=False), ("refuse",), refuse, Fault.FULL
        token = "t0" if settings.resume and not (settings.declines and born) else None
        yield (
            Move("engine", "accept", fair=True),
            ("accept", born),
            lambda v: v.accept(f"s{born}", ENGINE, now=NOW, resume_token=token),
            None,
        )
        return
    for code in settings.stops if not s.ended else ():
        yield (
            Move("engine", f"stop_input {code}", fair=False),
            ("stop", code),
            partial(Server.stop_input, code=code, now=NOW),
            Fault.STOP,
        )
    owed = s.credit < s.processed + s.samples(s.limits.window_s)  # a final has moved processed, and not the credit
    for upto in range(s.processed + (not owed), s.received + 1):
        yield (
            Move("engine", f"progress {upto}", fair=upto == s.received),
            ("progress", upto),
            partial(Server.progress, processed_sample=upto, now=NOW),
            None,
        )
    for move, key, verb in engine_moves.said(settings, s):
        yield move, key, verb, None
    if s.state is State.DRAINING:
        yield Move("engine", "finish", fair=True), ("finish",), lambda v: v.finish(now=NOW), None


def _server_timer(
    cache: StepCache, settings: Settings, w: JointState, index: int, kind: Kind
) -> Iterator[tuple[Move, Act]]:
    at = w.servers[index].link
    link = w.links[at] if at >= 0 else None
    healthy = link is not None and link.health is Health.GOOD and link.client is not End.GONE
    spends: Fault | None = None
    if kind in LONG:
        return
    if kind in SERVER_VERDICTS and healthy:
        if w.spent[Fault.HASTE] >= settings.hasty:
            return
        spends = Fault.HASTE
    elif kind is Kind.RESUME_EXPIRED:
        # Where the client cannot resume any more, expiry is a matter of time only.
        if not _is_abandoned(cache, w, w.servers[index].born):
            if w.spent[Fault.EXPIRY] >= settings.expiries:
                return
            spends = Fault.EXPIRY
    elif kind in STANDSTILLS or kind is Kind.DRAIN_EXPIRED:
        if w.spent[Fault.STALL] >= settings.stalls:
            return
        spends = Fault.STALL
    elif kind is Kind.PROGRESS_DUE and not (settings.chatty and link is not None and _may_tell(cache, link)):
        return
    yield Move("server", f"timer {kind.name}", fair=spends is None), _server_fires(index, kind, spends)


def _may_tell(cache: StepCache, link: Link) -> bool:
    """One ack or ``loading`` at a time is enough: another one changes nothing."""
    return not (link.down and isinstance(cache.items[link.down[-1]], Ack | Loading))


def _is_abandoned(cache: StepCache, w: JointState, born: int) -> bool:
    """Whether the client cannot resume a session any more: it has ended, or goes on in another one."""
    client = cache.clients[w.client]
    reads_what_is_left = w.here >= 0 and w.links[w.here].server is End.GONE  # its ready may be on its way still
    elsewhere = w.born > 1 and client.recovery.session != f"s{born}" and not reads_what_is_left
    return client.state is State.CLOSED or elsewhere


def _server_fires(index: int, kind: Kind, spends: Fault | None) -> Act:
    def act(transition: Transition) -> bool:
        if spends is not None:
            transition.spend(spends)
        return transition.server_does(index, ("timer", kind), lambda v: v.fire(kind))

    return act
