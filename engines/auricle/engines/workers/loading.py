"""Loading an engine onto the workers of a cluster, by the address that an operator gives."""

from dataclasses import asdict, dataclass, replace
from importlib import import_module
from types import MappingProxyType
from typing import Final, Protocol

from auricle.engines.compute import ComputeOptions
from auricle.engines.isolation.factory import parts_module, parts_of
from auricle.engines.protocol import Engine, EngineUnavailable, LoadProgress
from auricle.engines.registry import module_of
from auricle.engines.workers.engine import DistributedWindowEngine
from auricle.engines.workers.host import own_version
from auricle.engines.workers.pool import WorkerPool
from auricle.engines.workers.protocol import Cluster, Hosted

REGISTERED: Final = "auricle.engines.workers.host:registered"
SYSTEMS: Final = MappingProxyType({"ray": "auricle.engines.ray.cluster"})
"""The module of each engine for distribution, by the scheme of its addresses; imported when it is asked for."""
INLINE_BYTES: Final = 64 * 1024
"""Bytes of a piece of a request. Ray sends less than 100 KB with the call, and stores what is longer where the worker
has to fetch it from. Measured between two processes (Ray 2.60, a busy machine with two cores, median of 40 calls):
960 KB, which is a window of 10 s, in 4.5 ms in such pieces, in 9.1 ms as one, and in 9.8 ms through `ray.put`; 64 KB
in 0.8, 0.8 and 6.6 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineWorkers:
    """Where an engine's workers run, as an operator says it. Raises `ValueError` for an address of no known system."""

    address: str
    """``ray``, ``ray:HOST:PORT`` or ``ray://HOST:PORT``."""
    most: int | None = None
    """Most workers of this server; None: as many as there is room for."""

    def __post_init__(self) -> None:
        if self.system not in SYSTEMS:
            known = ", ".join(SYSTEMS)
            raise ValueError(f"Engine workers are on {known}, as in ray or ray://HOST:PORT, not on {self.address!r}.")
        if self.most is not None and self.most < 1:
            raise ValueError(f"There must be at least one engine worker, not {self.most}.")

    @property
    def system(self) -> str:
        """The name of the engine for distribution."""
        return self.address.partition(":")[0]


class ConnectModule(Protocol):
    """What the module of an engine for distribution has."""

    def connect(self, address: str, hosted: Hosted) -> Cluster:
        """Join the cluster at an address. Raises `EngineUnavailable`."""


def load_on_workers(
    workers: EngineWorkers,
    name: str,
    model: str | None,
    language: str | None,
    compute: ComputeOptions,
    progress: LoadProgress,
) -> Engine:
    """Load the engine ``name`` on workers, and return an engine that calls them. Raises `EngineUnavailable`."""
    threads, device = compute.threads or 1, compute.device and compute.device.partition(":")[0]
    # Which of a node's GPUs is a worker's is for the cluster to say.
    compute = replace(compute, device=device)
    hosted = Hosted(
        create=REGISTERED,
        arguments=(name, model, language, asdict(compute), threads),
        device=device,
        threads=threads,
    )
    return on_workers(workers, hosted, parts_module(module_of(name)), progress)


def on_workers(workers: EngineWorkers, hosted: Hosted, parts: str, progress: LoadProgress) -> Engine:
    """Do the same with what ``hosted`` says, and the function ``parts``, ``module:name``, for what runs here.

    Raises `EngineUnavailable`.
    """
    progress(f"Joining the cluster {workers.address}", None)
    pool = WorkerPool(
        _system(workers).connect(workers.address, hosted),
        address=workers.address,
        version=own_version(),
        most=workers.most,
        piece_bytes=INLINE_BYTES,
    )
    try:
        ready = pool.start(progress)
        return DistributedWindowEngine(pool, ready, parts_of(ready, parts))
    except BaseException:
        pool.close()
        raise


def _system(workers: EngineWorkers) -> ConnectModule:
    """Return the module of the engine for distribution. Raises `EngineUnavailable` where it is not installed."""
    try:
        module: ConnectModule = import_module(SYSTEMS[workers.system])
    except ModuleNotFoundError as missing:
        raise EngineUnavailable(
            f"Engine workers on {workers.system} need {missing.name}: install the extra auricle[{workers.system}]."
        ) from None
    return module
