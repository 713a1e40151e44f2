"""Traces on disk: with ``AURICLE_TRACE=directory`` every session records its inputs and outputs.

One file per session and side, readable by its owner alone, because it holds the transcript. A file that cannot be
written never breaks a session: one warning is logged, and the session goes on without it.
"""

import logging
import os
import secrets as randomness
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from auricle.core.session import Session
from auricle.core.states import Role
from auricle.core.trace import Redactor, TraceWriter, named_arguments, watch

logger = logging.getLogger(__name__)

DIRECTORY: Final = "AURICLE_TRACE"
"""Environment variable with the directory to write to; unset or empty: no traces."""
AUDIO: Final = "AURICLE_TRACE_AUDIO"
"""Environment variable: ``1`` records the audio too, rather than its length alone."""
SECRET_HEADERS: Final = ("auth", "cookie", "key", "secret", "token")
"""Parts of the names of headers that hold a secret."""

P = ParamSpec("P")
S = TypeVar("S", bound=Session)


def traced(kind: Callable[P, S], *, secrets: Iterable[str | None] = ()) -> Callable[P, S]:
    """Return ``kind`` itself where tracing is off, else a factory of traced sessions of that kind.

    ``secrets`` are redacted wherever they occur, as in a server's error message about a key.
    """
    directory = os.environ.get(DIRECTORY)
    if not directory:
        return kind
    audio = os.environ.get(AUDIO) == "1"
    known = [secret for secret in secrets if secret]

    def make(*args: P.args, **kwargs: P.kwargs) -> S:
        session = kind(*args, **kwargs)
        started = datetime.now(UTC)
        about = {"auricle": _version(), "started": started.isoformat(timespec="milliseconds")}
        scribe = TraceWriter(audio=audio, redactor=Redactor(known), about=about)
        file = TraceFile(_path(Path(directory).expanduser(), session.snapshot.role, started))
        file.write(scribe.header(session.snapshot, named_arguments(getattr(kind, "__init__"), args, kwargs)))  # noqa: B009 - of classes mypy forbids to name it
        watch(session, lambda happening: file.write(scribe.call(happening)))
        return session

    return make


def secret_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return the values of the headers that hold a secret, judged by their names."""
    return [value for name, value in headers if any(part in name.lower() for part in SECRET_HEADERS)]


class TraceFile:
    """A file of lines, each appended with a system call of its own: a crash loses at most the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._broken = False

    def write(self, line: str) -> None:
        """Append a line. Never raises; after the first failure it does nothing."""
        if self._broken:
            return
        try:
            self._append(line.encode() + b"\n")
        except OSError as error:
            self._broken = True
            logger.warning("The trace %s cannot be written (%s); the session goes on without it.", self._path, error)

    def _append(self, data: bytes) -> None:
        if not self._begun:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        # Opened for each line: the file needs no close at the end of the session, and no handle leaks.
        creating = 0 if self._begun else os.O_CREAT | os.O_EXCL
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | creating, 0o600)
        self._begun = True
        try:
            written = os.write(handle, data)
        finally:
            os.close(handle)
        if written < len(data):
            raise OSError("the disk is full")


def _path(directory: Path, role: Role, started: datetime) -> Path:
    """Return a path that sorts by role and start of the session, with a random suffix that makes it unique."""
    return directory / f"{role.value}-{started:%Y%m%dT%H%M%S}-{randomness.token_hex(4)}.jsonl"


@cache
def _version() -> str:
    try:
        return version("auricle")
    except PackageNotFoundError:
        return "unknown"
