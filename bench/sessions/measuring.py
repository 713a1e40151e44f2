"""One server under load: its processor time for each message, and the memory of each session."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from auricle.core import PROTOCOL
from sessions.load import connect, read_away, start_message, talk
from sessions.programs import PROFILE

BENCH: Final = Path(__file__).parents[1]
WARM_UP_S: Final = 1.0
SETTLE_S: Final = 0.3
OURS: Final = frozenset({"auricle", "silent"})
"""The servers that speak `auricle.v1`."""
PATH: Final = "/ws/transcribe"
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Of one run."""

    messages_per_cpu_s: float
    session_kib: float
    base_mib: float
    busy: float
    """Share of one processor that the server was busy."""
    waited: float
    """Share of the time that the server waited for a processor, which others had: it then works in bursts, and seems to
    be cheaper than it is."""


@contextmanager
def running(name: str, profile: str | None, processor: int | None) -> Iterator[tuple[int, int]]:
    """Run a server for the length of the block; yield its process and its port."""
    environment = dict(os.environ) | ({PROFILE: profile} if profile else {})
    path = os.pathsep.join([str(BENCH), environment.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-m", _module(name), name],
        stdout=subprocess.PIPE,
        env=environment | {"PYTHONPATH": path},
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        if processor is not None:
            os.sched_setaffinity(process.pid, {processor})
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure(
    name: str, sessions: int, seconds: float, *, profile: str | None = None, processor: int | None = None
) -> Cost:
    """Return what a server takes for so many sessions."""
    ours = name in OURS
    with running(name, profile, processor) as (pid, port):
        time.sleep(SETTLE_S)
        base = _resident(pid)
        connections = [
            connect(port, PATH, PROTOCOL if ours else None, start_message() if ours else None) for _ in range(sessions)
        ]
        try:
            talk(connections, WARM_UP_S)
            before_s, waited_s = _cpu_s(pid), _waited_s(pid)
            sent = talk(connections, seconds)
            used_s, waited_s = _cpu_s(pid) - before_s, _waited_s(pid) - waited_s
            held = _resident(pid)
            read_away(connections)
        finally:
            for connection in connections:
                connection.close()
    return Cost(
        messages_per_cpu_s=sent.messages / max(used_s, 1 / TICKS),
        session_kib=(held - base) / sessions / 1024,
        base_mib=base / 2**20,
        busy=used_s / sent.elapsed_s,
        waited=waited_s / sent.elapsed_s,
    )


def _module(name: str) -> str:
    return "sessions.whole_server" if name in OURS else "sessions.bare_servers"


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process, all its threads, user and system. Source: proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _waited_s(pid: int) -> float:
    """Return how long the main thread of a process has waited for a processor. Source: the kernel's sched-stats."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
