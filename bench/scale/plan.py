"""From what one worker and one gateway hold to GPUs by the thousand: arithmetic, with every assumption by name."""

from collections.abc import Mapping
from math import ceil
from typing import Any

GPUS = (10, 100, 1_000)
SESSIONS_A_DAY = 1_000_000
SESSION_S = 180.0
"""Seconds that a session lasts: a telephone call."""
PEAK = 3.0
"""Times as many sessions in the busiest minute as on average: telephones ring in eight hours of the day."""
FRAMES_A_CORE = 9_400
"""Frames a second that a gateway's event loop takes in, measured with trio-websocket (one core, frames of 20 ms)."""
FRAMES_A_SECOND = 10
"""Of a session: frames of 100 ms, as our clients send them."""
LOOP_FULL = 0.7
"""Share of its core that the event loop is planned for: what is left is for bursts, and for what it says."""
VOICE_S = 0.004
"""Seconds of a processor for the voice detector, for each second of a session: measured, silent or not."""
FEATURES_S = 0.0013 * 0.43
"""The same for log-mel features, of those who talk just now: measured."""
WINDOW_BYTES_A_SECOND = 64_000 + 32_000
"""Of audio and features of a window that is sent to a worker, for each second of it."""
MEAN_WINDOW_S = 2.5
"""Of partials and finals together: the windows of a turn of 3 s."""


def sessions_of_a_gateway() -> int:
    """Return how many sessions the event loop of one gateway is planned for."""
    return int(LOOP_FULL * FRAMES_A_CORE / FRAMES_A_SECOND)


def fleet(row: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    """Return what GPUs of a kind hold, with the gateways that it takes."""
    sessions = gpus * row["held"]
    return {"gpus": gpus} | _around(row, sessions)


def for_a_day(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a day's sessions take on GPUs of a kind."""
    average = SESSIONS_A_DAY * SESSION_S / 86_400
    peak = ceil(PEAK * average)
    held = row["held"]
    return {"average": round(average), "gpus": ceil(peak / held) if held else None} | _around(row, peak)


def _around(row: Mapping[str, Any], sessions: int) -> dict[str, Any]:
    """Return what sessions take beside GPUs."""
    return {
        "sessions": sessions,
        "gateways": ceil(sessions / sessions_of_a_gateway()),
        "voice_cores": ceil(sessions * (VOICE_S + FEATURES_S)),
        "to_workers_gbit_s": sessions * row["windows_a_second"] * MEAN_WINDOW_S * WINDOW_BYTES_A_SECOND * 8 / 1e9,
        "frames_a_second": sessions * FRAMES_A_SECOND,
    }


def first_to_saturate(row: Mapping[str, Any]) -> str:
    """Return what is full first where a gateway has one such worker."""
    if row["held"] > sessions_of_a_gateway():
        return "the gateway's event loop"
    if row["admitted"] < row["in_time"]:
        return "the scheduler's admission"
    return "the worker"
