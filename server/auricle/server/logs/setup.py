"""Logging of a process: everything goes through one handler, as lines for people or as JSON objects.

Modules log with the standard library and give what they know as fields (``extra``); structlog, which the fields and the
redaction are from, is only the form. Times are UTC, ISO 8601 with ``Z``.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from auricle.server.logs.bounded import FloodBound
from auricle.server.logs.redaction import drop_secrets
from auricle.server.printable import printable

OURS: Final = "auricle"
_OTHERS: Final = {"debug": logging.INFO}
"""The level of libraries: WARNING, but for those who look for something."""


def configure_logging(level: str, form: str = "text", stream: TextIO | None = None) -> None:
    """Log to ``stream``, standard error by default: of Auricle what is of ``level``, of libraries their warnings.

    ``level`` is ``debug``, ``info``, ``warning`` or ``error``; ``form`` is ``text``, ``json``, or ``auto``: text on a
    terminal, else JSON. No flood of warnings makes the log grow: `FloodBound`.
    """
    out = sys.stderr if stream is None else stream
    is_terminal = out is not None and out.isatty()
    as_json = form == "json" or (form == "auto" and not is_terminal)
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_FIELDS, processors=[*_CLEAN, *(_AS_JSON if as_json else _as_text(colors=is_terminal))]
        )
    )
    handler.addFilter(FloodBound())
    logging.getLogger().handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    set_level(level)


def set_level(level: str) -> None:
    """Change the level of a process whose logging is configured."""
    logging.getLogger().setLevel(max(_OTHERS.get(level, logging.WARNING), logging.getLevelName(level.upper())))
    logging.getLogger(OURS).setLevel(level.upper())


def _printable(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take control characters out of what goes to a terminal: clients choose some of the fields."""
    return {
        name: "\n".join(map(printable, value.splitlines())) if isinstance(value, str) else value
        for name, value in event.items()
    }


_FIELDS: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
_CLEAN: Final[list[Processor]] = [
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,  # as text: without the values of variables, in which there may be words
    drop_secrets,
]


def _in_order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put first what every record has."""
    first = {"time": event.pop("time"), "level": event.pop("level"), "logger": event.pop("logger")}
    return {**first, "message": event.pop("event"), **event}


_AS_JSON: Final[list[Processor]] = [
    _in_order,
    structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
]


def _as_text(*, colors: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors, timestamp_key="time", pad_event_to=24, exception_formatter=structlog.dev.plain_traceback
    )
    return [_printable, renderer]
