"""How many processors this process may use: what the scheduler allows, within the quota of its container."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
OWN_GROUPS: Final = Path("/proc/self/cgroup")


def processors(control_groups: Path = CONTROL_GROUPS, own_groups: Path = OWN_GROUPS) -> int:
    """Return how many processors can be kept busy, at least 1. A quota of two and a half counts as two.

    A container sees all processors of its host, and is stopped when it has used up its quota: with more threads than
    that every decode would stand still for a part of each tenth of a second.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = (_quota(folder) for folder in _folders(control_groups, own_groups))
    return max(1, min([allowed, *(int(quota) for quota in quotas if quota is not None)]))


def _folders(control_groups: Path, own_groups: Path) -> Iterator[Path]:
    """Yield the folders of this process' control group and of those around it, versions 2 and 1."""
    try:
        lines = own_groups.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = control_groups / "cpu" if controllers else control_groups
        inside = PurePosixPath(path.lstrip("/"))
        yield from (root / group for group in (inside, *inside.parents))


def _quota(folder: Path) -> float | None:
    """Return the processors that a control group may use; None: any number, or it does not say."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):
        # "max", or no such file.
        return None
