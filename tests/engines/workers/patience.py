"""Waiting for what other threads bring about."""

import threading
import time
from collections.abc import Callable

PATIENCE_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        threading.Event().wait(0.002)
