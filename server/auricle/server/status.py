"""What ``/status`` tells: the engine, the sessions, the load and the decode times of a server, as one JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final

from auricle.engines.loading import LoadStage
from auricle.engines.protocol import EngineInfo
from auricle.engines.scheduling.decode_times import DecodeSummary
from auricle.engines.scheduling.load import Load, QueueLength
from auricle.engines.supervised import WorkersStatus

ENGINE_KEYS: Final = ("name", "version", "model", "device", "languages")
_DIGITS: Final = 3
"""Decimals of numbers: a millisecond, a per mille."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """One session, without its name: whoever knows that and a token could take it over."""

    state: str
    attached: bool
    """Whether its client is connected."""
    age_s: float
    received_s: float
    """Seconds of audio that have come."""
    backlog_s: float
    """Seconds of them that the engine has not heard yet."""
    segments: int
    """Finals so far."""
    model: str | None = None
    """The model that it has; None until one is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One model."""

    name: str
    state: str
    detail: str | None
    """One sentence: why it does not answer; None: it does."""
    default: bool
    """Whether clients that name none get it."""
    sessions: int
    memory_bytes: int | None
    """Resident memory of its process; None where it is in the server's own, or unknown."""
    restarts: int
    """How often its process had to be replaced."""
    since_decode_s: float | None
    """Seconds since something was decoded; None: nothing was."""
    decodes: DecodeSummary | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """All that a server tells of itself."""

    node: str
    """Its name among several."""
    version: str
    uptime_s: float
    draining: bool
    ready: bool
    detail: str
    """One sentence: why it is ready, or not."""
    loading: LoadStage
    engine: EngineInfo | None
    sessions: Sequence[SessionStatus]
    max_sessions: int | None
    load: Load | None
    """None for a stateful engine."""
    decodes: DecodeSummary | None
    queue: QueueLength | None = None
    """None for a stateful engine."""
    workers: WorkersStatus | None = None
    """None where the engine runs on this machine."""
    models: Sequence[ModelStatus] = ()
    memory_bytes: int | None = None
    """Resident memory of the server's own process."""


def status_document(status: ServerStatus) -> Mapping[str, object]:
    """Return the JSON object. Names end in the unit, as everywhere; what is not known is null."""
    engine = status.engine
    return {
        "status": _word(status),
        "detail": status.detail,
        "node": status.node,
        "version": status.version,
        "uptime_s": _rounded(status.uptime_s),
        "engine": engine and {key: getattr(engine, key) for key in ENGINE_KEYS},
        "loading": None if engine else {"stage": status.loading.stage, "progress": status.loading.fraction},
        "sessions": {
            "open": len(status.sessions),
            "detached": sum(not session.attached for session in status.sessions),
            "limit": status.max_sessions,
            "list": [_numbers(asdict(session)) for session in status.sessions],
        },
        "load": status.load and _load(status.load),
        "decodes": status.decodes and _decodes(status.decodes),
        "queue": status.queue and status.queue._asdict(),
        "workers": status.workers and asdict(status.workers),
        "models": [model_document(model) for model in status.models],
        "memory_bytes": status.memory_bytes,
    }


def model_document(model: ModelStatus) -> dict[str, object]:
    """Return the JSON object of one model."""
    decodes = None if model.decodes is None else _decodes(model.decodes)
    return _numbers({field.name: getattr(model, field.name) for field in fields(model)} | {"decodes": decodes})


def _word(status: ServerStatus) -> str:
    if status.draining:
        return "draining"
    return "ready" if status.ready else "not_ready"


def _load(load: Load) -> Mapping[str, object]:
    return _numbers(
        {
            "utilisation": load.utilisation,
            "partial_interval_s": load.interval_s,
            "admits": load.admits,
            "retry_after_s": load.retry_after_s,
            "overdue_s": load.late_s,
        }
    )


def _decodes(decodes: DecodeSummary) -> Mapping[str, object]:
    return _numbers(asdict(decodes))


def _numbers(values: Mapping[str, object]) -> dict[str, object]:
    return {key: _rounded(value) if isinstance(value, float) else value for key, value in values.items()}


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
