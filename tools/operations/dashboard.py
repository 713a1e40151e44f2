"""The dashboard for Grafana, as the JSON that it imports."""

import json
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

WIDTH: Final = 8
HEIGHT: Final = 7
COLUMNS: Final = 24
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
WHERE: Final = 'instance=~"$instance"'


class Query(NamedTuple):
    """One line of a panel."""

    expression: str
    legend: str = ""


class Panel(NamedTuple):
    """One panel. ``unit`` is Grafana's name of it."""

    title: str
    unit: str
    queries: Sequence[Query]
    note: str = ""
    kind: str = "timeseries"


def _quantiles(name: str, by: str = "", *shares: float) -> list[Query]:
    labels = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        Query(
            f"histogram_quantile({share:g}, sum by ({labels}) (rate({name}_bucket{{{WHERE}}}[$__rate_interval])))",
            f"{legend}p{share * 100:g}",
        )
        for share in shares
    ]


def _rate(name: str, by: str) -> Query:
    return Query(f"sum by ({by}) (rate({name}{{{WHERE}}}[$__rate_interval]))", f"{{{{{by}}}}}")


def _sum(name: str, by: str = "") -> Query:
    if by:
        return Query(f"sum by ({by}) ({name}{{{WHERE}}})", f"{{{{{by}}}}}")
    # Nobody there is 0, and not "No data".
    return Query(f"sum ({name}{{{WHERE}}}) or vector(0)", name.removeprefix("auricle_"))


def _each(name: str, by: str = "instance") -> Query:
    return Query(f"{name}{{{WHERE}}}", f"{{{{{by}}}}}")


def _ratio(over: str, under: str, by: str) -> Query:
    def rate(name: str) -> str:
        return f"sum by ({by}) (rate({name}{{{WHERE}}}[$__rate_interval]))"

    return Query(f"{rate(over)} / {rate(under)}", f"{{{{{by}}}}}")


