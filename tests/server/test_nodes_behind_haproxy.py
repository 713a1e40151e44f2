"""Nodes that fail, load, hang and differ behind Debian's haproxy, with the configuration in ``deploy/haproxy``.

The nodes are in this process, so that each of them does what a test says when it says so.
"""

import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import trio
from fault_injection.listening.engine import ListeningEngine, ListeningWindowEngine, spoken, text_of

from auricle.core import Final, Limits, Partial, Ready, SessionClosed, Start
from auricle.core.events import Interrupted, Restarted
from auricle.core.messages import Resumed
from auricle.core.node import node_of
from auricle.engines.loading import EngineLoader, Loaded
from auricle.engines.protocol import Engine, EngineInfo, LoadProgress
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.transports.trio import Client, connect
from server.proxies import HAProxy, Proxy, haproxy, needs_haproxy

pytestmark = needs_haproxy

PATIENCE_S = 180.0
UTTERANCES = [[101, 102], [201, 202, 203], [301, 302]]
AUDIO = spoken(UTTERANCES)
SAID = " ".join(text_of(words) for words in UTTERANCES)
HALF = len(spoken(UTTERANCES[:1])) + 36_000
"""In the second utterance, after its third word has begun."""
QUICK = {r"inter 1s fastinter 500ms downinter 1s": "inter 100ms fastinter 50ms downinter 100ms"}
"""Checks that a test need not wait for."""
AS_DEPLOYED = {pattern: pattern for pattern in QUICK}
"""Checks that a busy machine does not fail, where a node has to stay up until a test takes it down."""
CLIENT = Limits(reconnect_min_s=0.02, reconnect_max_s=0.2, reconnect_timeout_s=PATIENCE_S, max_reconnects=10_000)
Sources = Mapping[str, Engine | EngineLoader]


P = TypeVar("P", bound=Proxy)


