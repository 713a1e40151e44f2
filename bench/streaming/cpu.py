"""CPU time of this process and all its children, alive or gone."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

PROCESSES = Path("/proc")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Used:
    """What was used between the begin and the end of `metered`."""

    cpu_s: float = 0.0
    wall_s: float = 0.0


@contextmanager
def metered() -> Iterator[Used]:
    """Measure what happens inside."""
    used = Used()
    # To look for children costs a millisecond, which is nobody's: it is done before and after.
    of_others_s, own_s, wall_s = children_cpu_s(), time.process_time(), time.perf_counter()
    yield used
    used.cpu_s, used.wall_s = time.process_time() - own_s, time.perf_counter() - wall_s
    used.cpu_s += children_cpu_s() - of_others_s


def children_cpu_s() -> float:
    """Return the seconds of all children so far. They count while they live (Linux) and once they were waited for."""
    reaped = getrusage(RUSAGE_CHILDREN)
    return reaped.ru_utime + reaped.ru_stime + sum(map(_used_by, descendants()))


def descendants() -> list[int]:
    """Return the ids of all processes that descend from this one; none where there is no ``/proc``."""
    children: dict[int, list[int]] = {}
    for status in PROCESSES.glob("[0-9]*/stat"):
        fields = _fields(status)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found, waiting = list[int](), [os.getpid()]
    while waiting:
        born = children.get(waiting.pop(), [])
        found += born
        waiting += born
    return found


def largest_descendant(least_bytes: int) -> int | None:
    """Return the one that holds most memory, and so the model; None where none holds as much as ``least_bytes``."""
    sizes = {process: _resident_bytes(process) for process in descendants()}
    largest = max(sizes, key=lambda process: sizes[process], default=None)
    return largest if largest is not None and sizes[largest] >= least_bytes else None


def _resident_bytes(process: int) -> int:
    fields = _fields(PROCESSES / str(process) / "stat")
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _used_by(process: int) -> float:
    """Return its own seconds and those of its children that it waited for."""
    fields = _fields(PROCESSES / str(process) / "stat")
    return sum(int(ticks) for ticks in fields[11:15]) / CLOCK_TICKS if fields else 0.0


def _fields(status: Path) -> list[str]:
    """Return what follows the name, which may hold anything; nothing of a process that has gone."""
    try:
        return status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
