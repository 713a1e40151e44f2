"""Where spans go: the exporters that the standard ``OTEL_*`` variables name. Imported only where that is wanted."""

import os
from importlib.metadata import entry_points
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

EXPORTERS: Final = "opentelemetry_traces_exporter"
"""The entry-point group of exporters."""
OTLP: Final = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
"""What ``otlp`` stands for, by ``OTEL_EXPORTER_OTLP_TRACES_PROTOCOL``, or without ``TRACES_``."""
FLUSH_MS: Final = 5_000
"""Milliseconds that the last spans get to leave."""


class UnknownExporter(Exception):
    """No exporter of that name is installed. The message is a sentence."""


def exporting_provider() -> TracerProvider:
    """Return a provider whose spans go where the environment says. Raises `UnknownExporter`."""
    named = "OTEL_SERVICE_NAME" in os.environ
    provider = TracerProvider(resource=Resource.create({} if named else {SERVICE_NAME: "auricle"}))
    for name in os.environ.get("OTEL_TRACES_EXPORTER", "otlp").split(","):
        if name.strip() not in ("", "none"):
            provider.add_span_processor(BatchSpanProcessor(_exporter(name.strip())))
    return provider


def flush(provider: TracerProvider) -> None:
    """Send what is left, and end. For a worker thread."""
    provider.force_flush(FLUSH_MS)
    provider.shutdown()


def _exporter(name: str) -> SpanExporter:
    protocol = os.environ.get(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    )
    wanted = OTLP.get(protocol, protocol) if name == "otlp" else name
    found = next(iter(entry_points(group=EXPORTERS, name=wanted)), None)
    if found is None:
        known = ", ".join(sorted({entry.name for entry in entry_points(group=EXPORTERS)}))
        raise UnknownExporter(f"OTEL_TRACES_EXPORTER asks for {wanted!r}, which is not installed; there are {known}.")
    exporter = found.load()()
    assert isinstance(exporter, SpanExporter)
    return exporter
