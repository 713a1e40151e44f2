"""`FinishedSimulation`: the part of a simulation that the checks at its end read."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from auricle.core.testing.application import Application
from auricle.core.testing.driver import Driver
from auricle.core.testing.faults import Faults
from auricle.core.testing.monitors import ClientMonitor, ServerMonitor
from auricle.core.testing.network import Connection
from auricle.core.testing.scenario import Scenario
from auricle.core.testing.synthetic_speech import SyntheticSpeech


class FinishedSimulation(Protocol):
    """A simulation that has run to its end. `auricle.core.testing.simulation.Simulation` is one."""

    scenario: Scenario
    voice: SyntheticSpeech
    client: Driver
    application: Application
    client_monitor: ClientMonitor
    faults: Faults
    nearly_late: bool
    """The client's loop slept so long that a timeout of its own was due, and too short for it to know so."""

    @property
    def server_monitors(self) -> Mapping[Driver, ServerMonitor]:
        """The monitors of all server sessions there have been."""

    @property
    def connections(self) -> Sequence[Connection]:
        """All connections there have been."""
