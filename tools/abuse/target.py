"""The server that is attacked: `auricle serve` with the scripted engine, in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

import trio

SERVE: Final = "from auricle.server.cli.main import main; main()"
LISTENS: Final = re.compile(r"connects to port (\d+) \(Wyoming\)\s.*listens on ws://[^\s:]+:(\d+)", re.DOTALL)
SETTLED_S: Final = 20.0
"""How long it may take until what an attack has opened is closed: a lingering close takes 2 s."""
MOST_UPLOADED: Final = 64 << 20
"""Bytes of a form: the default is a GiB, which takes long, and shows no more."""
TROUBLE: Final = re.compile(r'Traceback|connection failed|ERROR|"level": "(?:error|critical)"')
"""What a line of the log has that nobody may bring about from outside."""


class Vitals(NamedTuple):
    """What the server holds at a moment."""

    rss_bytes: int
    fds: int


@dataclass(frozen=True, slots=True)
class Target:
    """A running server."""

    port: int
    wyoming_port: int
    pid: int
    log: IO[bytes]
    """What it says on standard error."""

    def vitals(self) -> Vitals:
        """Return what it holds now (Linux). Raises `OSError` where it is gone."""
        return Vitals(_resident(self.pid), len(os.listdir(f"/proc/{self.pid}/fd")))

    def family_bytes(self) -> int:
        """Return the memory that it and its processes have now (Linux)."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        family = [self.pid, *(int(child) for children in tasks for child in children.read_text().split())]
        return sum(_resident(pid) for pid in family)

    def trouble(self) -> list[str]:
        """Return the lines of its log that say that something went wrong within."""
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return [line for line in lines if TROUBLE.search(line)]

    async def settled(self, fds: int) -> Vitals:
        """Wait until it has at most so many files open, as long as that may take; return what it holds then."""
        with trio.move_on_after(SETTLED_S):
            while self.vitals().fds > fds:  # noqa: ASYNC110 - another process, which tells nobody
                await trio.sleep(0.1)
        return self.vitals()


@asynccontextmanager
async def running_target(*arguments: str) -> AsyncIterator[Target]:
    """Run a server for the length of the block."""
    command = [sys.executable, "-c", SERVE, "serve", "--port", "0", "--wyoming-port", "0", "--engine", "scripted"]
    command += ["--max-upload-bytes", str(MOST_UPLOADED)]
    with tempfile.TemporaryFile() as log:
        process = await trio.lowlevel.open_process([*command, *arguments], stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            port, wyoming_port = await _ports(process.stdout)
            await _warm(port)
            yield Target(port, wyoming_port, process.pid, log)
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _warm(port: int) -> None:
    """Have something decoded: the process that does it stays, and a file of it is open."""
    body = b"--x\r\n\r\n--x--\r\n"
    head = f"POST /v1/transcribe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(head.encode() + body)
        answer = bytes(await stream.receive_some(65_536))
        if not answer.startswith(b"HTTP/1.1 400"):
            raise RuntimeError(f"What is no recording was answered {answer!r}.")


async def _ports(said: trio.abc.ReceiveStream) -> tuple[int, int]:
    """Return the ports that it says it listens on: of the server, and of Wyoming. Raises `RuntimeError`."""
    text = ""
    while not (found := LISTENS.search(text)):
        more = await said.receive_some(4096)
        if not more:
            raise RuntimeError(f"The server did not start: {text}")
        text += more.decode()
    return int(found[2]), int(found[1])
