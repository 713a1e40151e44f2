"""Reading ``/metrics`` as Prometheus does."""

from collections.abc import Mapping
from urllib.request import Request, urlopen

import trio
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

PATIENCE_S = 60.0


def http_url(server_url: str, path: str) -> str:
    return server_url.replace("ws://", "http://").replace("/ws/transcribe", path)


def read(url: str, headers: Mapping[str, str] | None = None) -> tuple[str, str]:
    with urlopen(Request(url, headers=dict(headers or {})), timeout=PATIENCE_S) as response:
        return response.read().decode(), response.headers["Content-Type"]


async def scraped(server_url: str) -> list[Sample]:
    text, _ = await trio.to_thread.run_sync(read, http_url(server_url, "/metrics"))
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(samples: list[Sample], name: str, **labels: str) -> float:
    """Return the sum of the samples that have these labels."""
    return sum(
        sample.value
        for sample in samples
        if sample.name == name and all(sample.labels.get(key) == wanted for key, wanted in labels.items())
    )
