"""The results as text, as a page and as a plot."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from conversations import FRAME
from memory import SESSIONS, Held
from timing import Measured

AUDIO_BAR_US = 20.0
"""DESIGN §8: at most this many microseconds for an audio frame, on either side."""
IDLE_BAR_BYTES = 64 * 1024
"""DESIGN §8: at most this much memory in the core for an idle session."""
TITLES = {"audio": "An audio frame of 20 ms", "control": "A control message", "partial": "A partial"}
COLOURS = {"client": "#4269d0", "server": "#ff725c", "floor": "#9498a0", "peer": "#97bbf5"}


def table(measured: Sequence[Measured], family: str) -> list[str]:
    """Return the Markdown lines of one family's table; its floor is what the ratios are to."""
    rows = [m for m in measured if m.workload.family == family]
    floor = next(m for m in rows if m.workload.party == "floor")
    lines = [
        f"### {TITLES[family]}",
        "",
        "| | party | µs, median | µs, least | times the floor |",
        "|---|---|--:|--:|--:|",
    ]
    for m in rows:
        w = m.workload
        lines.append(f"| {w.name} | {w.party} | {m.typical:.2f} | {m.least:.2f} | {m.ratio(floor):.1f} |")
    return [*lines, ""]


def memory_table(held: Sequence[Held]) -> list[str]:
    """Return the Markdown lines of what sessions hold."""
    lines = ["### A session", "", "| | client, bytes | server, bytes |", "|---|--:|--:|"]
    lines += [f"| {h.name} | {h.client:,} | {h.server:,} |" for h in held]
    return [*lines, ""]


def verdicts(measured: Sequence[Measured], held: Sequence[Held]) -> list[str]:
    """Return one line for each bar, held or not, by the median."""
    lines = []
    for m in measured:
        w = m.workload
        if w.family == "audio" and w.party in ("client", "server"):
            lines.append(
                _verdict(f"{w.party}: an audio frame", f"{m.typical:.1f} µs", m.typical <= AUDIO_BAR_US, "20 µs")
            )
    idle = held[0]
    for party, size in (("client", idle.client), ("server", idle.server)):
        lines.append(_verdict(f"{party}: an idle session", f"{size / 1024:.1f} KiB", size <= IDLE_BAR_BYTES, "64 KiB"))
    return lines


def _verdict(what: str, value: str, is_held: bool, bar: str) -> str:  # noqa: FBT001 - the thing that is said
    return f"- {'held' if is_held else '**NOT HELD**'}: {what} costs {value} (bar: {bar})"


def body(measured: Sequence[Measured], held: Sequence[Held]) -> str:
    """Return everything that was measured, as Markdown."""
    lines = [*verdicts(measured, held), ""]
    for family in TITLES:
        lines += table(measured, family)
    return "\n".join([*lines, *memory_table(held)])


def page(measured: Sequence[Measured], held: Sequence[Held], plot: str) -> str:
    """Return the results page."""
    rounds = len(measured[0].rounds)
    return f"""# What the core costs

Made by `python bench/core/run.py --write` (`pip install -e '.[bench]'`), on
{machine()}.

{body(measured, held)}
![Microseconds for one operation, by party]({plot})

## How to read it

* CPU time of one thread, {rounds} interleaved rounds: in each, every line runs once, so what else the machine did
  struck all of them alike. *Least* is the round that was disturbed least; a ratio is the median of the ratios within a
  round, and moves less between machines than microseconds do.
* **An audio frame** is {len(FRAME)} bytes through `ClientSession.send_audio` or `ServerSession.receive` and
  `next_deadline` after it, as a driver asks each time. The *floor* copies the bytes into a buffer and out of it and
  moves two counters, which is what the work comes down to where nothing is checked.
* **A control message** is one message said or heard, **a partial** 52 characters of text; their floor is the standard
  library's JSON for the same message: the mean of writing and of reading it. A core also checks every field, the
  rules and the guarantees.
* *peer* is another sans-I/O library at a comparable task on the same bytes, without any accounting: h11 frames an
  HTTP/1.1 body chunk, wsproto a WebSocket message (masked, as a client must).
* **A session**: bytes that Python allocated, mean of {SESSIONS} sessions that can be resumed. *idle*: open, no audio
  yet. *streaming*: ten seconds in, in step with its engine; the client keeps the audio that is not decided, in case it
  has to send it to another server. *stalled*: the server hears nothing any more; the client's credit (30 s of audio) is
  used up and its backlog (10 s) full. The rest of a session (socket, tasks, engine) is not the core's and not here.
"""


def machine() -> str:
    """Return what this runs on, in general terms."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("h11", "wsproto"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_cpu()}, {platform.system()}, {python}, {libraries}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
