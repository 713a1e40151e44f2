"""Running one of several servers as a program, with a profile where one is wanted."""

import cProfile
import os
from collections.abc import Callable, Mapping
from typing import Final

PROFILE: Final = "SESSIONS_PROFILE"
"""The variable that names the file for a profile."""


def tell(port: int) -> None:
    """Say on which port the server listens: the first line of the program."""
    print(port, flush=True)


def run_one(servers: Mapping[str, Callable[[], None]], name: str) -> None:
    """Run a server until it is interrupted."""
    profile = cProfile.Profile() if os.environ.get(PROFILE) else None
    if profile is not None:
        profile.enable()
    try:
        servers[name]()
    except* KeyboardInterrupt:
        pass
    finally:
        if profile is not None:
            profile.disable()
            profile.dump_stats(os.environ[PROFILE])
