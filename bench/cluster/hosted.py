"""What the workers of these measurements host: the engine whose words are in the audio, and Whisper."""

from auricle.engines.compute import ComputeOptions
from auricle.engines.protocol import Engine
from auricle.engines.workers import EngineWorkers, load_on_workers
from auricle.engines.workers.loading import on_workers
from auricle.engines.workers.protocol import Hosted

LISTENING = Hosted(
    create="fault_injection.listening.engine:create_engine", arguments=("window", None), device=None, threads=1
)
LISTENING_PARTS = "fault_injection.listening.session_parts:session_parts"


def listening_on(address: str) -> Engine:
    """Return the engine whose words are in the audio, on the workers of a cluster."""
    return on_workers(EngineWorkers(address=address), LISTENING, LISTENING_PARTS, lambda stage, fraction: None)


def whisper_on(address: str, model: str) -> Engine:
    """Return Whisper on the workers of a cluster."""
    workers = EngineWorkers(address=address)
    return load_on_workers(workers, "whisper", model, None, ComputeOptions(), lambda stage, fraction: None)
