"""Where and with what something was measured, in general terms."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIBRARIES = ("ctranslate2", "faster-whisper", "onnxruntime", "numpy")


def facts(argv: Sequence[str]) -> dict[str, Any]:
    """Return what a results file says of the run."""
    return {
        **moment(),
        "command": command(argv),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def moment() -> dict[str, Any]:
    """Return the day, and how much the machine has to do."""
    return {"date": datetime.now(tz=UTC).date().isoformat(), "load_before": round(os.getloadavg()[0], 2)}


def command(argv: Sequence[str]) -> str:
    """Return the command line without the places of this machine."""
    return " ".join(["python", *map(general, argv)])


def general(argument: str) -> str:
    """Return a path as the repository sees it, of any other its name; anything else as it is."""
    path = Path(argument)
    if not path.exists() and not path.is_absolute():
        return argument
    absolute = path.resolve()
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else f"…/{absolute.name}"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
