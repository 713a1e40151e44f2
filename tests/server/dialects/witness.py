"""Those who watch while others send anything: a session that has to go on, and a log in which nothing has failed."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

sync_client = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")

PIECE = bytes(6_400)
"""A fifth of a second."""
FAR_S = 60.0


class Witness:
    """A client of the old dialect, whose session has nothing to do with anybody else's."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pieces = 0
        self._socket = self._open()

    def speak(self) -> None:
        """Send a little more audio."""
        self._socket.send(PIECE)
        self._pieces += 1

    def testify(self) -> None:
        """End the session, and compare its words with those of one that nobody has disturbed."""
        heard = self._rest(self._socket)
        alone = self._open()
        for _ in range(self._pieces):
            alone.send(PIECE)
        assert heard == self._rest(alone)

    def _open(self) -> Any:
        # What it is told waits until it testifies, however much that is.
        socket = sync_client.connect(f"{self._url}/ws/transcribe", max_queue=None, ping_interval=None)
        socket.send("{}")
        assert json.loads(socket.recv(FAR_S))["type"] == "ready"
        return socket

    def _rest(self, socket: Any) -> tuple[list[str], int | None]:
        socket.send('{"type":"end_of_stream"}')
        with socket:
            texts = [json.loads(message)["text"] for message in socket]
        return texts, socket.close_code


@contextmanager
def nothing_fails() -> Iterator[list[str]]:
    """Demand that nothing is logged as an error, or with a traceback, in the block; yield what has been, so far."""
    failures: list[str] = []

    class Failures(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info or record.levelno >= logging.ERROR:
                failures.append(logging.Formatter().format(record))

    handler = Failures()
    logging.getLogger().addHandler(handler)
    try:
        yield failures
    finally:
        logging.getLogger().removeHandler(handler)
    assert not failures, "\n".join(failures)
