"""How a kit tells what fails: every rule that is broken, a line each."""

from collections.abc import Callable, Sequence


def run_all(checks: Sequence[Callable[[], object]]) -> None:
    """Run every check, whatever the others do. Raises as `raise_all`."""
    failures: list[str] = []
    for check in checks:
        try:
            check()
        except AssertionError as failure:
            failures.append(str(failure))
    raise_all(failures, of=len(checks))


def raise_all(failures: Sequence[str], *, of: int) -> None:
    """Raise `AssertionError` with every failure, a line each, and how many of ``of`` checks they are; none: return."""
    if failures:
        count = "" if len(failures) == 1 else f"{len(failures)} of {of} checks fail.\n"
        raise AssertionError(count + "\n".join(failures))
