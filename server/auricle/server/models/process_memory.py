"""The memory of a process, as Linux tells it."""

import os
from pathlib import Path
from typing import Final

PROCESSES: Final = Path("/proc")
RESIDENT: Final = 1
"""Which number of ``statm`` counts the resident pages. Source: proc(5)."""


def resident_bytes(pid: int, processes: Path = PROCESSES) -> int | None:
    """Return the resident memory of a process in bytes; None where it has ended, or the system does not say."""
    try:
        pages = int((processes / str(pid) / "statm").read_text(encoding="ascii").split()[RESIDENT])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
