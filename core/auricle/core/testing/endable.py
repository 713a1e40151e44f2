"""From every snapshot of an open session an ending can be built, whatever the peer has said before."""

from collections.abc import Iterator

from auricle.core.machine import step
from auricle.core.messages import Cancel, Malformed
from auricle.core.snapshot import Snapshot
from auricle.core.states import Kind, Role, State
from auricle.core.stimuli import Fail, Hear, Local, Lose, Stimulus


def ways_to_end(s: Snapshot) -> Iterator[Stimulus]:
    """Yield stimuli that end a session at once in every open state."""
    if s.attached:
        yield Hear(message=Malformed(code="bad_message", why="not a message"))
    if s.role is Role.SERVER:
        yield Fail(code="internal", why="a fault")
        if s.attached:
            yield Hear(message=Cancel())
        yield Lose(how="cancelled", code=1006)
    else:
        yield Local(kind=Kind.ABORT)
        yield Lose(how="cancelled", code=1006)


def check_can_end(s: Snapshot, *, now: float) -> None:
    """Raise `AssertionError`, or whatever `step` raises, unless each of `ways_to_end` closes the session."""
    if s.state is State.CLOSED:
        return
    for stimulus in ways_to_end(s):
        after, _outputs = step(s, stimulus, now=now)
        assert after.state is State.CLOSED, f"{stimulus} leaves the session {after.state.value}"
