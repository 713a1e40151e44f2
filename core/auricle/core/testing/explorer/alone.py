"""I14: from every snapshot of either side that the search has come to, an ending can be built.

Asked after the search, once for each snapshot. These steps are no part of any conversation.
"""

from collections.abc import Iterator
from typing import Final

from auricle.core.snapshot import Snapshot
from auricle.core.testing.endable import check_can_end
from auricle.core.testing.explorer.coverage import unrecorded
from auricle.core.testing.explorer.endpoints import NOW
from auricle.core.testing.explorer.search import Explored, Found
from auricle.core.testing.explorer.step_cache import StepCache

LAST: Final = "either side by itself"


def find_endless(explored: Explored) -> Found | None:
    """Return the first snapshot that cannot end by itself, None where every one can."""
    with unrecorded():
        for is_client, number, snapshot in _snapshots(explored.cache):
            why = _why_endless(snapshot)
            if why is not None:
                return Found("I14", f"I14: {why}", explored.trace(_where(explored, number, is_client=is_client)), LAST)
    return None


def _snapshots(cache: StepCache) -> Iterator[tuple[bool, int, Snapshot]]:
    for number in range(len(cache.clients)):
        yield True, number, cache.clients[number]
    for number in range(len(cache.servers)):
        yield False, number, cache.servers[number].snapshot


def _why_endless(s: Snapshot) -> str | None:
    try:
        check_can_end(s, now=NOW)
    except Exception as escaped:
        return f"no ending can be built: {escaped!r}"
    return None


def _where(explored: Explored, number: int, *, is_client: bool) -> int:
    """Return the first joint state in which a side has this snapshot; the beginning where it has it only in between."""
    for at in range(len(explored.keys)):
        w = explored.joint_state(at)
        if w.client == number if is_client else any(served.state == number for served in w.servers):
            return at
    return 0
