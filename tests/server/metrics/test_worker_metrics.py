"""What ``/metrics`` tells of an engine on workers of a cluster."""

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from auricle.engines.supervised import WorkersStatus, WorkerStatus
from auricle.server.metrics.registry import ServerMetrics
from auricle.server.metrics.scrape import ModelReading, Reading
from server.metrics.scrapes import value

STATES = ("idle", "decoding", "decoding", "silent")
WORKERS = WorkersStatus(
    address="ray",
    wanted=5,
    workers=tuple(
        WorkerStatus(name=f"worker-{number}", node="n", state=state, calls=number)
        for number, state in enumerate(STATES)  # type: ignore[arg-type]
    ),
    refused=(),
    lost=2,
    answered=70,
    repeated=3,
)


def samples(workers: WorkersStatus | None) -> list[Sample]:
    model = ModelReading(
        name="m",
        info=None,
        up=True,
        sessions=0,
        restarts=0,
        memory_bytes=None,
        utilisation=None,
        partial_interval_s=None,
        idle_s=None,
        workers=workers,
    )
    metrics = ServerMetrics()
    metrics.scrape(lambda: Reading("1", ready=True, draining=False, uptime_s=1.0, models=[model]))
    text = metrics.exposition("")[0].decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_workers_are_counted_by_state_and_their_calls_add_up():
    told = samples(WORKERS)
    by_state = {state: value(told, "auricle_engine_workers", model="m", state=state) for state in dict.fromkeys(STATES)}
    assert by_state == {"idle": 1, "decoding": 2, "silent": 1}
    assert next(sample.labels for sample in told if sample.name == "auricle_engine_workers") == {
        "model": "m",
        "state": "starting",
    }, "a state in which there is none is told, too: a gap is no zero"
    assert value(told, "auricle_engine_workers_wanted", model="m") == 5
    assert value(told, "auricle_engine_workers_lost_total", model="m") == 2
    assert value(told, "auricle_engine_worker_calls_total", model="m") == 70
    assert value(told, "auricle_engine_worker_calls_repeated_total", model="m") == 3


def test_an_engine_on_this_machine_has_none():
    assert not [sample for sample in samples(None) if sample.name.startswith("auricle_engine_worker")]
