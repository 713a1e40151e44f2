"""Traces, where they are wanted and OpenTelemetry is installed; otherwise nothing of it is imported.

Wanted are they by the standard variables: ``OTEL_TRACES_EXPORTER``, or an ``OTEL_EXPORTER_OTLP_…_ENDPOINT``.
"""

import logging
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import trio
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from auricle.server.telemetry.tracing import Tracing

logger = logging.getLogger(__name__)

WANTED_BY: Final = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
ROOM: Final = "auricle.server.telemetry"


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(environment.get(name) for name in WANTED_BY)


@asynccontextmanager
async def exported_traces() -> AsyncIterator["Tracing | None"]:
    """Return what makes the spans, None where none are wanted; the last of them leave at the end of the block."""
    if not is_wanted():
        yield None
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        logger.warning("The environment asks for traces (OTEL_*), and OpenTelemetry is not installed: extra 'otel'.")
        yield None
        return
    exporting, tracing = import_module(f"{ROOM}.exporting"), import_module(f"{ROOM}.tracing")
    try:
        provider = exporting.exporting_provider()
    except exporting.UnknownExporter as error:
        logger.warning("There are no traces. %s", error)
        yield None
        return
    try:
        yield tracing.Tracing(provider)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(exporting.flush, provider)


def incoming(tracing: "Tracing | None", headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[None]:
    """Return a block in which sessions are part of the trace that the headers name, where there are traces at all."""
    if tracing is None:
        return nullcontext()
    return tracing.incoming({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers})


def traced(tracing: "Tracing | None", app: ASGIApp) -> ASGIApp:
    """Return an application whose sessions are part of the traces that its requests name."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        with incoming(tracing, scope["headers"]):
            await app(scope, receive, send)

    return app if tracing is None else answer
