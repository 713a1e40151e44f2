"""A client session that checks in every scenario that its driver keeps rules 1, 2 and 7."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from auricle.core import ClientSession, Emit, Limits, Output, Start, Transmit
from auricle.core.session import Outputs
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.scripted_wire import ReportViolation

MUTATORS: Final = (
    "transport_opened", "transport_lost", "receive", "handle_timeout",
    "send_audio", "skip", "flush", "mark", "end_turn", "configure", "end_input", "cancel", "abort",
)  # fmt: skip
SLACK_S: Final = 0.5
"""Maximum difference in seconds between the time passed to the session and the loop's."""
MOST_AT_ONCE: Final = 5
"""Maximum number of timeouts at one point in time."""


class _Outputs(tuple[Output, ...]):
    """Outputs that record whether they have been iterated over."""

    routed = False

    def __iter__(self) -> Iterator[Output]:
        yield from super().__iter__()
        self.routed = True


class CheckedSession(ClientSession):
    """A `ClientSession` that reports violations of the driver rules by its driver."""

    def __init__(self, loop: Loop, report_violation: ReportViolation, *, limits: Limits | None = None) -> None:
        super().__init__(Start(), now=loop.now(), limits=limits)
        self.transmitted: list[Transmit] = []
        self.emitted: list[Emit] = []
        self.timeouts = 0
        self._loop = loop
        self._report_violation = report_violation
        self._owner: object | None = None
        self._last = _Outputs()
        self._fired: tuple[float, int] = (0.0, 0)

    def before(self, name: str, now: float) -> None:
        """Check the driver before the mutator ``name`` is called with the time ``now``."""
        if self.finished:
            return
        task = self._loop.current()
        if self._owner is None:
            self._owner = task
        elif self._owner is not task and self.closed is None:
            self._report_violation(f"One task owns the session, and another one called {name} (rule 1).")
        if self._last and not self._last.routed:
            self._report_violation(f"All outputs are routed before the next input, which was {name} (rule 2).")
        if abs(now - self._loop.now()) > SLACK_S:
            self._report_violation(
                f"{name} is given the present time, not one of {now - self._loop.now():+.1f} s (rule 7)."
            )
        if name == "handle_timeout":
            self._before_timeout(now)

    def _before_timeout(self, now: float) -> None:
        deadline = self.next_deadline
        self.timeouts += 1
        at, times = self._fired
        self._fired = (now, times + 1 if now == at else 1)
        if deadline is None or now < deadline:
            self._report_violation("A timer that fired has fired: now is never before the deadline (rule 7).")
        elif self._fired[1] > MOST_AT_ONCE:
            self._report_violation("A timer that has fired is not fired again: no hot loop (rule 7).")

    def after(self, outputs: Outputs) -> Outputs:
        """Record the outputs of a mutator, and return them wrapped."""
        self.transmitted += [output for output in outputs if isinstance(output, Transmit)]
        self.emitted += [output for output in outputs if isinstance(output, Emit)]
        self._last = _Outputs() if self.finished else _Outputs(outputs)
        return self._last if self._last else outputs


def _checked(name: str) -> Callable[..., Outputs]:
    verb = getattr(ClientSession, name)

    def checked(self: CheckedSession, *arguments: Any, now: float, **options: Any) -> Outputs:
        self.before(name, now)
        return self.after(verb(self, *arguments, now=now, **options))

    return checked


for _name in MUTATORS:
    setattr(CheckedSession, _name, _checked(_name))
