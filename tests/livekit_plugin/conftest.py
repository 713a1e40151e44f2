"""These tests need LiveKit Agents (``pip install -e plugin``); without it they are not collected, and one says so."""

from importlib.util import find_spec


def livekit_is_here() -> bool:
    return find_spec("livekit") is not None and find_spec("livekit.agents") is not None


collect_ignore_glob = [] if livekit_is_here() else ["test_*.py"]