class Gate:
    """A model that takes as long to load as a test says."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, progress: LoadProgress) -> Loaded:
        progress("Reading the weights", 0.5)
        self.open.wait(PATIENCE_S)
        return Loaded(engine=ListeningEngine())


class Cluster(Generic[P]):
    """Some nodes by name, behind one proxy."""

    def __init__(self, servers: Mapping[str, SpeechServer], proxy: P) -> None:
        self.servers = servers
        self.proxy: P = proxy

    def sessions(self) -> dict[str, int]:
        return {name: server.sessions for name, server in self.servers.items()}


@asynccontextmanager
async def cluster(
    folder: Path, sources: Sources, changes: Mapping[str, str] | None = None, **config: Any
) -> AsyncIterator[Cluster[HAProxy]]:
    """Run a node for each engine, and haproxy in front of them, with checks that a test need not wait for."""
    async with AsyncExitStack() as stack:
        servers = {
            name: await stack.enter_async_context(
                running_server(ServerConfig(port=0, node_name=name, **config), source)
            )
            for name, source in sources.items()
        }
        ports = {name: int(server.url.split(":")[2].split("/")[0]) for name, server in servers.items()}
        proxy = await stack.enter_async_context(haproxy(ports, folder, QUICK | (changes or {})))
        if not any(isinstance(source, Gate) for source in sources.values()):
            await proxy.until(**dict.fromkeys(servers, "UP"))
        yield Cluster(servers, proxy)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        with trio.fail_after(PATIENCE_S):
            await scenario()

    trio.run(bounded)


async def give(client: Client, audio: bytes) -> None:
    for at in range(0, len(audio), 6_400):
        await client.send_audio(audio[at : at + 6_400])


async def converse(cluster: Cluster[Any], meet: Callable[[], Awaitable[None]], limits: Limits = CLIENT) -> list[Any]:
    """Speak up to the middle, ``meet`` there, and go on to the end; return all events."""
    async with connect(cluster.proxy.url, limits=limits) as client:
        events: list[Any] = []
        await give(client, AUDIO[:HALF])
        async for event in client:
            events.append(event)
            if isinstance(event, Partial) and "w201" in event.text:
                break
        await meet()
        await give(client, AUDIO[HALF:])
        await client.end_input()
        return events + [event async for event in client]


def of(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def is_whole(events: list[Any]) -> None:
    """Check that nothing was lost and nothing doubled."""
    assert events[-1].complete is True, events[-1]
    assert " ".join(final.text for final in of(events, Final) if final.text) == SAID
    assert all(move.lost_samples == 0 for move in of(events, Restarted))


class Gathering:
    """Where so many sessions meet; the last one does something before they go on."""

    def __init__(self, sessions: int, act: Callable[[], Awaitable[None]]) -> None:
        self._missing = sessions
        self._act = act
        self._go_on = trio.Event()

    async def meet(self) -> None:
        self._missing -= 1
        if not self._missing:
            await self._act()
            self._go_on.set()
        await self._go_on.wait()


async def all_converse(cluster: Cluster[Any], sessions: int, act: Callable[[], Awaitable[None]]) -> list[list[Any]]:
    """Hold so many conversations at once, and do something in the middle of them."""
    gathering, outcomes = Gathering(sessions, act), list[list[Any]]()

    async def one() -> None:
        outcomes.append(await converse(cluster, gathering.meet))

    async with trio.open_nursery() as nursery:
        for _ in range(sessions):
            nursery.start_soon(one)
    return outcomes


def two_nodes() -> Sources:
    return {"n1": ListeningEngine(), "n2": ListeningEngine()}


# ---------------------------------------------------------------------------- the proxy itself


def test_sessions_come_back_to_their_nodes_when_the_proxy_is_killed(tmp_path: Path) -> None:
    """The affinity rule: every session is resumed where it is, and no decode is done twice."""

    async def scenario() -> None:
        async with cluster(tmp_path, two_nodes()) as nodes:

            async def restart() -> None:
                assert nodes.sessions() == {"n1": 4, "n2": 4}, "leastconn"
                await nodes.proxy.stop()
                await nodes.proxy.start()

            outcomes = await all_converse(nodes, 8, restart)
            for events in outcomes:
                is_whole(events)
                assert of(events, Interrupted)
                assert of(events, Resumed)
                assert not of(events, Restarted)
            assert Counter(node_of(of(events, Ready)[0].session) for events in outcomes) == {"n1": 4, "n2": 4}

    run(scenario)


def test_without_the_rule_sessions_go_on_elsewhere_and_lose_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        no_rule = {r"^    use-server .*\n": ""}
        async with cluster(tmp_path, two_nodes(), {**no_rule, "balance leastconn": "balance roundrobin"}) as nodes:

            async def restart() -> None:
                await nodes.proxy.stop()
                await nodes.proxy.start()

            outcomes = await all_converse(nodes, 8, restart)
            for events in outcomes:
                is_whole(events)
            assert any(of(events, Restarted) for events in outcomes)

    run(scenario)


def test_a_reload_of_the_proxy_is_noticed_by_no_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster(tmp_path, two_nodes()) as nodes:

            async def reload() -> None:
                nodes.proxy.reload()
                async with connect(nodes.proxy.url, limits=CLIENT) as client:  # the new worker, or still the old one
                    await client.end_input()

            for events in await all_converse(nodes, 4, reload):
                is_whole(events)
                assert not of(events, Interrupted)

    run(scenario)


def test_pings_keep_a_quiet_session_on_the_line_of_the_proxy(tmp_path: Path) -> None:
    """And the contrary, so that it is the pings: without them the proxy hangs up, and the session is resumed."""

    async def scenario() -> None:
        short = {r"timeout tunnel 75s": "timeout tunnel 1s"}
        async with cluster(tmp_path, two_nodes(), short) as nodes, trio.open_nursery() as nursery:

            async def be_quiet(ping_interval_s: float, interrupted: int) -> None:
                limits = Limits(reconnect_min_s=0.02, reconnect_max_s=0.2, ping_interval_s=ping_interval_s)
                events = await converse(nodes, partial(trio.sleep, 2.5), limits)
                is_whole(events)
                assert bool(of(events, Interrupted)) is bool(interrupted)
                assert len(of(events, Resumed)) == len(of(events, Interrupted))

            nursery.start_soon(be_quiet, 0.3, 0)
            nursery.start_soon(be_quiet, 20.0, 1)

    run(scenario)


# ---------------------------------------------------------------------------- nodes


def test_a_node_that_drains_hands_its_sessions_on_and_gets_no_new_ones(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster(tmp_path, two_nodes()) as nodes:

            async def drain() -> None:
                nodes.servers["n1"].drain()
                await nodes.proxy.until(n1="DOWN", n2="UP")

            outcomes = await all_converse(nodes, 6, drain)
            for events in outcomes:
                is_whole(events)
                first, *later = (node_of(ready.session) for ready in of(events, Ready))
                assert later == ([] if first == "n2" else ["n2"])
            assert {node_of(of(events, Ready)[0].session) for events in outcomes} == {"n1", "n2"}

    run(scenario)


def test_a_cold_node_gets_sessions_once_its_model_is_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        cold = Gate()
        async with cluster(tmp_path, {"n1": cold, "n2": ListeningEngine()}) as nodes:
            await nodes.proxy.until(n1="DOWN", n2="UP")

            async def warm_up() -> None:
                assert nodes.sessions() == {"n1": 0, "n2": 4}
                cold.open.set()
                await nodes.proxy.until(n1="UP", n2="UP")

            for events in await all_converse(nodes, 4, warm_up):
                is_whole(events)
                assert not of(events, Interrupted)
            async with connect(nodes.proxy.url) as one, connect(nodes.proxy.url) as other:
                assert {node_of(client.ready.session) for client in (one, other)} == {"n1", "n2"}

    run(scenario)


class Hanging(ListeningWindowEngine):
    """Its calls do not return while it hangs."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.goes_on.set()
        super().__init__(gate=self.goes_on)

    def decode(self, windows: Any) -> Any:
        self.goes_on.wait(PATIENCE_S)
        return super().decode(windows)


