"""What is read off a server when its metrics are asked for: nothing has to be counted for it as it happens."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import chain
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from auricle.engines.protocol import EngineInfo
from auricle.engines.supervised import WorkersStatus
from auricle.server.metrics.catalogue import METRICS, Kind
from auricle.server.metrics.labels import STATES, WORKER_STATES, ModelLabels, one_of
from auricle.server.metrics.session_metrics import AudioTotals, SessionAudio, SessionMetrics, audio_of

Sample = tuple[tuple[str, ...], float]
"""The values of the labels, in the order of the catalogue, and the value."""


class ModelReading(NamedTuple):
    """One model."""

    name: str
    info: EngineInfo | None
    up: bool
    sessions: int
    restarts: int
    memory_bytes: int | None
    utilisation: float | None
    partial_interval_s: float | None
    idle_s: float | None
    workers: WorkersStatus | None = None
    """Those of a cluster that it runs on; None: it runs on this machine."""


class Reading(NamedTuple):
    """A server, at one time."""

    version: str
    ready: bool
    draining: bool
    uptime_s: float
    models: Sequence[ModelReading]


_AUDIO: Final = tuple(f"auricle_audio_{field.removesuffix('_s')}_seconds_total" for field in SessionAudio._fields)
"""In the order of the fields."""
SCRAPED: Final = frozenset(
    {
        "auricle_sessions",
        "auricle_sessions_detached",
        *_AUDIO,
        "auricle_backlog_seconds",
        "auricle_engine_up",
        "auricle_engine_info",
        "auricle_engine_sessions",
        "auricle_engine_restarts_total",
        "auricle_engine_memory_bytes",
        "auricle_engine_utilisation",
        "auricle_engine_partial_interval_seconds",
        "auricle_engine_idle_seconds",
        "auricle_engine_workers",
        "auricle_engine_workers_wanted",
        "auricle_engine_workers_lost_total",
        "auricle_engine_worker_calls_total",
        "auricle_engine_worker_calls_repeated_total",
        "auricle_build_info",
        "auricle_ready",
        "auricle_draining",
        "auricle_uptime_seconds",
    }
)
"""The metrics that come from here."""


class ScrapeCollector:
    """A collector for the registry. ``read`` is called at every scrape, on the event loop."""

    def __init__(
        self, read: Callable[[], Reading], sessions: Set[SessionMetrics], ended: AudioTotals, model_label: ModelLabels
    ) -> None:
        self._read = read
        self._open = sessions
        self._ended = ended
        self._model_label = model_label

    def collect(self) -> Iterator[Family]:
        """Yield the families of `SCRAPED`."""
        reading = self._read()
        samples: dict[str, list[Sample]] = {name: [] for name in SCRAPED}
        for name, sample in chain(_server(reading), self._sessions(), self._models(reading)):
            samples[name].append(sample)
        for metric in METRICS:
            if metric.name in SCRAPED:
                family = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
                made = family(metric.name, metric.help, labels=metric.labels)
                for values, value in samples[metric.name]:
                    made.add_metric(values, value)
                yield made

    def _sessions(self) -> Iterator[tuple[str, Sample]]:
        counts = Counter((one_of(each.snapshot.state.value, STATES), each.dialect) for each in self._open)
        for labels, count in sorted(counts.items()):
            yield "auricle_sessions", (labels, float(count))
        snapshots = [each.snapshot for each in self._open]
        yield "auricle_sessions_detached", ((), float(sum(not s.attached for s in snapshots)))
        backlogs = (s.seconds(s.received - s.processed) for s in snapshots)
        yield "auricle_backlog_seconds", ((), max(backlogs, default=0.0))
        audio_by_dialect = AudioTotals(self._ended.totals)
        for each in self._open:
            audio_by_dialect.add(each.dialect, audio_of(each.snapshot))
        for dialect, audio in sorted(audio_by_dialect.totals.items()):
            for name, value in zip(_AUDIO, audio, strict=True):
                yield name, ((dialect,), value)

    def _models(self, reading: Reading) -> Iterator[tuple[str, Sample]]:
        for model in reading.models:
            label = (self._model_label(model.name),)
            yield "auricle_engine_up", (label, float(model.up))
            yield "auricle_engine_sessions", (label, float(model.sessions))
            yield "auricle_engine_restarts_total", (label, float(model.restarts))
            if model.info is not None:
                info = model.info
                yield "auricle_engine_info", ((*label, info.name, info.device, info.version or ""), 1.0)
            known = {
                "auricle_engine_memory_bytes": model.memory_bytes,
                "auricle_engine_utilisation": model.utilisation,
                "auricle_engine_partial_interval_seconds": model.partial_interval_s,
                "auricle_engine_idle_seconds": model.idle_s,
            }
            for name, value in known.items():
                if value is not None:
                    yield name, (label, float(value))
            if model.workers is not None:
                yield from _workers(label, model.workers)


def _workers(label: tuple[str], workers: WorkersStatus) -> Iterator[tuple[str, Sample]]:
    """Yield what there is to tell of the workers of a model; of states without any, too, for a gap is no zero."""
    counts = Counter(worker.state for worker in workers.workers)
    for state in WORKER_STATES:
        yield "auricle_engine_workers", ((*label, state), float(counts[state]))
    yield "auricle_engine_workers_wanted", (label, float(workers.wanted))
    yield "auricle_engine_workers_lost_total", (label, float(workers.lost))
    yield "auricle_engine_worker_calls_total", (label, float(workers.answered))
    yield "auricle_engine_worker_calls_repeated_total", (label, float(workers.repeated))


def _server(reading: Reading) -> Iterator[tuple[str, Sample]]:
    yield "auricle_build_info", ((reading.version,), 1.0)
    yield "auricle_ready", ((), float(reading.ready))
    yield "auricle_draining", ((), float(reading.draining))
    yield "auricle_uptime_seconds", ((), reading.uptime_s)
