"""How people talk and pause in simulations, and what windows that asks for."""

from typing import Final

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import ENGINE_RATE
from auricle.engines.scheduling.jobs import Job, deadline_s

FIRST_S: Final = 0.6
"""When a first partial is asked for: seconds of speech."""
ONSET_S: Final = 0.13
"""When a silence is noticed: seconds of it."""
ENDPOINT_S: Final = 0.2
"""When an utterance is ended: seconds of silence."""
TAIL_S: Final = 8.0
"""Longest window of a partial: what is older is committed."""
SPEECH_S: Final = 3.0
"""Of a turn, on average; from half to one and a half of it …"""
PAUSE_S: Final = 4.0
"""… and so of the pause behind it."""


def asked(session: int, number: int, urgency: Urgency, *, length_s: float, interval_s: float, now_s: float) -> Job:
    """Return a job that a session asks for now, of a window of ``length_s``; partials come every ``interval_s``."""
    return Job(
        session=session,
        number=number,
        urgency=urgency,
        samples=round(length_s * ENGINE_RATE),
        key=urgency.is_final,
        released_s=now_s,
        deadline_s=deadline_s(urgency, released_s=now_s, interval_s=interval_s),
    )
