"""Two nodes behind Debian's nginx, with the configuration in ``deploy/nginx``."""

from contextlib import AsyncExitStack
from pathlib import Path

from fault_injection.listening.engine import ListeningEngine

from auricle.core import Ready
from auricle.core.events import Interrupted, Restarted
from auricle.core.messages import Resumed
from auricle.core.node import node_of
from auricle.server.app import ServerConfig, running_server
from server.proxies import needs_nginx, nginx
from server.test_nodes_behind_haproxy import Cluster, all_converse, is_whole, of, run

pytestmark = needs_nginx
NODES = ("n1", "n2")


def test_sessions_survive_nginx_and_their_nodes(tmp_path: Path) -> None:
    """They come back to their nodes when nginx is killed, and go on at the other one when theirs drains."""

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            servers = {
                name: await stack.enter_async_context(
                    running_server(ServerConfig(port=0, node_name=name), ListeningEngine())
                )
                for name in NODES
            }
            ports = {name: int(server.url.split(":")[2].split("/")[0]) for name, server in servers.items()}
            nodes = Cluster(servers, await stack.enter_async_context(nginx(ports, tmp_path)))

            async def restart() -> None:
                assert all(nodes.sessions().values()), "least_conn"
                await nodes.proxy.stop()
                await nodes.proxy.start()

            for events in await all_converse(nodes, 8, restart):
                is_whole(events)
                assert of(events, Interrupted)
                assert of(events, Resumed)
                assert not of(events, Restarted)

            async def drain() -> None:
                servers["n1"].drain()

            outcomes = await all_converse(nodes, 4, drain)
            for events in outcomes:
                is_whole(events)
                first, *later = (node_of(ready.session) for ready in of(events, Ready))
                assert later == ([] if first == "n2" else ["n2"])
            assert {node_of(of(events, Ready)[0].session) for events in outcomes} == set(NODES)

    run(scenario)
