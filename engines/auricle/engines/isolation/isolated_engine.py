"""What both kinds of engine have in a child process: the supervisor of that process."""

from auricle.engines.isolation.messages import Ready
from auricle.engines.isolation.remote_engine import RemoteEngine
from auricle.engines.isolation.supervisor import Supervisor
from auricle.engines.protocol import SessionParts
from auricle.engines.supervised import EngineProcess, EngineTrouble


class IsolatedEngine(RemoteEngine):
    """An engine that `load_isolated` has loaded."""

    def __init__(self, supervisor: Supervisor, ready: Ready, parts: SessionParts) -> None:
        super().__init__(ready, parts)
        self._supervisor = supervisor

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the process from answering now; None: nothing."""
        return self._supervisor.trouble

    @property
    def process(self) -> EngineProcess:
        """The process that it runs in."""
        return self._supervisor.process

    def stop(self) -> None:
        """Kill the process; pending calls raise `EngineError`."""
        self._supervisor.close()

    def close(self) -> None:
        """Kill the process."""
        self._supervisor.close()
