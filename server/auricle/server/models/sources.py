"""Where the models of a server come from: each is loaded by the one engine that the server has, with its share."""

from auricle.engines.compute import ComputeOptions
from auricle.engines.fallback import Isolation, engine_loader
from auricle.engines.loading import EngineLoader
from auricle.engines.whisper.processors import processors
from auricle.engines.workers import EngineWorkers
from auricle.server.models.lanes import shared_compute, shares
from auricle.server.models.pool import Source


def model_source(
    *,
    engine: str | None,
    language: str | None,
    isolation: Isolation,
    compute: ComputeOptions,
    workers: EngineWorkers | None = None,
) -> Source:
    """Return the source of a server's models; None as a model's name is whatever the engine chooses."""

    def load(name: str | None, place: int, models: int) -> EngineLoader:
        if workers is not None:
            return engine_loader(engine, name, language, compute=compute, workers=workers)
        share = shares(compute.threads or processors(), models)[place]
        options = shared_compute(compute, engine, share, alone=models == 1)
        return engine_loader(engine, name, language, isolation, options)

    return load