ROWS: Final[Sequence[tuple[str, Sequence[Panel]]]] = (
    ("At a glance", (
        Panel("Ready", "bool_yes_no", [_each("auricle_ready")], "What /readyz says.", "stat"),
        Panel("Open sessions", "short", [_sum("auricle_sessions")], kind="stat"),
        Panel("Final delay, p95", "s", _quantiles("auricle_final_delay_seconds", "", 0.95), "From the end of speech to"
              " its final.", "stat"),
        Panel("Draining", "bool_yes_no", [_each("auricle_draining")], kind="stat"),
        Panel("Uptime", "s", [_each("auricle_uptime_seconds")], kind="stat"),
        Panel("Version", "short", [Query(f"auricle_build_info{{{WHERE}}}", "{{version}}")], kind="stat"),
    )),
    ("What people wait for", (
        Panel("Final delay", "s", _quantiles("auricle_final_delay_seconds", "model", 0.5, 0.95, 0.99),
              "From the arrival of the last sample of the last word to its final."),
        Panel("Between partials", "s", [*_quantiles("auricle_partial_interval_seconds", "", 0.5, 0.95),
              _each("auricle_engine_partial_interval_seconds", "model")], "What came, and what the load allows."),
        Panel("Wait for a call, p95", "s", _quantiles("auricle_decode_queue_seconds", "urgency", 0.95)),
    )),
    ("Sessions", (
        Panel("Open, by state", "short", [_sum("auricle_sessions", "state")]),
        Panel("Open, by dialect", "short", [_sum("auricle_sessions", "dialect"), _sum("auricle_sessions_detached")]),
        Panel("Started", "cps", [_rate("auricle_sessions_started_total", "dialect")]),
        Panel("Ended, by why", "cps", [_rate("auricle_sessions_ended_total", "reason")]),
        Panel("How long they lasted", "s", _quantiles("auricle_session_seconds", "dialect", 0.5, 0.95)),
        Panel("Refused", "cps", [_rate("auricle_refusals_total", "reason")]),
        Panel("Errors", "cps", [_rate("auricle_session_errors_total", "code")]),
        Panel("Resumed and restarted", "cps", [_rate("auricle_resumes_total", "outcome"),
              _rate("auricle_restarts_total", "instance")]),
        Panel("Out of credit", "cps", [_rate("auricle_credit_stalls_total", "dialect")], "Clients had to wait."),
    )),
    ("Audio", (
        Panel("Seconds of audio a second", "short", [
            Query(f"sum (rate(auricle_audio_{what}_seconds_total{{{WHERE}}}[$__rate_interval]))", what)
            for what in ("received", "processed", "committed", "lost", "handed_on")
        ], "How many people speak or are silent at a time."),
        Panel("Backlog", "s", [_each("auricle_backlog_seconds")], "Of the session that has most of it."),
        Panel("Finals", "cps", [_rate("auricle_finals_total", "reason")]),
    )),
    ("Engines", (
        Panel("Time of a call, p95", "s", _quantiles("auricle_decode_seconds", "kind", 0.5, 0.95)),
        Panel("Real-time factor", "short", [_ratio("auricle_decode_seconds_sum", "auricle_decode_audio_seconds_total",
              "model"), *_quantiles("auricle_decode_real_time_factor", "kind", 0.95)], "Of calls, not of sessions."),
        Panel("Utilisation of the lanes", "percentunit", [_each("auricle_engine_utilisation", "model")]),
        Panel("Windows a call", "short", [_ratio("auricle_decode_batch_windows_sum",
              "auricle_decode_batch_windows_count", "model")]),
        Panel("Length of windows, p95", "s", _quantiles("auricle_decode_window_seconds", "model", 0.5, 0.95)),
        Panel("Decoded twice, and still disbelieved", "cps", [_rate("auricle_second_decodes_total", "model"),
              _rate("auricle_disbelieved_finals_total", "model")]),
        Panel("Failures", "cps", [_rate("auricle_decode_failures_total", "model")]),
        Panel("Models", "short", [_each("auricle_engine_up", "model"), _each("auricle_engine_sessions", "model"),
              Query(f"auricle_engine_info{{{WHERE}}}", "{{model}}: {{engine}} {{version}} on {{device}}")]),
        Panel("Restarts, and seconds since a decode", "short", [_each("auricle_engine_restarts_total", "model"),
              _each("auricle_engine_idle_seconds", "model")]),
        Panel("Workers of a cluster", "short", [_sum("auricle_engine_workers", "state"),
              _sum("auricle_engine_workers_wanted")], "Only with --engine-workers."),
        Panel("Calls of workers", "cps", [
            Query(f"sum (rate(auricle_engine_{what}_total{{{WHERE}}}[$__rate_interval]))", legend)
            for what, legend in (
                ("worker_calls", "answered"), ("worker_calls_repeated", "made again"), ("workers_lost", "workers lost")
            )
        ]),
    )),
    ("Process", (
        Panel("Memory", "bytes", [_each("process_resident_memory_bytes"),
              _each("auricle_engine_memory_bytes", "model")]),
        Panel("Processors", "short", [_rate("process_cpu_seconds_total", "instance")], "Without the engines'."),
        Panel("Lag of the event loop, p99", "s", _quantiles("auricle_event_loop_lag_seconds", "instance", 0.99)),
        Panel("Open files", "short", [_each("process_open_fds")]),
    )),
)  # fmt: skip


def render() -> str:
    """Return the dashboard."""
    return json.dumps(_dashboard(), indent=1, ensure_ascii=False) + "\n"


def _dashboard() -> dict[str, object]:
    return {
        "title": "Auricle",
        "uid": "auricle",
        "tags": ["auricle", "speech-to-text"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_variable_source(), _variable_instance()]},
        "panels": list(_panels()),
    }


def _variable_source() -> dict[str, object]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable_instance() -> dict[str, object]:
    return {
        "name": "instance",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": "label_values(auricle_build_info, instance)", "refId": "instance"},
        "includeAll": True,
        "multi": True,
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, object]]:
    number, top = 1, 0
    for title, panels in ROWS:
        place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "collapsed": False, "panels": []}
        number, top = number + 1, top + 1
        width, height = (COLUMNS // len(panels), 4) if panels[0].kind == "stat" else (WIDTH, HEIGHT)
        for at, panel in enumerate(panels):
            line, column = divmod(at, COLUMNS // width)
            yield _panel(panel, number, {"x": column * width, "y": top + line * height, "w": width, "h": height})
            number += 1
        top += height * -(-len(panels) // (COLUMNS // width))


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, object]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.note,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"textMode": "auto"} if panel.kind == "stat" else {"tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query.expression, "legendFormat": query.legend}
            for at, query in enumerate(panel.queries)
        ],
    }
