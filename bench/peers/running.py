"""A server in a process of its own: started, waited for, stopped; what it says goes into a file."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

START_S: Final = 120.0
"""How long a server may take until it listens."""
STOP_S: Final = 10.0
POLL_S: Final = 0.2


class StartError(Exception):
    """A server did not start; the message is why."""


@asynccontextmanager
async def running(command: Callable[[int], list[str]], log: Path) -> AsyncIterator[int]:
    """Run a server for the length of the block; yields its port once it listens. Raises `StartError`."""
    port = _free_port()
    process = _started(command(port), log)
    try:
        await _listens(process, port, log)
        yield port
    finally:
        await _stop(process)


def _started(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that whatever it starts ends with it."""
    with log.open("wb") as said:
        return subprocess.Popen(
            command, stdout=said, stderr=said, cwd=log.parent, env=_environment(), start_new_session=True
        )


async def _listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    clock = asyncio.get_running_loop().time
    until_s = clock() + START_S
    while clock() < until_s:
        if process.poll() is not None:
            raise StartError(f"it ended with status {process.returncode}: {_last_line(log)}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(POLL_S)
        else:
            writer.close()
            return
    raise StartError(f"it did not listen within {START_S:g} s: {_last_line(log)}")


async def _stop(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(process.wait, STOP_S)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _environment() -> dict[str, str]:
    """Return what a server's process knows: nothing of where our sources are, and no way to a hub of models."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
