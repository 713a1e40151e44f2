"""Traces of the two-core harness: what a test's sessions were told and did, to be kept when the test fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from auricle.core import ClientSession, ServerSession
from auricle.core.session import Session
from auricle.core.trace import Redactor, TraceWriter, VerbCall, named_arguments, watch
from core import link


class Tape:
    """One session's calls, kept as they are and written down only when somebody asks."""

    def __init__(self, kind: type[Session], *args: Any, **kwargs: Any) -> None:
        self.session = kind(*args, **kwargs)
        self.role = self.session.snapshot.role
        self._begin = self.session.snapshot
        self._made = named_arguments(kind.__init__, args, kwargs)
        self._happenings: list[VerbCall] = []
        watch(self.session, self._happenings.append)

    def lines(self, *, audio: bool = False, secrets: tuple[str, ...] = (), **about: object) -> list[str]:
        scribe = TraceWriter(audio=audio, redactor=Redactor(secrets), about=about)
        return [scribe.header(self._begin, self._made), *map(scribe.call, self._happenings)]

    def text(self, **arguments: Any) -> str:
        return "".join(f"{line}\n" for line in self.lines(**arguments))


@contextmanager
def rolling() -> Iterator[list[Tape]]:
    """Every `Link` made in the block is recorded. The list holds the tapes of the latest one."""
    tapes: list[Tape] = []

    def recorded(kind: type[Session]) -> Any:
        def make(*args: Any, **kwargs: Any) -> Session:
            if kind is ClientSession:
                tapes.clear()  # a link begins with its client; a property has had many links before the one that fails
            tapes.append(Tape(kind, *args, **kwargs))
            return tapes[-1].session

        return make

    with (
        patch.object(link, "ClientSession", recorded(ClientSession)),
        patch.object(link, "ServerSession", recorded(ServerSession)),
    ):
        yield tapes


def keep(tapes: list[Tape], directory: Path, name: str, **about: object) -> list[Path]:
    """Write tapes to ``directory``, one file each, and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.{number}.{tape.role.value}.jsonl" for number, tape in enumerate(tapes, 1)]
    for path, tape in zip(paths, tapes, strict=True):
        path.write_text(tape.text(**about), encoding="utf-8")
    return paths
