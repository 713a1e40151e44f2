"""Every metric there is, as a table: the registry and `docs/metrics.md` are made of it.

Names end in their unit. Times are seconds.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from auricle.server.metrics.labels import (
    DIALECTS,
    ENDINGS,
    ERRORS,
    FINAL_REASONS,
    KINDS,
    OTHER,
    REFUSALS,
    RESUME_OUTCOMES,
    STATES,
    URGENCIES,
    WORKER_STATES,
)


class Kind(StrEnum):
    """The kinds of metrics that Prometheus has."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


DELAYS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Bounds for what a person waits for."""
CALLS: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
"""Bounds for calls, which are a tenth of that on a GPU."""
LAGS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
WINDOWS: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0)
BATCHES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
FACTORS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
DURATIONS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0)


class Metric(NamedTuple):
    """One row."""

    name: str
    """As it is asked for in PromQL: a counter ends in ``_total``; a histogram has ``_bucket``, ``_sum``, ``_count``."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


LABELS: Final[Mapping[str, tuple[str, ...] | None]] = MappingProxyType(
    {
        "dialect": (*DIALECTS, OTHER),
        "state": (*STATES, OTHER, *WORKER_STATES),
        "reason": (*dict.fromkeys((*ENDINGS, *REFUSALS, *FINAL_REASONS)), OTHER),
        "code": (*ERRORS, OTHER),
        "fatal": ("true", "false"),
        "outcome": RESUME_OUTCOMES,
        "kind": KINDS,
        "urgency": URGENCIES,
        "model": None,
        "engine": None,
        "device": None,
        "version": None,
    }
)
"""The values of each label. None: as the operator names models, of which so many have a label as `MOST_MODELS` says."""

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
SESSIONS: Final = (
    Metric("auricle_sessions", _G, "Open sessions.", ("state", "dialect")),
    Metric("auricle_sessions_detached", _G, "Open sessions whose client is gone, and may come back."),
    Metric("auricle_sessions_started_total", _C, "Sessions that have said how they are configured.", ("dialect",)),
    Metric("auricle_sessions_ended_total", _C, "Sessions that have ended, by why.", ("dialect", "reason")),
    Metric("auricle_session_seconds", _H, "How long sessions lasted.", ("dialect",), DURATIONS),
    Metric("auricle_session_errors_total", _C, "Errors that clients were told: those that ended their session, and"
           " those of the engine and of changes that did not.", ("code", "fatal")),
    Metric("auricle_refusals_total", _C, "Clients that were refused.", ("reason",)),
    Metric("auricle_resumes_total", _C, "Attempts to resume a session.", ("outcome",)),
    Metric("auricle_restarts_total", _C, "Sessions that go on where one was lost that nobody knows any more."),
    Metric("auricle_credit_stalls_total", _C, "How often a session had used up its credit, so that its client had to"
           " wait.", ("dialect",)),
)  # fmt: skip
AUDIO: Final = (
    Metric("auricle_audio_received_seconds_total", _C, "Audio that came in.", ("dialect",)),
    Metric("auricle_audio_processed_seconds_total", _C, "Audio that the engine has heard.", ("dialect",)),
    Metric("auricle_audio_committed_seconds_total", _C, "Audio that is accounted for: in finals, or without speech.",
           ("dialect",)),
    Metric("auricle_audio_lost_seconds_total", _C, "Audio that came in and is in no final, because the engine failed on"
           " it or its session ended early.", ("dialect",)),
    Metric("auricle_audio_handed_on_seconds_total", _C, "Audio that was undecided when a stop handed its session on:"
           " it is heard again elsewhere.", ("dialect",)),
    Metric("auricle_backlog_seconds", _G, "Audio that waits for the engine, of the session that has most of it."),
)  # fmt: skip
RESULTS: Final = (
    Metric("auricle_finals_total", _C, "Finals with text.", ("model", "reason")),
    Metric("auricle_final_delay_seconds", _H, "From the arrival of the last sample of the last word to its final, live"
           " sessions only.", ("model",), DELAYS),
    Metric("auricle_partial_interval_seconds", _H, "Between two partials of an utterance.", ("model",), DELAYS),
    Metric("auricle_disbelieved_finals_total", _C, "Finals that the engine's checks speak against even after they were"
           " decoded again.", ("model",)),
)  # fmt: skip
ENGINES: Final = (
    Metric("auricle_decode_seconds", _H, "How long calls of the engine took.", ("model", "kind"), CALLS),
    Metric("auricle_decode_batch_windows", _H, "Windows in a call.", ("model",), BATCHES),
    Metric("auricle_decode_window_seconds", _H, "Audio in a window.", ("model",), WINDOWS),
    Metric("auricle_decode_queue_seconds", _H, "How long a window waited for its call.", ("model", "urgency"), DELAYS),
    Metric("auricle_decode_real_time_factor", _H, "Time of a call for a second of the audio in it.", ("model", "kind"),
           FACTORS),
    Metric("auricle_decode_audio_seconds_total", _C, "Audio in the windows of all calls; what is decoded again counts"
           " again.", ("model",)),
    Metric("auricle_decode_failures_total", _C, "Windows and turns on which the engine failed.", ("model",)),
    Metric("auricle_second_decodes_total", _C, "Decodes of windows that had been decoded and were doubtful.",
           ("model",)),
    Metric("auricle_engine_up", _G, "1 where the model answers, 0 where it does not.", ("model",)),
    Metric("auricle_engine_info", _G, "Always 1: which engine answers for a model.",
           ("model", "engine", "device", "version")),
    Metric("auricle_engine_sessions", _G, "Sessions that have the model.", ("model",)),
    Metric("auricle_engine_restarts_total", _C, "How often the engine's process had to be replaced.", ("model",)),
    Metric("auricle_engine_memory_bytes", _G, "Resident memory of the engine's process.", ("model",)),
    Metric("auricle_engine_utilisation", _G, "Predicted share of busy lanes; above 1 there is more to do than can be"
           " done.", ("model",)),
    Metric("auricle_engine_partial_interval_seconds", _G, "The interval that partials have under the present load.",
           ("model",)),
    Metric("auricle_engine_idle_seconds", _G, "Since something was last decoded.", ("model",)),
    Metric("auricle_engine_workers", _G, "Workers of a cluster that the model runs on.", ("model", "state")),
    Metric("auricle_engine_workers_wanted", _G, "How many there should be: as there is room for, or as is allowed.",
           ("model",)),
    Metric("auricle_engine_workers_lost_total", _C, "Workers that were lost in the middle of their work.", ("model",)),
    Metric("auricle_engine_worker_calls_total", _C, "Calls that workers have answered.", ("model",)),
    Metric("auricle_engine_worker_calls_repeated_total", _C, "Calls that were made again, for their worker was lost or"
           " silent.", ("model",)),
)  # fmt: skip
SERVER: Final = (
    Metric("auricle_build_info", _G, "Always 1: the version of the server.", ("version",)),
    Metric("auricle_ready", _G, "1 where new sessions should be sent here, as /readyz says."),
    Metric("auricle_draining", _G, "1 while the server ends its sessions, to stop then."),
    Metric("auricle_uptime_seconds", _G, "Since the server began to listen."),
    Metric("auricle_event_loop_lag_seconds", _H, "How late a task runs that is due.", (), LAGS),
)  # fmt: skip
METRICS: Final = (*SESSIONS, *AUDIO, *RESULTS, *ENGINES, *SERVER)
PROCESS: Final = (
    Metric("process_cpu_seconds_total", _C, "Processor time of the server's process, without its engines'."),
    Metric("process_resident_memory_bytes", _G, "Its resident memory."),
    Metric("process_virtual_memory_bytes", _G, "Its virtual memory."),
    Metric("process_start_time_seconds", _G, "When it started, in seconds of Unix time."),
    Metric("process_open_fds", _G, "Its open files and sockets."),
    Metric("process_max_fds", _G, "Most of them that it may have."),
)
"""What prometheus-client tells of the process, on Linux."""
