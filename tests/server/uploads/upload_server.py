"""Our server on a real socket with the scripted engine, for those who upload recordings."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
import trio

from auricle.engines.protocol import Engine
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.engines.scripted.script import COUNTING, Script
from auricle.server.app import ServerConfig, SpeechServer, running_server
from server.misbehaving_servers import running

TEN_NUMBERS = "one two three four five six seven eight nine ten"
FAR_S = 60.0


def recording(seconds: float = 6.0, *, rate: int = 16_000, container: str = "WAV") -> bytes:
    """A recording of silence, in which the scripted engine hears numbers: ten in six seconds."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(seconds * rate), np.int16), rate, format=container)
    return file.getvalue()


@dataclass
class UploadServer:
    """A running server."""

    port: int
    server: SpeechServer
    _token: trio.lowlevel.TrioToken

    @property
    def url(self) -> str:
        return f"{self.server.page_url.partition(':')[0]}://127.0.0.1:{self.port}"

    def wait_until_idle(self) -> None:
        """Wait until no session and no connection is left; a test that hangs here has left one behind."""

        async def idle() -> None:
            with trio.fail_after(FAR_S):
                while self.server.sessions:  # noqa: ASYNC110  # they end when threads have ended, and tell nobody
                    await trio.sleep(0.01)

        trio.from_thread.run(idle, trio_token=self._token)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the server's loop."""
        trio.from_thread.run_sync(function, trio_token=self._token)

    def counts(self) -> Any:
        listening = self.server._listener
        assert listening is not None
        return listening.counts


@contextmanager
def upload_server(script: Script = COUNTING, engine: Engine | None = None, **config: Any) -> Iterator[UploadServer]:
    """Run a server. Behind the block no request has failed, and no session is left."""
    started: list[UploadServer] = []
    told = threading.Event()

    async def serve(*, task_status: trio.TaskStatus[int]) -> None:
        model = engine or ScriptedWindowEngine(script)
        async with running_server(ServerConfig(port=0, **config), model) as server:
            assert server._listener is not None
            port = server._listener.port
            started.append(UploadServer(port, server, trio.lowlevel.current_trio_token()))
            told.set()
            task_status.started(port)
            await trio.sleep_forever()

    with running(serve):
        told.wait()
        (server,) = started
        trio.from_thread.run(server.server.engine_ready, trio_token=server._token)
        yield server
        server.wait_until_idle()
        assert server.counts().failed == 0
