"""An engine on other machines: its windows are decoded by workers of a cluster, one call at a time on each.

The sessions, the scheduler and the queue stay here: what a worker gets is a batch that is due now, and all it knows. So
the loss of a worker is a call made again on another one. `protocol` is what an existing engine for distribution has to
offer; it places workers, and `auricle.engines.ray` is one. `pool` keeps as many workers as there is room for, and
makes the calls; `engine` is the window engine that the scheduler sees; `host` is what runs in a worker. Source:
notes/operations.md §3.
"""

from auricle.engines.workers.loading import EngineWorkers, load_on_workers

__all__ = ["EngineWorkers", "load_on_workers"]
