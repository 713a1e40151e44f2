"""The metrics of one server: a registry of its own, filled from the catalogue, and what is counted as it happens.

What can be read off at the time of a scrape is not counted here: see `auricle.server.metrics.scrape`.
"""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family

from auricle.core.server import ServerSession
from auricle.engines.scheduling.observer import CallReturned, TurnTaken, WindowDecoded
from auricle.server.metrics.catalogue import METRICS, Kind, Metric
from auricle.server.metrics.labels import ERRORS, KINDS, REFUSALS, ModelLabels, one_of
from auricle.server.metrics.scrape import SCRAPED, Reading, ScrapeCollector
from auricle.server.metrics.session_metrics import AudioTotals, SessionMetrics
from auricle.server.sessions.admission import RefusalReason

Instrument = Counter | Gauge | Histogram
_FINAL, _PARTIAL, _TURN = KINDS


class ServerMetrics:
    """Watches the sessions and the engines of one server (`SessionsObserver`, `ModelObserver`).

    Counters of what goes wrong are there from the beginning, at 0: to Prometheus, one that appears with its first
    failure has not grown, and no alert would tell of that one.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._instruments: Final = {
            metric.name: _instrument(metric, self._registry) for metric in METRICS if metric.name not in SCRAPED
        }
        self.model_label: Final = ModelLabels(self._begin_model)
        self.open: Final[set[SessionMetrics]] = set()
        """The sessions that are served."""
        self.ended_audio: Final = AudioTotals()
        """Audio of those that were."""
        for reason in REFUSALS:
            self.count("auricle_refusals_total", 0.0, reason=reason)
        for code in ERRORS:
            self.count("auricle_session_errors_total", 0.0, code=code, fatal="true")

    def scrape(self, read: Callable[[], Reading]) -> None:
        """Have ``read`` called at every scrape, for what can be read off the server then."""
        self._registry.register(ScrapeCollector(read, self.open, self.ended_audio, self.model_label))

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their media type, in the best format that ``accept`` allows."""
        encode, media_type = choose_encoder(accept)
        return encode(_WithoutCreated(self._registry)), media_type

    def _begin_model(self, label: str) -> None:
        for what in ("decode_failures", "second_decodes", "disbelieved_finals"):
            self.count(f"auricle_{what}_total", 0.0, model=label)

    # ------------------------------------------------------------------------ instruments

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        counter = self._instruments[name]
        assert isinstance(counter, Counter)
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a histogram."""
        histogram = self._instruments[name]
        assert isinstance(histogram, Histogram)
        (histogram.labels(**labels) if labels else histogram).observe(value)

    # ------------------------------------------------------------------------ who watches sessions

    def session(self, session: ServerSession, *, in_process: bool) -> SessionMetrics:
        """Return the observer of a new session. Part of `SessionsObserver`."""
        watched = SessionMetrics(self, session, in_process=in_process)
        self.open.add(watched)
        return watched

    def left(self, session: SessionMetrics) -> None:
        """Count a session's audio among that of the sessions that have ended; at no time it is in neither, or both."""
        if session in self.open:
            self.open.remove(session)
            self.ended_audio.add(session.dialect, session.final_audio)

    def refused(self, reason: RefusalReason) -> None:
        """Count a refusal. Part of `SessionsObserver`."""
        self.count("auricle_refusals_total", reason=one_of(reason, REFUSALS))

    # ------------------------------------------------------------------------ who watches engines

    def call_returned(self, model: str, call: CallReturned) -> None:
        """Measure a call. Part of `ModelObserver`."""
        model, kind = self.model_label(model), _FINAL if call.final else _PARTIAL
        self._decoded(model, kind, call.took_s, call.audio_s)
        self.observe("auricle_decode_batch_windows", len(call.windows), model=model)
        for window in call.windows:
            self._window(model, window)

    def turn_taken(self, model: str, turn: TurnTaken) -> None:
        """Measure a turn. Part of `ModelObserver`."""
        model = self.model_label(model)
        self._decoded(model, _TURN, turn.took_s, turn.audio_s)
        if turn.failed:
            self.count("auricle_decode_failures_total", model=model)

    def _decoded(self, model: str, kind: str, took_s: float, audio_s: float) -> None:
        self.observe("auricle_decode_seconds", took_s, model=model, kind=kind)
        self.count("auricle_decode_audio_seconds_total", audio_s, model=model)
        if audio_s > 0.0:
            self.observe("auricle_decode_real_time_factor", took_s / audio_s, model=model, kind=kind)

    def _window(self, model: str, window: WindowDecoded) -> None:
        self.observe("auricle_decode_window_seconds", window.audio_s, model=model)
        self.observe("auricle_decode_queue_seconds", window.waited_s, model=model, urgency=window.urgency.name.lower())
        if window.failed:
            self.count("auricle_decode_failures_total", model=model)
        if window.tries > 1:
            self.count("auricle_second_decodes_total", window.tries - 1, model=model)


class _WithoutCreated(CollectorRegistry):
    """A registry without the ``_created`` samples, which double what is scraped and tell of restarts, as the process'
    start time does.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._all = registry

    def collect(self) -> Iterator[Family]:
        for family in self._all.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def _instrument(metric: Metric, registry: CollectorRegistry) -> Instrument:
    match metric.kind:
        case Kind.COUNTER:
            return Counter(metric.name, metric.help, metric.labels, registry=registry)
        case Kind.GAUGE:
            return Gauge(metric.name, metric.help, metric.labels, registry=registry)
        case Kind.HISTOGRAM:
            return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)
