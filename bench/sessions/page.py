"""``docs/bench-sessions.md`` from the costs of a run."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from sessions.measuring import Cost

FLOOR: Final = "trio-websocket"
TITLES: Final[Mapping[str, str]] = {
    "websockets": "`websockets` on asyncio, bare",
    "wsproto": "wsproto on trio, bare",
    "trio-websocket": "trio-websocket, bare: **the floor**",
    "silent": "Auricle, nobody speaks",
    "auricle": "Auricle, everybody speaks",
}
REAL_TIME: Final = 50
"""Messages a second of a session with frames of 20 ms."""
HEAD: Final = (
    "| server | messages a CPU-second | of the floor | sessions a core | KiB a session | MiB before the first |",
    "|---|---|---|---|---|---|",
)
INTRODUCTION: Final = """# What a session costs the server

`python bench/sessions/run.py --write` runs the whole server with an engine that costs nothing: listener, WebSocket,
protocol, accounting, resampling, endpointing, scheduling, metrics. {sessions} sessions send frames of 20 ms at the pace
of speech over real sockets, each at a moment of its own; where everybody speaks, each gets a partial every half second.
The bare servers take the same messages, throw them away, and answer every half second with a hundred bytes: no server
on that library can do less. All of them ran in turns in one run, and the figures are medians of {rounds} rounds of
{seconds:g} s. Times are of the server's processor, all threads. What models cost is in
[bench-streaming.md](bench-streaming.md).

{when}, {machine}.
"""


def page(costs: Mapping[str, Cost], notes: str, *, sessions: int, rounds: int, seconds: float, machine: str) -> str:
    """Return the page. ``notes`` is what a person has to say, and stays as it is."""
    head = INTRODUCTION.format(
        sessions=sessions, rounds=rounds, seconds=seconds, when=date.today().isoformat(), machine=machine
    )
    return "\n".join((head, *table(costs), "", notes.strip(), ""))


def table(costs: Mapping[str, Cost]) -> list[str]:
    """Return the rows."""
    floor = costs.get(FLOOR)
    return [*HEAD, *(_row(name, cost, floor) for name, cost in costs.items())]


def _row(name: str, cost: Cost, floor: Cost | None) -> str:
    share = "" if floor is None else f"{cost.messages_per_cpu_s / floor.messages_per_cpu_s:.2f} ×"
    return (
        f"| {TITLES[name]} | {cost.messages_per_cpu_s:,.0f} | {share} | {cost.messages_per_cpu_s / REAL_TIME:.0f} "
        f"| {cost.session_kib:.0f} | {cost.base_mib:.0f} |"
    )
