"""The actor: an engine's host, which says on which node it is."""

import ray

from auricle.engines.workers.host import EngineHost, own_version
from auricle.engines.workers.protocol import LoadAnswer


class RayHost:
    """Hosts an engine in an actor. See `EngineHost` for the parameters."""

    def __init__(self, create: str, arguments: tuple[object, ...]) -> None:
        self._host = EngineHost(create, arguments)

    def load(self) -> LoadAnswer:
        """Load the engine; say where, with which version of Auricle, and what came of it."""
        return ray.get_runtime_context().get_node_id(), own_version(), self._host.load()

    def decode(self, *pieces: bytes) -> bytes:
        """Decode the windows of a request in pieces."""
        return self._host.decode(*pieces)

    def ping(self) -> None:
        """Do nothing: that it is done is the answer."""
