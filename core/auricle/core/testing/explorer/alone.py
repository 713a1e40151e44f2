"""What each side can do by itself, from every snapshot that the search has come to.

I14: an ending can be built. I15: time alone leads to the end within a stated bound, whatever the peer, the engine and
the network do not do.

Asked after the search, once for each snapshot. These steps are no part of any conversation.
"""

from collections.abc import Iterator
from typing import Final

from auricle.core.snapshot import Snapshot
from auricle.core.testing.endable import check_can_end
from auricle.core.testing.explorer.checks import InvariantBroken
from auricle.core.testing.explorer.coverage import unrecorded
from auricle.core.testing.explorer.endpoints import NOW
from auricle.core.testing.explorer.search import Explored, Found
from auricle.core.testing.explorer.step_cache import StepCache
from auricle.core.testing.time_alone import check_time_ends

LAST: Final = "either side by itself"


def find_endless(explored: Explored) -> Found | None:
    """Return the first snapshot that cannot end by itself, None where every one can."""
    with unrecorded():
        for is_client, number, snapshot in _snapshots(explored.cache):
            why = _why_endless(snapshot)
            if why is not None:
                trace = explored.trace(_where(explored, number, is_client=is_client))
                return Found(why.invariant, str(why), trace, LAST)
    return None


def _snapshots(cache: StepCache) -> Iterator[tuple[bool, int, Snapshot]]:
    for number in range(len(cache.clients)):
        yield True, number, cache.clients[number]
    for number in range(len(cache.servers)):
        yield False, number, cache.servers[number].snapshot


def _why_endless(s: Snapshot) -> InvariantBroken | None:
    try:
        check_can_end(s, now=NOW)
    except Exception as escaped:
        return InvariantBroken("I14", f"no ending can be built: {escaped!r}")
    try:
        check_time_ends(s, now=NOW)
    except Exception as escaped:
        return InvariantBroken("I15", str(escaped) if isinstance(escaped, AssertionError) else repr(escaped))
    return None


def _where(explored: Explored, number: int, *, is_client: bool) -> int:
    """Return the first joint state in which a side has this snapshot; the beginning where it has it only in between."""
    for at in range(len(explored.keys)):
        w = explored.joint_state(at)
        if w.client == number if is_client else any(served.state == number for served in w.servers):
            return at
    return 0
