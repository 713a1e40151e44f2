"""A Ray cluster of several nodes on this machine, which join, and are killed as machines die."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parents[2]
IMPORTED = ("tools", "bench", "tests")
"""What workers import beside what is installed."""
END_S = 60.0
"""Seconds that the processes of all nodes may take to end."""
LAST_LINES = 20
SETTINGS = MappingProxyType({"RAY_USAGE_STATS_ENABLED": "0"})
"""Of Ray."""


class SimulatedNodes:
    """The nodes, and the process that runs them. Each call returns when it is done."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log
        self._address = ""

    @property
    def address(self) -> str:
        """As ``--engine-workers`` takes it."""
        return f"ray:{self._address}"

    def add(self) -> None:
        """Add a node, and wait until it is part of the cluster."""
        self._ask("add")

    def kill_oldest(self) -> None:
        """Kill a node with SIGKILL: whatever runs there ends in the middle of it."""
        self._ask("kill")

    def wait_for_address(self) -> None:
        """Wait until the cluster says where it is. Raises `RuntimeError`, with its last words, where it has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, address = line.strip().partition(" ")
            if word == "address":
                self._address = address
                return
        last = "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
        raise RuntimeError(f"The Ray cluster has ended:\n{last}")

    def _ask(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        self.wait_for_address()


@contextmanager
def simulated_nodes(count: int) -> Iterator[SimulatedNodes]:
    """Run a cluster with so many nodes of one processor each for the length of the block."""
    paths = [*(str(ROOT / folder) for folder in IMPORTED), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | SETTINGS | {"PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "nodes.log"
        with log.open("w", encoding="utf-8") as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "cluster.node_process", str(count)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
                env=environment,
            )
        try:
            nodes = SimulatedNodes(process, log)
            nodes.wait_for_address()
            yield nodes
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(END_S)