def test_a_node_whose_model_hangs_gets_no_sessions_and_its_own_end_in_time(tmp_path: Path) -> None:
    """It is alive, and answers everything but the model's part. The other node's session goes on as if nothing were."""

    async def scenario() -> None:
        hung, ends = Hanging(), dict[str | None, SessionClosed]()
        limits = Limits(drain_timeout_s=1.0, resume_window_s=1.0)
        sources: Sources = {"n1": hung, "n2": ListeningWindowEngine()}
        async with cluster(tmp_path, sources, AS_DEPLOYED, limits=limits) as nodes:

            async def hang() -> None:
                hung.goes_on.clear()

            gathering = Gathering(2, hang)

            async def one() -> None:
                events = await converse(nodes, gathering.meet)
                ends[node_of(of(events, Ready)[0].session)] = events[-1]

            async with trio.open_nursery() as nursery:
                nursery.start_soon(one)
                while not any(nodes.sessions().values()):  # noqa: ASYNC110 - the servers set no event for us
                    await trio.sleep(0.01)  # two that come at once may both be sent to the same node
                nursery.start_soon(one)
                await nodes.proxy.until(n1="DOWN", n2="UP")
                async with connect(nodes.proxy.url) as first, connect(nodes.proxy.url) as second:
                    assert {node_of(client.ready.session) for client in (first, second)} == {"n2"}
            assert ends["n2"].complete is True
            assert ends["n1"].complete is False, "it says that words are missing"
            assert ends["n1"].error == "drain_timeout"
            hung.goes_on.set()
            await nodes.proxy.until(n1="UP", n2="UP")

    run(scenario)


class Named(ListeningEngine):
    """The same words, from a model of another name and version."""

    def __init__(self, model: str, version: str) -> None:
        super().__init__()
        self._named = EngineInfo(name="listening", model=model, version=version)

    @property
    def info(self) -> EngineInfo:
        return self._named


def test_a_session_that_moves_to_another_model_is_told_which_one_answers_now(tmp_path: Path) -> None:
    """As in a rolling upgrade: the resume is refused, and the new ``ready`` names the model and its version."""

    async def scenario() -> None:
        sources = {"n1": Named("small", "1"), "n2": Named("large", "2")}
        async with cluster(tmp_path, sources) as nodes:

            async def drain() -> None:
                nodes.servers["n1"].drain()
                await nodes.proxy.until(n1="DOWN", n2="UP")

            outcomes = await all_converse(nodes, 2, drain)
            answering = []
            for events in outcomes:
                is_whole(events)
                answering.append([(ready.server.model, ready.server.version) for ready in of(events, Ready)])
            assert sorted(answering) == [[("large", "2")], [("small", "1"), ("large", "2")]]

    run(scenario)


def test_a_session_of_a_node_that_the_proxy_does_not_know_is_balanced_as_all_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster(tmp_path, two_nodes()) as nodes:
            url = f"{nodes.proxy.url}/ws/transcribe?node=gone"
            async with connect(url) as one, connect(url, Start()) as other:
                assert {node_of(client.ready.session) for client in (one, other)} == {"n1", "n2"}

    run(scenario)
