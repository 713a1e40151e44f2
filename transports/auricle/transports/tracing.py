"""Traces on disk: ``AURICLE_TRACE=directory`` makes every session write down what it was told and what it did.

One file a session and side, readable by its owner alone, as it holds what was said. What goes wrong with a file never
breaks a session: there is one warning, and it goes on without.
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
"""Names the directory to write to; unset or empty: no traces."""
AUDIO: Final = "AURICLE_TRACE_AUDIO"
"""``1``: the audio is written down too, not only how much of it there was."""
SECRET_HEADERS: Final = ("auth", "cookie", "key", "secret", "token")
"""What the name of a header that holds a secret has in it."""

P = ParamSpec("P")
S = TypeVar("S", bound=Session)


def traced(kind: Callable[P, S], *, secrets: Iterable[str | None] = ()) -> Callable[P, S]:
    """Return what makes sessions of ``kind``: itself where nobody wants traces, else a maker of recorded ones.

    ``secrets`` are replaced wherever they turn up, as in the complaint of a server about a key.
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
        file.write(scribe.header(session.snapshot, named_arguments(getattr(kind, "__init__"), args, kwargs)))  # noqa: B009
        watch(session, lambda happening: file.write(scribe.call(happening)))
        return session

    return make


def secret_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return the values of those headers whose name says that they are secret."""
    return [value for name, value in headers if any(part in name.lower() for part in SECRET_HEADERS)]


class TraceFile:
    """A file that lines are added to, each with a system call of its own: a crash loses at most the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._broken = False

    def write(self, line: str) -> None:
        """Add a line. Never raises; after the first failure it does nothing."""
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
        # Opened each time: nobody has to know when a session is over, and no handle is left behind.
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
    """Named so that a directory lists in order: the role, when the session began, and what makes it unique."""
    return directory / f"{role.value}-{started:%Y%m%dT%H%M%S}-{randomness.token_hex(4)}.jsonl"


@cache
def _version() -> str:
    try:
        return version("auricle")
    except PackageNotFoundError:
        return "unknown"
