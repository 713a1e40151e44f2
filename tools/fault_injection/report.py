"""A run in words: a line for a session, a table for all of them, and the page that holds the table."""

from pathlib import Path
from typing import Final

from fault_injection.faults import Kind
from fault_injection.run import Run, Session

BEGIN: Final = "<!-- run {engine} -->"
END: Final = "<!-- end -->"


def told(session: Session) -> str:
    """Return one line about a session."""
    faults = ", ".join(f"{fault.kind} ({fault.where} {fault.after})" for fault, _ in session.made)
    outcome = session.outcome
    verdict = "as uncut" if not session.differences else "DIFFERENT"
    return (
        f"{session.number:4} {session.backend:7} {verdict:9} {outcome.seconds:6.1f} s, {outcome.resumes} resumed, "
        f"{outcome.restarts} begun anew: {faults or 'none'}"
    )


def summary(run: Run, seconds: float) -> str:
    """Return the result in a sentence, and a table with a row for each kind of fault."""
    sessions = len(run.sessions)
    equal = sessions - len(run.different)
    outcomes = [session.outcome for session in run.sessions]
    lines = [
        f"**{equal} of {sessions} sessions were exactly as the uncut one** ({sum(run.made.values())} faults; "
        f"{sum(o.resumes for o in outcomes)} times resumed, {sum(o.restarts for o in outcomes)} times begun anew; "
        f"{run.kills} times a server was killed, {len(run.drained_s)} times drained, which took "
        f"{max(run.drained_s, default=0.0):.1f} s at most; "
        f"the longest session took {max(o.seconds for o in outcomes):.1f} s, an uncut one {run.uncut_s:.1f} s; "
        f"{seconds:.0f} s in all, seed {run.seed}).",
        "",
        "| fault | made | alone, in the middle of a session |",
        "|---|---:|---|",
    ]
    alone = {session.made[0][0].kind: session for session in run.alone}
    for kind in Kind:
        cost = _cost(alone[kind]) if kind in alone else ""
        lines.append(f"| {kind.replace('_', ' ')} | {run.made[kind]} | {cost} |")
    return "\n".join(lines)


def _cost(session: Session) -> str:
    """Return how long a session with one fault took to go on, and how it did."""
    outcome, (_, at) = session.outcome, session.made[0]
    went_on = [later - at for later in outcome.went_on if later >= at]
    if not went_on:
        return "not interrupted"
    return f"{'begun anew' if outcome.restarts else 'resumed'} after {went_on[0]:.1f} s"


def write(page: Path, run: Run, seconds: float) -> None:
    """Put the result of a run between its marks in a page. Raises `ValueError` where the page has none."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN.format(engine=run.engine))
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for a run with the engine {run.engine}")
    page.write_text(f"{before}{begin}\n{summary(run, seconds)}\n{end}{after}", encoding="utf-8")
