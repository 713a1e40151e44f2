"""Our server as a process of its own, the way it is started from a shell."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def server_process(*arguments: str, port: int = 0) -> AsyncIterator[tuple[trio.Process, int]]:
    """Run `auricle serve` with the scripted engine; yield the process, which listens, and its port. It is killed."""
    command = [sys.executable, "-c", "from auricle.server.cli.main import main; main()"]
    command += ["serve", "--port", str(port), "--engine", "scripted", *arguments]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = (await process.stdout.receive_some(4096)).decode()
        url = next(word for word in line.split() if word.startswith("ws://"))
        yield process, int(url.split(":")[2].split("/")[0])
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
