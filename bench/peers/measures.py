"""A row of the page: what so many sessions with a server came to, in numbers. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from metrics import summary
from normal import Errors
from peers.reading import read, values
from peers.sessions import Session

BOUND_S: Final = 1.5
"""A session is held well if the 95th percentile of its words are settled so soon after they were said."""

Rung = dict[str, Any]


def rung(sessions: Sequence[Session], at_once: int, *, cpu_s: float, plain_cpu_s: float) -> Rung:
    """Return what sessions came to of which ``at_once`` ran side by side.

    ``cpu_s`` is what the server used, and ``plain_cpu_s`` what plain faster-whisper uses for the same clips.
    """
    readings = [read(session) for session in sessions]
    errors = sum((reading.errors for reading in readings), Errors())
    audio_s = sum(session.tape.seconds for session in sessions)
    ends = [s.done_s - s.input_end_s for s in sessions if s.done_s is not None and s.input_end_s is not None]
    return {
        "at_once": at_once,
        "sessions": len(sessions),
        "ended": sum(session.has_ended for session in sessions),
        "failures": sorted({session.failure for session in sessions if session.failure is not None}),
        "utterances": sum(len(session.tape.clips) for session in sessions),
        "errors": {
            "rate": errors.rate,
            "substitutions": errors.substitutions,
            "deletions": errors.deletions,
            "insertions": errors.insertions,
            "words": errors.words,
        },
        "first_word_s": summary(values(readings, lambda reading: reading.first_word_s)),
        "settled_s": summary(values(readings, lambda reading: reading.settled_s)),
        "told_final_s": summary(values(readings, lambda reading: reading.told_final_s)),
        "end_s": summary(ends),
        "audio_s": round(audio_s, 1),
        "cpu_s": round(cpu_s, 2),
        "cpu_x": round(cpu_s / plain_cpu_s, 2),
        "late_s": round(max((session.late_s for session in sessions), default=0.0), 3),
    }


def is_held(one: Mapping[str, Any]) -> bool:
    """Whether so many sessions at once are held: all ended, and words settle within `BOUND_S`."""
    p95 = one["settled_s"]["p95"]
    return one["ended"] == one["sessions"] and p95 is not None and p95 <= BOUND_S


def held(rungs: Sequence[Mapping[str, Any]]) -> int:
    """Return the most sessions at once that are held, as far as every fewer are too; 0: not even the fewest."""
    most = 0
    for one in sorted(rungs, key=lambda one: int(one["at_once"])):
        if not is_held(one):
            break
        most = int(one["at_once"])
    return most
