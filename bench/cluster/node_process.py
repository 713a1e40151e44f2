"""A Ray cluster of several nodes on this machine, in a process of its own: Ray wants the main thread for its nodes.

python -m cluster.node_process COUNT     with lines on standard input: ``add``, and ``kill`` for the oldest; each is
                                         answered with the address of the cluster. The end of input ends all.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

STORE_BYTES = 80 * 2**20


def main(count: int) -> None:
    """Run a head node without a processor, and nodes with one each, as standard input says."""
    head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [_added(cluster) for _ in range(count)]
        _tell(cluster)
        for line in sys.stdin:
            if line.strip() == "add":
                nodes.append(_added(cluster))
            else:
                _kill(nodes.pop(0))
            _tell(cluster)
    finally:
        cluster.shutdown()


def _added(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)


def _kill(node: Any) -> None:
    """Kill a node as machines die: all of its processes, in the middle of whatever they do."""
    (raylet,) = node.all_processes["raylet"]
    for pid in [*_descendants(raylet.process.pid), raylet.process.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that these have."""
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text(encoding="ascii").split())
    return [each for child in children for each in (child, *_descendants(child))]


def _tell(cluster: Any) -> None:
    print(f"address {cluster.address}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
