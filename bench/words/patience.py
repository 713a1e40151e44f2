"""A client that waits for its turn: refused before it is ready, it comes back when it was told to, for minutes."""

from typing import Final
from urllib.parse import urlsplit
from urllib.request import urlopen

from auricle.core import Limits

PATIENT: Final = Limits(connect_timeout_s=900.0, ready_timeout_s=60.0, max_reconnects=100_000)
"""A server tells the refused to come back within a minute at most; the longest clip of many is over sooner than that
they are given up, and only the time counts, not how often they were refused."""
REFUSALS: Final = "auricle_refusals_total"
ANSWER_S: Final = 10.0


def refusals(url: str) -> int:
    """Return how many clients the server at a WebSocket URL has refused so far: its clients are not told each time."""
    place = urlsplit(url)._replace(scheme="http", path="/metrics").geturl()
    with urlopen(place, timeout=ANSWER_S) as answer:
        return counted(answer.read().decode())


def counted(exposition: str) -> int:
    """Return the refusals in Prometheus' text, whatever their reason."""
    samples = (line.rpartition(" ") for line in exposition.splitlines())
    return sum(round(float(value)) for name, _, value in samples if name.partition("{")[0] == REFUSALS)
