"""These tests need LiveKit Agents (``pip install -e plugin``); without it they are not collected, and one says so."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from auricle.transports.asyncio import client as asyncio_client


def livekit_is_here() -> bool:
    return find_spec("livekit") is not None and find_spec("livekit.agents") is not None


collect_ignore_glob = [] if livekit_is_here() else ["test_*.py"]


@pytest.fixture(autouse=True)
def real_connections() -> Iterator[None]:
    """Hold that a test leaves the client with the connections it found: a patch inside a patch may come back last."""
    found = asyncio_client.open_websocket
    yield
    assert asyncio_client.open_websocket is found
